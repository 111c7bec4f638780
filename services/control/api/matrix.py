"""Endpoint of a study's matrix: notes of each interview by theme or by question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, TypeAdapter

from contracts.control_api import ColumnText
from contracts.pages import MAX_MATRIX_PAGE, PageRequest
from control.api.authorization import NoteReader
from control.api.context import Context
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors
from control.api.studies import StudyPath, find_study_with_added_topics
from read_model.matrix import (
    MatrixInterview,
    MatrixQueries,
    MatrixTopic,
    MatrixTopicKind,
    list_matrix_topics,
)
from read_model.transcripts import TranscriptPosition

router: Final = APIRouter(tags=["notes"])

_CURSORS: Final = ListCursors("matrix", TypeAdapter(tuple[ColumnText, UUID]))


@dataclass(frozen=True, slots=True)
class MatrixPage:
    """Page of a study's matrix: interviews sorted by title, each with its notes by topic.

    Attributes:
        by: whether topics are themes or questions.
        topics: all of the study, in its order, those without notes included; at the end those that
            were added since its interviews were submitted.
        interviews: each in its latest revision.
        next: ``cursor`` of the next page; None if there is none.
    """

    by: MatrixTopicKind
    topics: tuple[MatrixTopic, ...]
    interviews: tuple[MatrixInterview, ...]
    next: str | None


class ReadMatrixRequest(PageRequest):
    """Parameters of the request for a study's matrix."""

    limit: int = Field(100, ge=1, le=MAX_MATRIX_PAGE, description="At most so many interviews.")
    by: MatrixTopicKind = Field(
        MatrixTopicKind.THEME, description="What notes are counted by: themes or questions."
    )


@router.get("/studies/{study_id}/matrix", responses=build_error_responses(404))
async def read_matrix(
    study_id: StudyPath,
    which: Annotated[ReadMatrixRequest, Query()],
    context: Context,
    caller: NoteReader,
) -> MatrixPage:
    """Return how many notes each interview has of each theme or question, page by page.

    Notes whose statement nothing vouches for are counted apart. A cell that is missing is 0; that
    proves something only of an interview whose chunks are all stored, and that was asked for it.
    """
    del caller
    position = _CURSORS.decode(which, study_id)
    study = await find_study_with_added_topics(context, study_id)
    found, last = await MatrixQueries(context.database).page(
        study,
        which.by,
        limit=which.limit,
        after=position and TranscriptPosition(*position),
    )
    topics = list_matrix_topics(study, which.by)
    return MatrixPage(which.by, topics, tuple(found), _CURSORS.encode(last, which, study_id))
