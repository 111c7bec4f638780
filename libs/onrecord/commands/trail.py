"""``onrecord trail``: who changed what, and who read exact words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from contracts.access import TrailEntry
from onrecord.console import Json, err, out, print_json
from onrecord.settings import ClientSettings

Actor = Annotated[str | None, typer.Option(help="Only what the token with this name did.")]
Action = Annotated[
    str | None,
    typer.Option(help="Only this action, such as letter.discard; `letter` is all on letters."),
]
Study = Annotated[str | None, typer.Option(help="Only in this study, by its id.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the latest first.")]

PAGE: Final = 1_000
"""Entries of one request."""


def register(app: typer.Typer) -> None:
    """Add the command ``trail`` to the command line."""
    app.command(rich_help_panel="Operating")(trail)


def trail(
    *,
    actor: Actor = None,
    action: Action = None,
    study: Study = None,
    limit: Limit = 100,
    json_output: Json = False,
) -> None:
    """Print the audit trail, the latest entry first: who changed what, and who read quotes.

    Examples of use:

        onrecord trail
        onrecord trail --actor ada --action notes
        onrecord trail --study small-repair-shops --json
    """
    which = {"actor": actor, "action": action, "study_id": study}
    entries = asyncio.run(_read(which, limit))
    if json_output:
        print_json([one.model_dump(mode="json") for one in entries])
        return
    if not entries:
        err.print("nothing yet")
        return
    out.print(_table(entries))


async def _read(which: dict[str, str | None], limit: int) -> list[TrailEntry]:
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import

    found: list[TrailEntry] = []
    cursor: str | None = None
    async with open_control_client(ClientSettings.load()) as control:
        while len(found) < limit:
            wanted = {"limit": min(PAGE, limit - len(found)), "cursor": cursor}
            page = await control.trail({**which, **wanted})
            found.extend(page.entries)
            if page.next is None:
                break
            cursor = page.next
    return found


def _table(entries: Sequence[TrailEntry]) -> Table:
    table = Table("when", "who", "what", "of what", "why", "from", box=None)
    for one in entries:
        when = f"{one.at:%Y-%m-%d %H:%M:%S}"
        texts = (one.actor, one.action, one.target, one.reason, one.address)
        table.add_row(when, *map(escape, texts))
    return table
