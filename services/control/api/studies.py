"""Endpoints of studies: their themes and questions, and what their interviews cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from contracts.access import StudyId
from contracts.control_api import ColumnText
from contracts.pages import PageRequest
from contracts.study import Study
from control.access.rights import Right
from control.api.authorization import AnyCaller, NoteReader
from control.api.context import ApiContext, Context
from control.api.etags import respond_with_etag
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, get_only_element, split_page
from control.domain import NotFoundError
from read_model.coverage import StudyCoverage, compute_coverage
from read_model.queries import (
    ReadModelQueries,
    StudySummary,
    StudyWithInterviewCount,
    merge_topics,
)

router: Final = APIRouter(prefix="/studies", tags=["studies"])


StudyPath = Annotated[StudyId, Path(description="The study's id.")]


@dataclass(frozen=True, slots=True)
class StudyPage:
    """Page of the studies, by id.

    Attributes:
        studies: each with its number of interviews.
        next: ``cursor`` of the next page; None if there is none.
    """

    studies: tuple[StudySummary, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class StudyDetails:
    """Study as of its latest interview, with the number of its interviews."""

    study: Study
    interviews: int


_CURSORS: Final = ListCursors("studies", TypeAdapter(tuple[ColumnText]))

_DETAILS: Final = TypeAdapter(StudyDetails)


@router.get("")
async def list_studies(
    which: Annotated[PageRequest, Query()], context: Context, caller: AnyCaller
) -> StudyPage:
    """List the studies that the caller may read, with their numbers of interviews."""
    after = get_only_element(_CURSORS.decode(which))
    allowed = caller.list_studies(Right.READ_NOTES)
    if allowed == frozenset():
        return StudyPage((), None)
    found = await ReadModelQueries(context.database).study_summaries(
        allowed, limit=which.limit + 1, after=after
    )
    page, last = split_page(found, which.limit, lambda one: (one.study_id,))
    return StudyPage(page, _CURSORS.encode(last, which))


@router.get("/{study_id}", responses=build_error_responses(404, 304), response_model=StudyDetails)
async def read_study(
    study_id: StudyPath, request: Request, context: Context, caller: NoteReader
) -> Response:
    """Return a study's themes, questions and policies, with its `ETag`."""
    del caller
    found = await find_study(context, study_id)
    return respond_with_etag(request, _DETAILS, StudyDetails(found.study, found.interviews))


@router.get("/{study_id}/coverage", responses=build_error_responses(404))
async def read_coverage(study_id: StudyPath, context: Context, caller: NoteReader) -> StudyCoverage:
    """Return which research questions and themes of a study have notes, and which have none."""
    study = (await find_study(context, study_id)).study
    reading = ReadModelQueries(context.database)
    return compute_coverage(
        study,
        await reading.interviews(study_id),
        await reading.note_counts(study_id),
        await reading.earlier_note_counts(study_id),
        # They are of all studies, since nobody knows of which before they are read.
        await reading.unread_submissions() if caller.may(Right.READ_NOTES) else None,
    )


async def find_study(context: ApiContext, study_id: str) -> StudyWithInterviewCount:
    """Find a study by its id: as of its latest interview, or else as registered.

    Raises:
        NotFoundError: there is none.
    """
    found = await ReadModelQueries(context.database).study(study_id)
    if found is not None:
        return found
    return StudyWithInterviewCount((await context.studies.find(study_id)).study, 0)


async def find_study_with_added_topics(context: ApiContext, study_id: str) -> Study:
    """Find a study as ``find_study`` does, with the topics that were added to it since, at the end.

    Raises:
        NotFoundError: there is none.
    """
    study = (await find_study(context, study_id)).study
    try:
        registered = await context.studies.find(study_id)
    except NotFoundError:  # it came with its interviews
        return study
    return merge_topics(study, registered.study)


async def require_study(context: ApiContext, study_id: str) -> None:
    """Raise ``NotFoundError`` unless a study is registered or has an interview.

    Raises:
        NotFoundError: there is none.
    """
    if not await ReadModelQueries(context.database).has_study(study_id):
        raise NotFoundError(f"there is no study {study_id}")
