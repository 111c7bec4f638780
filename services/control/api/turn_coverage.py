"""Endpoint of an interview's coverage, turn by turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, TypeAdapter

from control.access.rights import Right
from control.api.authorization import FindingReader
from control.api.context import Context
from control.api.interviews import ReadSegmentsRequest, TranscriptPath
from control.api.lookups import find_revision
from control.api.openapi import build_error_responses
from control.api.pagination import Int4, ListCursors
from control.domain import BadRequestError
from read_model.turn_coverage import (
    CoveredTurn,
    CoveredTurnFilter,
    TurnCount,
    TurnCoverageQueries,
    TurnStatus,
)

router: Final = APIRouter(tags=["transcripts"])

_CURSORS: Final = ListCursors("turn coverage", TypeAdapter(tuple[Int4, Int4]))


@dataclass(frozen=True, slots=True)
class TurnCoveragePage:
    """Page of an interview's turns, each with what became of it.

    Attributes:
        revision: which one they are of.
        counts: numbers of all turns of the revision, by status and role.
        turns: those that match, in their order.
        next: ``cursor`` of the next page; None if there is none.
    """

    transcript_id: UUID
    revision: int
    counts: tuple[TurnCount, ...]
    turns: tuple[CoveredTurn, ...]
    next: str | None


class ReadTurnCoverageRequest(ReadSegmentsRequest):
    """Parameters of the request for an interview's coverage."""

    only: TurnStatus | None = Field(None, description="Only turns of this status.")


@router.get("/transcripts/{transcript_id}/coverage", responses=build_error_responses(404))
async def read_turn_coverage(
    transcript_id: TranscriptPath,
    which: Annotated[ReadTurnCoverageRequest, Query()],
    context: Context,
    caller: FindingReader,
) -> TurnCoveragePage:
    """Return what became of an interview's turns: cited by notes, read without a note, or unread.

    Personal data is masked unless the study allows it. What the guardrail refused is no note.
    """
    position = _CURSORS.decode(which, transcript_id)
    number = which.revision if position is None else position[0]
    if which.revision not in {None, number}:
        raise BadRequestError("revision: the cursor is of another one")
    revision = await find_revision(context, caller, transcript_id, number)
    if which.exact:
        caller.require([Right.READ_EVIDENCE], revision.study_id)
        await context.trail.record(
            caller, "segments.read_exact", str(transcript_id), revision.study_id
        )
    after = 0 if position is None else position[1]
    counts, turns, last = await TurnCoverageQueries(
        context.database, context.compute_for(caller.token_id)
    ).page(
        transcript_id,
        revision,
        CoveredTurnFilter(which.only, exact=which.exact, after=after),
        limit=which.limit,
    )
    position = None if last is None else (revision.revision, last)
    cursor = _CURSORS.encode(position, which, transcript_id)
    return TurnCoveragePage(transcript_id, revision.revision, tuple(counts), tuple(turns), cursor)
