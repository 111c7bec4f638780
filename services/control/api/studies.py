"""Endpoints of studies: their questions, interviews, notes and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from contracts.access import StudyId
from contracts.control_api import Asked, ColumnText
from contracts.notes import Standing
from contracts.study import Study
from control.access import Right
from control.api.authorization import AnyCaller, NoteReader
from control.api.context import ApiContext, Context
from control.api.openapi import responses
from control.api.pagination import Cursor, Int4, decode_cursor, encode_cursor
from control.domain import NotFoundError
from read_model.coverage import PendingSubmissions, StudyCoverage, compute_coverage
from read_model.queries import (
    NoteFilter,
    NotePosition,
    ReadModelQueries,
    StoredNote,
    StudyInUse,
)

MAX_NOTES: Final = 1_000
"""Most notes of a page."""

router: Final = APIRouter(prefix="/studies", tags=["studies"])

_POSITION: Final = TypeAdapter(tuple[ColumnText, UUID, Int4, Int4, Int4])

StudyPath = Annotated[StudyId, Path(description="The study's id.")]


@dataclass(frozen=True, slots=True)
class StudySummary:
    """Study with the number of its current interviews."""

    study_id: str
    name: str
    interviews: int


@dataclass(frozen=True, slots=True)
class StudyDetails:
    """Study as its latest interview has it, with its interviews' ids and titles."""

    study: Study
    interviews: dict[str, str]


@dataclass(frozen=True, slots=True)
class NotePage:
    """Page of a study's notes, in the order of interviews and of time.

    Attributes:
        notes: what was noted.
        next: ``cursor`` of the next page; None if there is none.
    """

    notes: tuple[StoredNote, ...]
    next: str | None


class ListNotesRequest(BaseModel):
    """Parameters of the request to list the notes of a study that match a filter."""

    model_config = ConfigDict(extra="forbid")

    theme: Asked | None = Field(None, description="Only of this theme, by its id.")
    question: Asked | None = Field(None, description="Only on this question, by its id.")
    standing: Standing | None = Field(None, description="Only those of this standing.")
    exact: bool = Field(
        default=False,
        description="Exact words and names where the study masks them; takes the role "
        "`evidence_reader`, and goes into the trail.",
    )
    limit: int = Field(100, ge=1, le=MAX_NOTES, description="At most so many.")
    cursor: Cursor | None = Field(None, description="Where to go on: `next` of the page before.")


@router.get("")
async def list_studies(context: Context, caller: AnyCaller) -> list[StudySummary]:
    """List the studies that the caller's token may read."""
    allowed = caller.list_studies(Right.READ_NOTES)
    if allowed == frozenset():
        return []
    found = await ReadModelQueries(context.database).studies()
    return [
        StudySummary(one, used.study.name, len(used.interviews))
        for one, used in sorted(found.items())
        if allowed is None or one in allowed
    ]


@router.get("/{study_id}", responses=responses(404))
async def read_study(study_id: StudyPath, context: Context, caller: NoteReader) -> StudyDetails:
    """Read a study's themes, questions and policies, and its interviews' titles."""
    del caller
    found = await _find(context, study_id)
    titles = {str(key): title for key, title in found.interviews.items()}
    return StudyDetails(found.study, titles)


@router.get("/{study_id}/notes", responses=responses(404))
async def list_notes(
    study_id: StudyPath,
    which: Annotated[ListNotesRequest, Query()],
    context: Context,
    caller: NoteReader,
) -> NotePage:
    """List a study's current notes; those not proven show their quotes first."""
    if which.exact:
        caller.require([Right.READ_EVIDENCE], study_id)
        await context.trail.record(caller, "notes.read_exact", study_id, study_id)
    position = decode_cursor(which.cursor, _POSITION)
    after = position and NotePosition(*position)
    wanted = NoteFilter(study_id, None, which.theme, which.question, None, which.standing)
    reading = ReadModelQueries(context.database, exact=which.exact)
    notes, last = await reading.notes_page(wanted, limit=which.limit, after=after)
    if not notes and not await reading.has_interviews(study_id):
        raise _unknown(study_id)
    return NotePage(tuple(notes), last and encode_cursor(last, _POSITION))


@router.get("/{study_id}/coverage", responses=responses(404))
async def read_coverage(study_id: StudyPath, context: Context, caller: NoteReader) -> StudyCoverage:
    """Read a study's coverage: which questions and themes are answered, and which are not."""
    study = (await _find(context, study_id)).study
    reading = ReadModelQueries(context.database)
    return compute_coverage(
        study,
        await reading.interviews(study_id),
        await reading.note_counts(study_id),
        await reading.earlier_note_counts(study_id),
        # They are of all studies, since nobody knows of which before they are read.
        await reading.unread_submissions()
        if caller.may(Right.READ_NOTES)
        else PendingSubmissions(),
    )


async def _find(context: ApiContext, study_id: str) -> StudyInUse:
    found = (await ReadModelQueries(context.database).studies(study_id)).get(study_id)
    if found is None:
        raise _unknown(study_id)
    return found


def _unknown(study_id: str) -> NotFoundError:
    return NotFoundError(f"there is no interview of a study {study_id}")
