"""``onrecord resume``: lets a service go on that has stopped because most messages failed."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.topics import ENRICHMENT, GUARDRAIL, INGESTION, PERSISTENCE
from onrecord.console import Json, out, print_json
from onrecord.errors import FailedError
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from contracts.operations import ResumedReplica, ServiceResume


class ResumableService(StrEnum):
    """Name of a service that can be resumed after it has stopped itself."""

    INGESTION = INGESTION
    ENRICHMENT = ENRICHMENT
    GUARDRAIL = GUARDRAIL
    PERSISTENCE = PERSISTENCE


Which = Annotated[
    ResumableService, typer.Argument(metavar="SERVICE", help="The service that has stopped.")
]


def register(app: typer.Typer) -> None:
    """Add the command ``resume`` to the command line."""
    app.command(rich_help_panel="Operating")(resume)


def resume(service: Which, json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Resume a service that has stopped itself because most of its messages failed.

    `onrecord pipeline` says which have, and why: mend that before. Control asks each replica that
    it finds at the service's address. A service that is left alone tries one message at a time by
    itself, and goes on once one succeeds. One in an outage has not stopped: it waits until what is
    away is back, and resuming changes nothing.

    Examples of use:

        onrecord resume enrichment
        onrecord resume guardrail --reason "the policy is set back"
        onrecord resume ingestion --json
    """
    found = asyncio.run(_resume(service))
    if json_output:
        print_json(found.model_dump(mode="json"))
    else:
        from contracts.terminal import escape_control_characters  # noqa: PLC0415 - beside its use

        for one in found.replicas:
            line = _describe(found, one)
            out.print(escape_control_characters(line), markup=False, soft_wrap=True)
    missed = [one for one in found.replicas if not one.resumed]
    if missed:
        raise FailedError(f"{len(missed)} of {len(found.replicas)} replicas are not resumed")


async def _resume(service: str) -> ServiceResume:
    from contracts.operations import ServiceResume  # noqa: PLC0415 - slow to import
    from onrecord.connections import open_control_client  # noqa: PLC0415 - as above

    async with open_control_client(ClientSettings.load()) as control:
        return await control.send("POST", f"/v1/pipeline/{service}/resume", ServiceResume)


def _describe(found: ServiceResume, replica: ResumedReplica) -> str:
    name = found.service.value
    if len(found.replicas) > 1:
        name += f" at {replica.address}"
    if not replica.resumed:
        return f"{name}: not resumed: {replica.reason}"
    waits = f"it waits: {replica.waits_for}" if replica.waits_for else ""
    if not replica.had_stopped:
        return f"{name}: had not stopped; {waits or 'it goes on'}"
    resumed = f"resumed, but {waits}" if waits else "resumed"
    return f"{name}: {resumed}" + (f"; until now: {replica.reason}" if replica.reason else "")
