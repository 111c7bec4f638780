"""``onrecord coverage``: which questions the interviews answer, and which nobody addressed."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.commands import notes as options
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count, get_page_width
from onrecord.settings import ClientSettings
from read_model.turn_coverage import TurnStatus

if TYPE_CHECKING:
    from onrecord.control_transport import Params
    from onrecord.pages.turn_coverage import TurnCoverage
    from read_model.coverage import StudyCoverage
    from read_model.turn_coverage import CoveredTurn

Study = Annotated[
    str | None, typer.Option(help="The study's id; may be left out if there is only one.")
]
Transcript = Annotated[
    str | None,
    typer.Option(
        metavar="ID|TITLE",
        help="An interview, turn by turn: its id or title, or how either begins (4 characters of "
        "an id).",
    ),
]
Only = Annotated[
    TurnStatus | None,
    typer.Option(
        "--only",
        help="With --transcript: only turns that notes cite, that were read without a note, or "
        "that were not read.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(min=1, max=1_000_000, help="With --transcript: at most so many turns."),
]


def register(app: typer.Typer) -> None:
    """Add the command ``coverage`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(coverage)


def coverage(  # noqa: PLR0913 - each is an option
    *,
    study: Study = None,
    transcript: Transcript = None,
    only: Only = None,
    limit: Limit = None,
    exact: options.Exact = False,
    json_output: Json = False,
) -> None:
    """Show which research questions of a study have notes, which have none, and which are unknown.

    "Not addressed" is said only if every chunk of every interview was read with that question
    in hand, and no earlier revision has a note about it: then it is "answered earlier". "Unknown"
    is said as long as a chunk is dead, discarded or waiting, or if notes are gone, as a study keeps
    them for a time (`onrecord retention`).

    With --transcript, show what became of each turn of an interview: cited by so many notes, read
    but not noted, or unread, as its chunk is dead, discarded or waiting. What the guardrail refused
    is no note: `onrecord notes --rejected` shows it.

    Examples of use:

        onrecord coverage --study small-repair-shops
        onrecord coverage --study small-repair-shops --json
        onrecord coverage --transcript "Two Rivers"
        onrecord coverage --transcript "Two Rivers" --only unnoted
    """
    if transcript is not None:
        _print_turns(
            asyncio.run(_find_turns(study, transcript, only, limit, exact=exact)),
            json_output=json_output,
        )
        return
    if only or limit or exact:
        raise UsageError("--only, --limit and --exact go with --transcript: they are about turns")
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


def _print_turns(found: TurnCoverage, *, json_output: bool) -> None:
    from onrecord.pages.turn_coverage import format_turn_coverage  # noqa: PLC0415 - keeps help quick

    if json_output:
        print_json(found.as_json())
    else:
        for line in format_turn_coverage(found, get_page_width(out)):
            out.print(line)
    if found.has_more:
        shown = format_count(len(found.turns), "turn")
        err.print(f"the first {shown}; a higher --limit shows more")
    elif not found.turns:
        err.print("no such turns")


async def _find_turns(
    study: str | None, asked: str, only: TurnStatus | None, limit: int | None, *, exact: bool
) -> TurnCoverage:
    # Slow to import.
    from onrecord.connections import open_reading_client  # noqa: PLC0415
    from onrecord.note_selection import select_interview  # noqa: PLC0415
    from onrecord.pages.turn_coverage import TurnCoverage  # noqa: PLC0415
    from onrecord.reading_client import choose_study  # noqa: PLC0415

    async with open_reading_client(ClientSettings.load()) as reading:
        known = await reading.studies()
        studies = [choose_study(study, known)] if study else [one.study_id for one in known]
        _, interview = await select_interview(reading, asked, studies)
        which: Params = {
            # Not of a revision that is stored between the requests.
            "revision": interview.revision,
            "only": only and only.value,
            "exact": exact or None,
        }
        turns: list[CoveredTurn] = []
        async for page in reading.turn_coverage_pages(interview.transcript_id, which):
            counts = page.counts
            turns += page.turns
            if limit is not None and len(turns) > limit:
                break
    return TurnCoverage(interview, counts, turns[:limit], len(turns) > len(turns[:limit]))
