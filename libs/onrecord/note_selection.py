"""Which studies, interviews and notes the options of a command mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from onrecord.errors import UsageError
from onrecord.pages.rendering import shorten_id
from read_model.notes import NoteFilter
from read_model.queries import StudyWithInterviewCount

if TYPE_CHECKING:
    from onrecord.control_transport import Params
    from onrecord.reading_client import ReadingClient
    from read_model.transcripts import TranscriptSummary

SHORTEST_ID: Final = 4
"""Characters of an id that people have to give at least."""

MAX_NAMED: Final = 100
"""Most titles that are named where none is the one that was asked for."""


@dataclass(frozen=True, slots=True)
class NoteSelection:
    """Studies and filters that the options of ``onrecord notes`` select.

    Attributes:
        studies: by id.
        params: as the API takes them.
        narrower: those of refused notes, which have neither speaker nor standing.
    """

    studies: Mapping[str, StudyWithInterviewCount]
    params: Params
    narrower: Params


async def select_notes(
    reading: ReadingClient, which: NoteFilter, *, exact: bool = False
) -> NoteSelection:
    """Return what the options mean, or say which of them names nothing that there is."""
    known = await reading.studies()
    _refuse("study", which.study, [one.study_id for one in known])
    # Where none is named, those without an interview have nothing to show.
    meant = [one.study_id for one in known if which.study == one.study_id] or [
        one.study_id for one in known if one.interviews
    ]
    studies = {one: await reading.study(one) for one in meant}
    every = [one.study for one in studies.values()]
    _refuse("theme", which.theme, [theme.id for one in every for theme in one.themes])
    _refuse("question", which.question, [q.id for one in every for q in one.questions])
    transcript: str | None = None
    if which.transcript is not None:
        study, found = await select_interview(reading, which.transcript, meant)
        transcript = str(found.transcript_id)
        studies = {study: studies[study]}
    narrower = {
        "transcript": transcript,
        "theme": which.theme,
        "question": which.question,
        "since": None if which.since is None else which.since.isoformat(),
    }
    shown = {"exact": exact or None}
    if which.speaker is not None:
        narrowed = {"transcript": transcript, **shown}
        spoken = [await reading.speakers(study, narrowed) for study in studies]
        _refuse_speaker(which.speaker, sorted({one for some in spoken for one in some}))
    standing = which.standing and which.standing.value
    params = {**narrower, "speaker": which.speaker, "standing": standing, **shown}
    params["decision"] = which.decision and which.decision.value
    return NoteSelection(studies, params, narrower)


async def select_interview(
    reading: ReadingClient, asked: str, studies: Iterable[str]
) -> tuple[str, TranscriptSummary]:
    """Return the interview meant, with its study; one whose whole title was given comes first.

    Args:
        reading: reads the interviews.
        asked: its id or title, or how either begins.
        studies: in which it is looked for.

    Raises:
        UsageError: there is none, or several begin so.
    """
    wanted = asked.strip().lower()
    titles: set[str] = set()
    exact: dict[UUID, tuple[str, TranscriptSummary]] = {}
    begin: dict[UUID, tuple[str, TranscriptSummary]] = {}
    for study in studies:
        async for one in reading.transcripts(study):
            key, title = one.transcript_id, one.title
            if len(titles) < MAX_NAMED:
                titles.add(title)
            if title.lower() == wanted:
                exact[key] = study, one
            if title.lower().startswith(wanted) or _begins_id(wanted, key):
                begin[key] = study, one
    if not (found := exact or begin):
        _refuse("interview", asked, (), names=titles)
    if len(found) > 1:
        several = "; ".join(
            sorted(f"{one.title} ({shorten_id(key)})" for key, (_, one) in found.items())
        )
        raise UsageError(f"{asked!r} is how several interviews begin: {several}")
    (one_of_study,) = found.values()
    return one_of_study


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
