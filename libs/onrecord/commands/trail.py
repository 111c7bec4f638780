"""``onrecord trail``: who changed what, and who read exact words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer
from rich.text import Text

from contracts.access import TrailEntry, TrailOutcome
from onrecord.console import Json, err, out, print_json
from onrecord.pages.rendering import wrap_paragraph
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

    Entries are written before what they say is done. The outcome is done, refused (nothing was
    done, as things stood), failed (by an error) or unknown (under way, or a crash or an outage came
    in between), with the HTTP status of what was not done.

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
    for line in _format_entries(entries, out.width):
        out.print(line)


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


def _format_entries(entries: Sequence[TrailEntry], width: int) -> Iterator[Text]:
    """Format entries in lines that cut nothing off: ids are there to be copied."""
    for one in entries:
        head = f"{one.at:%Y-%m-%d %H:%M:%S} {one.action}: {_describe_outcome(one)}, by {one.actor}"
        head += f" from {one.address}" if one.address else ""
        yield from wrap_paragraph(head, width, style="" if _is_done(one) else "yellow")
        if one.target:
            yield from wrap_paragraph(one.target, width, indent="    ")
        if one.cleared_at:
            cleared = f"texts cleared {one.cleared_at:%Y-%m-%d}: their time was over"
            yield from wrap_paragraph(cleared, width, indent="    ", style="dim")
        if one.reason:
            yield from wrap_paragraph(f"why: {one.reason}", width, indent="    ", style="dim")


def _is_done(entry: TrailEntry) -> bool:
    return entry.outcome is TrailOutcome.DONE


def _describe_outcome(entry: TrailEntry) -> str:
    if entry.outcome is None:
        return "unknown"
    if _is_done(entry) or entry.status is None:
        return entry.outcome.value
    return f"{entry.outcome.value} ({entry.status})"
