"""``onrecord notes``: prints what the interviews say, by theme."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import typer

from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count, get_page_width, shorten_id
from onrecord.settings import ClientSettings
from read_model.queries import NoteFilter, ReadModelQueries, RefusedNote, StoredNote, StudyInUse

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
Limit = Annotated[int | None, typer.Option(min=1, max=2**31 - 1, help="At most so many notes.")]

Totals: TypeAlias = Mapping[tuple[str, str], int]

SHORTEST_ID: Final = 4
"""Characters of an id that people have to give at least."""


@dataclass(frozen=True, slots=True)
class SelectedNotes:
    """Notes of one study that the options select.

    Attributes:
        accepted: notes, up to the limit.
        refused: refused notes, up to the limit.
        total: how many notes there are without the limit.
        totals: how many of them by study and theme.
        studies: by id.
    """

    accepted: Sequence[StoredNote]
    refused: Sequence[RefusedNote]
    total: int
    totals: Totals
    studies: Mapping[str, StudyInUse]


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
    rejected: Rejected = False,
    exact: Exact = False,
    limit: Limit = None,
    json_output: Json = False,
) -> None:
    """Print notes by theme: the statement, who said it, when, and the words themselves.

    Only the latest revision of an interview counts.

    Examples of use:

        onrecord notes
        onrecord notes --study small-repair-shops --theme pricing
        onrecord notes --transcript "Two Rivers" --speaker dale
        onrecord notes --rejected
        onrecord notes --json | jq '.[].evidence[].quote'
    """
    which = NoteFilter(study, transcript, theme, question, speaker, limit)
    if rejected and speaker:
        raise UsageError("--speaker does not go with --rejected: refused notes have no quote")
    found = asyncio.run(_find(which, rejected=rejected, exact=exact))
    shown: list[Any] = [*found.refused, *found.accepted]
    if json_output:
        print_json([asdict(one) if rejected else one.as_json() for one in shown])
    else:
        _print(found, theme)
    if not shown:
        err.print("no note was refused" if rejected else "no such notes yet")
    elif len(shown) < found.total:
        err.print(
            f"{len(shown):,} of {format_count(found.total, 'note')}; a higher --limit shows more"
        )


def _print(found: SelectedNotes, theme: str | None) -> None:
    from onrecord.pages.notes import format_notes, format_refused_notes  # noqa: PLC0415 - keeps help quick

    width = get_page_width(out)
    for line in format_notes(
        found.accepted, found.studies, width, theme=theme, totals=found.totals
    ):
        out.print(line)
    for line in format_refused_notes(found.refused, width):
        out.print(line)


async def _find(which: NoteFilter, *, rejected: bool, exact: bool) -> SelectedNotes:
    from onrecord.connections import open_postgres  # noqa: PLC0415 - slow to import

    async with open_postgres(ClientSettings.load()) as database:
        reading = ReadModelQueries(database, exact=exact)
        studies = await reading.studies()
        _refuse_unknown(which, studies)
        which = replace(which, transcript=_only_interview(which, studies))
        if rejected:
            refused, total = await reading.rejected(which)
            return SelectedNotes((), refused, total, {}, studies)
        if which.speaker is not None:
            _refuse_speaker(which.speaker, await reading.speakers(which))
        # All of them, since each theme shows how many it has.
        every, total = await reading.notes(replace(which, limit=None))
        totals = Counter((note.study_id, theme) for note in every for theme in note.themes)
        return SelectedNotes(every[: which.limit], (), total, totals, studies)


def _refuse_unknown(which: NoteFilter, studies: Mapping[str, StudyInUse]) -> None:
    """A misspelt id would otherwise look like a finding: no notes."""
    _refuse("study", which.study, studies)
    meant = [one for key, one in studies.items() if which.study in {None, key}]
    _refuse("theme", which.theme, [theme.id for one in meant for theme in one.study.themes])
    _refuse("question", which.question, [q.id for one in meant for q in one.study.questions])


def _only_interview(which: NoteFilter, studies: Mapping[str, StudyInUse]) -> str | None:
    """The id of the interview that is meant; one whose whole title was given comes first."""
    if which.transcript is None:
        return None
    asked = which.transcript.strip().lower()
    meant = [one for key, one in studies.items() if which.study in {None, key}]
    interviews = {key: title for one in meant for key, title in one.interviews.items()}
    exact = [key for key, title in interviews.items() if title.lower() == asked]
    begin = [
        key
        for key, title in interviews.items()
        if title.lower().startswith(asked) or _begins_id(asked, key)
    ]
    if not (found := exact or begin):
        _refuse("interview", which.transcript, (), names=interviews.values())
    if len(found) > 1:
        several = "; ".join(sorted(f"{interviews[key]} ({shorten_id(key)})" for key in found))
        raise UsageError(f"{which.transcript!r} is how several interviews begin: {several}")
    return str(found[0])


def _begins_id(asked: str, key: UUID) -> bool:
    digits = asked.replace("-", "")
    return len(digits) >= SHORTEST_ID and key.hex.startswith(digits)


def _refuse_speaker(asked: str, known: Sequence[str]) -> None:
    if not any(asked.lower() in label.lower() for label in known):
        raise UsageError(f"nobody is called {asked!r}; the speakers are {'; '.join(known)}")


def _refuse(
    what: str, asked: str | None, known: Iterable[str], names: Iterable[str] | None = None
) -> None:
    if asked is None or asked in (there := [*known]):
        return
    others = "; ".join(sorted({*(there if names is None else names)}))
    raise UsageError(f"there is no {what} {asked!r}; known: {others or 'none yet'}")
