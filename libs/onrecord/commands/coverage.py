"""``onrecord coverage``: which questions the interviews answer, and which nobody addressed."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.console import Json, out, print_json
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from read_model.coverage import StudyCoverage

Study = Annotated[
    str | None, typer.Option(help="The study's id; may be left out if there is only one.")
]


def register(app: typer.Typer) -> None:
    """Add the command ``coverage`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(coverage)


def coverage(*, study: Study = None, json_output: Json = False) -> None:
    """Show which research questions of a study have notes, which have none, and which are unknown.

    "Not addressed" is said only if every chunk of every interview was read with that question
    in hand, and no earlier revision has a note about it: then it is "answered earlier". "Unknown"
    is said as long as a chunk is dead, discarded or waiting.

    Examples of use:

        onrecord coverage --study small-repair-shops
        onrecord coverage --study small-repair-shops --json
    """
    from onrecord.pages.notes import format_coverage  # noqa: PLC0415 - keeps help quick

    found = asyncio.run(_find(study))
    if json_output:
        print_json(asdict(found))
        return
    for line in format_coverage(found, get_page_width(out)):
        out.print(line)


async def _find(asked: str | None) -> StudyCoverage:
    # Slow to import.
    from onrecord.connections import open_reading_client  # noqa: PLC0415
    from onrecord.reading_client import choose_study  # noqa: PLC0415

    async with open_reading_client(ClientSettings.load()) as reading:
        return await reading.coverage(choose_study(asked, await reading.studies()))
