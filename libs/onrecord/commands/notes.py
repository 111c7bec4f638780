"""``onrecord notes``: prints what the interviews say, by theme."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer
from rich.table import Table

from contracts.notes import Standing
from contracts.study import StatementPolicy
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.note_selection import NoteSelection, select_notes
from onrecord.pages.rendering import format_count, get_page_width
from onrecord.settings import ClientSettings
from read_model.notes import DecisionFilter, NoteFilter, RefusedNote, StoredNote
from read_model.queries import StudyWithInterviewCount

if TYPE_CHECKING:
    from onrecord.reading_client import ReadingClient
    from onrecord.turns import SurroundingTurns

MAX_TURNS: Final = 100
"""Most turns before a quote, and behind it, that are printed with it."""

Study = Annotated[str | None, typer.Option(help="Only this study, by its id.")]
Transcript = Annotated[
    str | None,
    typer.Option(
        metavar="ID|TITLE",
        help="Only this interview: its id or title, or how either begins (4 characters of an id).",
    ),
]
Theme = Annotated[str | None, typer.Option(help="Only this theme, by its id.")]
Question = Annotated[str | None, typer.Option(help="Only notes on this question, by its id.")]
Speaker = Annotated[str | None, typer.Option(help="Only with words of this speaker.")]
Rejected = Annotated[
    bool,
    typer.Option(
        "--rejected",
        help="Show the notes that were refused, and why: as drafted, never masked; takes the "
        "right to read evidence.",
    ),
]
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Show the exact words and names where a study masks them; takes the right to read "
        "evidence.",
    ),
]
StandingOption = Annotated[
    Standing | None,
    typer.Option("--standing", help="Only notes of this standing; refuted ones: --rejected."),
]
Statements = Annotated[
    StatementPolicy | None,
    typer.Option(
        help="Which statements to show as findings, in place of what the study says: `all` also "
        "those that nothing vouches for, `quotes` none.",
    ),
]
Standings = Annotated[
    bool,
    typer.Option(
        "--standings",
        help="Only count the notes of each standing, those that were refused included.",
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, max=2**31 - 1, help="At most so many notes.")]

Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only what was stored since: a span such as 24h or 7d, a date such as 2026-05-04, or "
        "a time such as 2026-05-04T12:30Z.",
    ),
]
Decided = Annotated[
    bool, typer.Option("--decided", help="Only notes that people decided about, and not hid.")
]
Accepted = Annotated[bool, typer.Option("--accepted", help="Only notes that people accepted.")]
Hidden = Annotated[
    bool, typer.Option("--hidden", help="Only notes that people hid, with who and why.")
]
Turns = Annotated[
    int | None,
    typer.Option(
        "--turns",
        metavar="N",
        min=0,
        max=MAX_TURNS,
        help="Show each note's quotes among so many turns before and behind them.",
        show_default=False,
    ),
]

Totals: TypeAlias = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class SelectedNotes:
    """Notes that the options of ``onrecord notes`` select, with their total numbers.

    Attributes:
        accepted: notes, up to the limit.
        refused: refused notes, up to the limit.
        total: how many notes there are without the limit.
        totals: how many of them by study and theme.
        studies: by id.
        turns: those around the quotes, if they were asked for.
        expired_interviews: how many interviews have no notes any more, as their time is over.
    """

    accepted: Sequence[StoredNote]
    refused: Sequence[RefusedNote]
    total: int
    totals: Totals
    studies: Mapping[str, StudyWithInterviewCount]
    turns: SurroundingTurns | None = None
    expired_interviews: int = 0

    def as_json(self) -> list[dict[str, Any]]:
        """All of the notes, refused ones first, for programs."""
        accepted = [one.as_json() for one in self.accepted]
        if self.turns is not None:
            for note, shown in zip(self.accepted, accepted, strict=True):
                shown["turns"] = [asdict(turn) for turn in self.turns.find(note)]
        return [*map(asdict, self.refused), *accepted]


def register(app: typer.Typer) -> None:
    """Add the command ``notes`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(notes)


def notes(  # noqa: PLR0913 - one parameter an option
    *,
    study: Study = None,
    transcript: Transcript = None,
    theme: Theme = None,
    question: Question = None,
    speaker: Speaker = None,
    standing: StandingOption = None,
    since: Since = None,
    turns: Turns = None,
    statements: Statements = None,
    decided: Decided = False,
    accepted: Accepted = False,
    hidden: Hidden = False,
    rejected: Rejected = False,
    standings: Standings = False,
    exact: Exact = False,
    limit: Limit = None,
    json_output: Json = False,
) -> None:
    """Print a study's notes by theme: statement, speaker, time and the exact quotes.

    Of a note that is not proven, the words come first, and the model's reading stands below them.
    Only the latest revision of an interview counts.

    Examples of use:

        onrecord notes
        onrecord notes --study small-repair-shops --theme pricing
        onrecord notes --transcript "Two Rivers" --speaker dale
        onrecord notes --standing unproven
        onrecord notes --since 7d
        onrecord notes --theme pricing --turns 2
        onrecord notes --statements all
        onrecord notes --accepted
        onrecord notes --hidden
        onrecord notes --rejected
        onrecord notes --standings
        onrecord notes --json | jq '.[].evidence[].quote'
    """
    which = NoteFilter(
        study, transcript, theme, question, speaker, standing, limit, parse_since(since)
    )
    which = replace(
        which, decision=choose_decision(decided=decided, accepted=accepted, hidden=hidden)
    )
    if rejected and which.decision:
        raise UsageError("--decided, --accepted and --hidden do not go with --rejected")
    if standings:
        _refuse_combinations_with_standings(which, statements, turns, rejected=rejected)
        _print_standings(asyncio.run(_count_standings(which)), as_json=json_output)
        return
    _refuse_combinations(which, statements, rejected=rejected)
    if rejected and turns is not None:
        raise UsageError("--turns does not go with --rejected: refused notes have no quote")
    found = asyncio.run(_find(which, statements, turns, rejected=rejected, exact=exact))
    if json_output:
        print_json(found.as_json())
    else:
        _print(found, theme)
    shown = len(found.refused) + len(found.accepted)
    if not shown:
        err.print("no note was refused" if rejected else "no such notes yet")
    elif shown < found.total:
        err.print(f"{shown:,} of {format_count(found.total, 'note')}; a higher --limit shows more")
    if found.expired_interviews:
        expired = format_count(found.expired_interviews, "interview")
        err.print(f"the notes of {expired} are gone, as their time is over: `onrecord retention`")


def choose_decision(*, decided: bool, accepted: bool, hidden: bool) -> DecisionFilter | None:
    """Return what the options about people's decisions select; None: all notes that are shown.

    Raises:
        UsageError: several are given.
    """
    given = [
        one
        for one, is_given in (
            (DecisionFilter.DECIDED, decided),
            (DecisionFilter.ACCEPTED, accepted),
            (DecisionFilter.HIDDEN, hidden),
        )
        if is_given
    ]
    if len(given) > 1:
        raise UsageError("of --decided, --accepted and --hidden one may be given")
    return given[0] if given else None


def parse_since(text: str | None) -> datetime | None:
    """Parse what was given as ``--since``; None if nothing was.

    Raises:
        UsageError: it is no time.
    """
    from onrecord.time_spans import parse_past_time  # noqa: PLC0415 - keeps help quick

    return None if text is None else parse_past_time("--since", text, datetime.now(UTC))


def _print(found: SelectedNotes, theme: str | None) -> None:
    # Keeps help quick.
    from onrecord.pages.notes import NoteLayout, format_notes, format_refused_notes  # noqa: PLC0415

    width = get_page_width(out)
    layout = NoteLayout(width, theme, found.totals, found.turns)
    for line in format_notes(found.accepted, found.studies, layout):
        out.print(line)
    for line in format_refused_notes(found.refused, width):
        out.print(line)


def _refuse_combinations_with_standings(
    which: NoteFilter, statements: StatementPolicy | None, turns: int | None, *, rejected: bool
) -> None:
    narrows = which.standing or which.speaker or which.limit
    if rejected or statements or narrows or turns is not None:
        raise UsageError(
            "--standings counts all notes of a study, interview, theme or question: it goes with "
            "no --rejected, --standing, --statements, --speaker, --limit or --turns"
        )


async def _count_standings(which: NoteFilter) -> dict[str, int]:
    """Return how many notes have each standing, by its name; none of some are 0."""
    from onrecord.connections import open_reading_client  # noqa: PLC0415 - slow to import

    counts: Counter[Standing] = Counter()
    async with open_reading_client(ClientSettings.load()) as reading:
        selection = await select_notes(reading, which)
        for study in selection.studies:
            found = await reading.note_counts(study, selection.params)
            counts.update(found.standings)
            counts[Standing.REFUTED] += found.rejected
    return {standing.value: counts[standing] for standing in Standing}


def _print_standings(counts: Mapping[str, int], *, as_json: bool) -> None:
    if as_json:
        print_json(counts)
        return
    from read_model.standings import describe_standing  # noqa: PLC0415 - keeps help quick

    table = Table(box=None, show_header=False)
    for name, count in counts.items():
        table.add_row(f"{count:,}", name, describe_standing(Standing(name)))
    out.print(table)


def _refuse_combinations(
    which: NoteFilter, statements: StatementPolicy | None, *, rejected: bool
) -> None:
    if rejected and which.speaker:
        raise UsageError("--speaker does not go with --rejected: refused notes have no quote")
    if rejected and (which.standing or statements):
        raise UsageError(
            "--standing and --statements do not go with --rejected: refused notes are refuted"
        )
    if which.standing is Standing.REFUTED:
        raise UsageError("refuted notes are refused ones: `onrecord notes --rejected` shows them")


async def _find(
    which: NoteFilter,
    statements: StatementPolicy | None,
    turns: int | None,
    *,
    rejected: bool,
    exact: bool,
) -> SelectedNotes:
    # Slow to import.
    from onrecord.connections import open_reading_client  # noqa: PLC0415
    from onrecord.turns import read_surrounding_turns  # noqa: PLC0415

    async with open_reading_client(ClientSettings.load()) as reading:
        selection = await select_notes(reading, which, exact=exact)
        if rejected:
            return await _find_rejected(reading, selection, which.limit)
        found = await _find_accepted(reading, selection, statements, which.limit)
        if turns is None:
            return found
        around = await read_surrounding_turns(reading, found.accepted, turns, exact=exact)
        return replace(found, turns=around)


async def _find_accepted(
    reading: ReadingClient,
    selection: NoteSelection,
    statements: StatementPolicy | None,
    limit: int | None,
) -> SelectedNotes:
    found: list[StoredNote] = []
    totals: Counter[tuple[str, str]] = Counter()
    total = expired = 0
    wanted = {**selection.params, "statements": statements and statements.value}
    for study in selection.studies:
        counts = await reading.note_counts(study, selection.params)
        total += counts.total
        expired += counts.expired_interviews
        totals.update({(study, theme): number for theme, number in counts.themes.items()})
        left = None if limit is None else limit - len(found)
        if left == 0 or not counts.total:
            continue
        async for one in reading.notes(study, wanted, most=left):
            found.append(one)
            if len(found) == limit:
                break
    return SelectedNotes(found, (), total, totals, selection.studies, expired_interviews=expired)


async def _find_rejected(
    reading: ReadingClient, selection: NoteSelection, limit: int | None
) -> SelectedNotes:
    found: list[RefusedNote] = []
    total = 0
    for study in selection.studies:
        total += (await reading.note_counts(study, selection.narrower)).rejected
        left = None if limit is None else limit - len(found)
        if left == 0:
            continue
        async for one in reading.rejected_notes(study, selection.narrower, most=left):
            found.append(one)
            if len(found) == limit:
                break
    return SelectedNotes((), found, total, {}, selection.studies)
