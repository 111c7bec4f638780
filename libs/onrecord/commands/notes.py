"""``onrecord notes`` and ``onrecord coverage``: what the interviews say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, TypeAlias

import typer

from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.reading import NoteFilter, Reading, RefusedNote, StoredNote, StudyInUse
from onrecord.rendering import columns, count
from onrecord.settings import ClientSettings

Study = Annotated[str | None, typer.Option(help="Only this study, by its id.")]
Transcript = Annotated[
    str | None,
    typer.Option(metavar="ID|TITLE", help="Only this interview: its id, or how its title begins."),
]
Theme = Annotated[str | None, typer.Option(help="Only this theme, by its id.")]
Question = Annotated[str | None, typer.Option(help="Only notes on this question, by its id.")]
Speaker = Annotated[str | None, typer.Option(help="Only with words of this speaker.")]
Rejected = Annotated[
    bool, typer.Option("--rejected", help="Show the notes that were refused, and why.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many notes.")]

Found: TypeAlias = tuple[list[StoredNote], list[RefusedNote], int, dict[str, StudyInUse]]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel="Interviews and notes")(notes)


def notes(  # noqa: PLR0913 - one parameter an option
    *,
    study: Study = None,
    transcript: Transcript = None,
    theme: Theme = None,
    question: Question = None,
    speaker: Speaker = None,
    rejected: Rejected = False,
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
    accepted, refused, total, studies = asyncio.run(_find(which, rejected=rejected))
    shown: list[Any] = [*refused, *accepted]
    if json_output:
        print_json([asdict(one) if rejected else one.as_json() for one in shown])
    else:
        _print(accepted, refused, studies, theme)
    if not shown:
        err.print("no note was refused" if rejected else "no notes yet that are like this")
    elif len(shown) < total:
        err.print(f"{len(shown):,} of {count(total, 'note')}; --limit shows more")


def _print(
    accepted: list[StoredNote],
    refused: list[RefusedNote],
    studies: Mapping[str, StudyInUse],
    theme: str | None,
) -> None:
    from onrecord.note_pages import notes_page, rejected_page  # noqa: PLC0415 - keeps help quick

    width = columns(out)
    for line in notes_page(accepted, studies, width, theme=theme):
        out.print(line)
    for line in rejected_page(refused, width):
        out.print(line)


async def _find(which: NoteFilter, *, rejected: bool) -> Found:
    from onrecord.connections import open_postgres  # noqa: PLC0415 - slow to import

    async with open_postgres(ClientSettings.load()) as database:
        reading = Reading(database)
        studies = await reading.studies()
        _refuse_unknown(which, studies)
        if rejected:
            refused, total = await reading.rejected(which)
            return [], refused, total, studies
        accepted, total = await reading.notes(which)
        return accepted, [], total, studies


def _refuse_unknown(which: NoteFilter, studies: Mapping[str, StudyInUse]) -> None:
    """A misspelt id would otherwise look like a finding: no notes."""
    _refuse("study", which.study, studies)
    meant = [one for key, one in studies.items() if which.study in {None, key}]
    _refuse("theme", which.theme, [theme.id for one in meant for theme in one.study.themes])
    _refuse("question", which.question, [q.id for one in meant for q in one.study.questions])
    asked = which.transcript
    titles = {title for one in meant for title in one.interviews.values()}
    known = {str(key) for one in meant for key in one.interviews}
    if asked is not None and asked.lower() not in known:
        begins = [title for title in titles if title.lower().startswith(asked.lower())]
        _refuse("interview", asked, begins and [asked], told=titles)


def _refuse(
    what: str, asked: str | None, known: Iterable[str], told: Iterable[str] | None = None
) -> None:
    if asked is None or asked in (there := [*known]):
        return
    others = "; ".join(sorted({*(there if told is None else told)}))
    raise UsageError(f"there is no {what} {asked!r}; known: {others or 'none yet'}")
