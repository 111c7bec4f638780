"""``onrecord resume``: lets a service go on that has stopped because most messages failed."""

from __future__ import annotations

import asyncio
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contracts.topics import CONTROL, ENRICHMENT, GUARDRAIL, INGESTION, PERSISTENCE
from onrecord.console import Json, out, print_json
from onrecord.errors import UsageError
from onrecord.settings import ClientSettings


class ResumableService(StrEnum):
    """Name of a service that can be resumed after it has stopped itself."""

    INGESTION = INGESTION
    ENRICHMENT = ENRICHMENT
    GUARDRAIL = GUARDRAIL
    PERSISTENCE = PERSISTENCE
    CONTROL = CONTROL


Which = Annotated[
    ResumableService, typer.Argument(metavar="SERVICE", help="The service that has stopped.")
]
Url = Annotated[
    str | None,
    typer.Option(help="Where it answers, such as http://ingestion:8080; the local stack's if not."),
]


def register(app: typer.Typer) -> None:
    """Add the command ``resume`` to the command line."""
    app.command(rich_help_panel="Operating")(resume)


def resume(service: Which, url: Url = None, json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Resume a service that has stopped itself because most of its messages failed.

    The token is in the file that SERVICE_OPERATOR_TOKEN_FILE names: the local stack sets it, and
    so does the container of a service.

    Examples of use:

        onrecord resume enrichment
        onrecord resume ingestion --url http://ingestion:8080
        docker compose exec guardrail onrecord resume guardrail --json
    """
    address, token = _find_service(service, url)
    asyncio.run(_resume(service, address, token))
    if json_output:
        print_json({"service": service.value, "resumed": True})
    else:
        out.print(f"{service}: resumed", markup=False)


def _find_service(service: str, url: str | None) -> tuple[str, str]:
    """Return a service's address and the operators' token for it.

    Raises:
        UsageError: one of them is not known.
    """
    prefix = service.upper()
    settings = ClientSettings.load()
    # The local stack's token is not for an address elsewhere.
    env = settings.env if url is None else os.environ
    if (port := os.environ.get(f"{prefix}_HTTP_PORT")) and port != "0":  # in its container
        url = url or f"http://127.0.0.1:{port}"
    url = url or env.get(f"ONRECORD_{prefix}_URL")
    if not url:
        raise UsageError(f"where {service} answers is not known: name it by --url")
    setting = f"{prefix}_OPERATOR_TOKEN_FILE"
    file = env.get(setting)
    if not file:
        raise UsageError(f"no token is known: set {setting} to the file that {service} has it in")
    try:
        return url.rstrip("/"), Path(file).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{setting}: {file} cannot be read ({type(error).__name__})") from error


async def _resume(service: str, url: str, token: str) -> None:
    from onrecord.service_client import resume_service  # noqa: PLC0415 - slow to import

    await resume_service(service, url, token)
