"""``onrecord drift``: what is no longer as it usually was, since when, and where it comes from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from onrecord.console import Json, out, print_json
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from contracts.drift import DriftReport


def register(app: typer.Typer) -> None:
    """Add the command ``drift`` to the command line."""
    app.command(rich_help_panel="Operating")(drift)


def drift(*, json_output: Json = False) -> None:
    """Show what is no longer as it usually was: refused notes, refusals, lengths, latency, cost.

    Of each model, fingerprint, prompt and producer the system learns what is usual, and raises an
    alarm when it changes: which rate, from what to what, since about when, and which side it comes
    from, as far as is known: they changed (the model), we changed (prompt, deploy), or the input
    changed (producer, format, length). In steady work there is less than one false alarm in
    100,000 chunks. An alarm is over once what is usual since is known. docs/drift.md says more.

    Examples of use:

        onrecord drift
        onrecord drift --json | jq '.alarms[] | select(.ended_at == null)'
    """
    from onrecord.pages.drift import format_drift  # noqa: PLC0415 - slow to import

    found = asyncio.run(_read())
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    for line in format_drift(found, get_page_width(out)):
        out.print(line)


async def _read() -> DriftReport:
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import

    async with open_control_client(ClientSettings.load()) as control:
        return await control.drift()
