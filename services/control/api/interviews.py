"""Endpoints of interviews: how far each is read, what was said, and how it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from contracts.control_api import ColumnText
from contracts.events import TranscriptSettled
from contracts.pages import PageRequest
from control.access.rights import Right
from control.api.authorization import FindingReader, NoteReader
from control.api.context import Context
from control.api.lookups import find_revision, find_transcript
from control.api.openapi import build_error_responses
from control.api.pagination import Int4, ListCursors
from control.api.studies import StudyPath, require_study
from control.domain import BadRequestError, NotFoundError
from control.interviews.submitted_contents import list_transcript_outcomes
from read_model.reading_reports import ReadingReportQueries, TranscriptReadingReport
from read_model.transcripts import (
    SegmentSpan,
    TranscriptPosition,
    TranscriptQueries,
    TranscriptRevision,
    TranscriptSegment,
    TranscriptSummary,
)

MAX_TRANSCRIPTS: Final = 1_000
"""Most interviews of a page."""

MAX_SEGMENTS: Final = 200
"""Most segments of a page: masking them takes time."""

MAX_NEIGHBOURS: Final = 100
"""Most segments before or behind one that are asked for with it."""

MAX_AROUND: Final = 100
"""Most segments whose neighbours are asked for at once."""

MAX_TURN: Final = 10**9
"""Largest number of a segment that is asked for."""

MAX_TIME_MS: Final = 10**12
"""Largest time of a recording that is asked for, in milliseconds."""

router: Final = APIRouter(tags=["transcripts"])

_CURSORS: Final = ListCursors("transcripts", TypeAdapter(tuple[ColumnText, UUID]))
_SEGMENT_CURSORS: Final = ListCursors("segments", TypeAdapter(tuple[Int4, Int4]))

TranscriptPath = Annotated[UUID, Path(description="The interview's id.")]


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """Page of the list of a study's interviews, sorted by title.

    Attributes:
        transcripts: each in its latest revision.
        next: ``cursor`` of the next page; None if there is none.
    """

    transcripts: tuple[TranscriptSummary, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class TranscriptDetails:
    """Latest revision of an interview, with the outcomes of all its submissions.

    Attributes:
        transcript: how far it is read.
        outcomes: the latest outcome of each content, with the reasons where something was refused,
            such as a doubt about who speaks; the latest revision first, at most 100.
    """

    transcript: TranscriptSummary
    outcomes: tuple[TranscriptSettled, ...]


@dataclass(frozen=True, slots=True)
class SegmentPage:
    """Page of an interview's segments (speakers' turns), in their order.

    Attributes:
        revision: which one they are of.
        segments: what was said.
        next: ``cursor`` of the next page; None if there is none.
        at: number of the segment that ``at_ms`` or ``at_turn`` means; None on later pages.
    """

    transcript_id: UUID
    revision: int
    segments: tuple[TranscriptSegment, ...]
    next: str | None
    at: int | None = None


class ReadReportRequest(BaseModel):
    """Parameters of the request for the report on how an interview was read."""

    model_config = ConfigDict(extra="forbid")

    revision: int | None = Field(
        None, ge=1, lt=2**31, description="Of this revision; the latest if not given."
    )
    exact: bool = Field(
        default=False,
        description="Exact words and names where the study masks them; takes the role "
        "`evidence_reader`, and goes into the trail.",
    )


class ListTranscriptsRequest(PageRequest):
    """Parameters of the request to list the interviews of a study."""

    limit: int = Field(100, ge=1, le=MAX_TRANSCRIPTS, description="At most so many.")


class ReadSegmentsRequest(PageRequest):
    """Parameters of the requests for segments of an interview."""

    revision: int | None = Field(
        None, ge=1, lt=2**31, description="Of this revision; the latest if not given."
    )
    exact: bool = Field(
        default=False,
        description="Exact words and names where the study masks them; takes the role "
        "`evidence_reader`, and goes into the trail.",
    )
    limit: int = Field(100, ge=1, le=MAX_SEGMENTS, description="At most so many.")


class ListSegmentsRequest(ReadSegmentsRequest):
    """Parameters of the request to list the segments of an interview."""

    at_ms: int | None = Field(
        None,
        ge=0,
        le=MAX_TIME_MS,
        description="Begin at the segment at this time of the recording, in milliseconds: the last "
        "that began by then.",
    )
    at_turn: int | None = Field(
        None, ge=1, le=MAX_TURN, description="Begin at the segment of this number."
    )
    turns_before: int = Field(
        0,
        ge=0,
        le=MAX_NEIGHBOURS,
        description="With `at_ms` or `at_turn`: begin so many segments earlier.",
    )
    around: str | None = Field(
        None,
        pattern=rf"^[1-9][0-9]{{0,8}}(,[1-9][0-9]{{0,8}}){{0,{MAX_AROUND - 1}}}$",
        description="Only the segments of these numbers, such as `3,17`, and `turns` before and "
        f"behind each; {MAX_AROUND} at most.",
    )
    turns: int = Field(
        0, ge=0, le=MAX_NEIGHBOURS, description="With `around`: how many before and behind each."
    )

    @model_validator(mode="after")
    def _begin_in_one_way(self) -> Self:
        if sum((self.at_ms is not None, self.at_turn is not None, self.around is not None)) > 1:
            raise PydanticCustomError("several", "give one of `at_ms`, `at_turn` and `around`")
        return self

    def build_span(self, after: int) -> SegmentSpan:
        """Build the read model's span of segments, behind a number."""
        numbers = None if self.around is None else tuple(map(int, self.around.split(",")))
        return SegmentSpan(after, numbers, self.turns)


@router.get("/studies/{study_id}/transcripts", responses=build_error_responses(404))
async def list_transcripts(
    study_id: StudyPath,
    which: Annotated[ListTranscriptsRequest, Query()],
    context: Context,
    caller: NoteReader,
) -> TranscriptPage:
    """List a study's interviews by title, each with its status and its number of notes."""
    del caller
    position = _CURSORS.decode(which, study_id)
    found, last = await TranscriptQueries(context.database).transcripts(
        study_id, limit=which.limit, after=position and TranscriptPosition(*position)
    )
    if not found:
        await require_study(context, study_id)
    return TranscriptPage(tuple(found), _CURSORS.encode(last, which, study_id))


@router.get("/transcripts/{transcript_id}", responses=build_error_responses(404))
async def read_transcript(
    transcript_id: TranscriptPath, context: Context, caller: FindingReader
) -> TranscriptDetails:
    """Return an interview's status, and the outcomes of all its submissions."""
    found = await find_transcript(context, caller, transcript_id)
    allowed = caller.list_studies(Right.READ_NOTES)
    outcomes = await list_transcript_outcomes(context.database, transcript_id, allowed)
    return TranscriptDetails(found, outcomes)


@router.get("/transcripts/{transcript_id}/segments", responses=build_error_responses(404, 422))
async def list_segments(
    transcript_id: TranscriptPath,
    which: Annotated[ListSegmentsRequest, Query()],
    context: Context,
    caller: FindingReader,
) -> SegmentPage:
    """List an interview's segments; personal data is masked unless the study allows it.

    400: `at_ms` is given, and no segment has a time.
    """
    position = _SEGMENT_CURSORS.decode(which, transcript_id)
    number = which.revision if position is None else position[0]
    if which.revision not in {None, number}:
        raise BadRequestError("revision: the cursor is of another one")
    revision = await find_revision(context, caller, transcript_id, number)
    if which.exact:
        caller.require([Right.READ_EVIDENCE], revision.study_id)
        await context.trail.record(
            caller, "segments.read_exact", str(transcript_id), revision.study_id
        )
    queries = TranscriptQueries(context.database, context.compute_for(caller.token_id))
    at = await _find_beginning(queries, transcript_id, revision, which) if not position else None
    begin = 0 if at is None else max(0, at - 1 - which.turns_before)
    found, last = await queries.segments(
        transcript_id,
        revision,
        limit=which.limit,
        exact=which.exact,
        span=which.build_span(begin if position is None else position[1]),
    )
    position = None if last is None else (revision.revision, last)
    cursor = _SEGMENT_CURSORS.encode(position, which, transcript_id)
    return SegmentPage(transcript_id, revision.revision, tuple(found), cursor, at)


async def _find_beginning(
    queries: TranscriptQueries,
    transcript_id: UUID,
    revision: TranscriptRevision,
    which: ListSegmentsRequest,
) -> int | None:
    """Find the number of the segment at which a list is to begin; None for the first one.

    Raises:
        BadRequestError: it is to begin at a time, and no segment has one.
    """
    if which.at_ms is None:
        return which.at_turn
    found = await queries.find_turn_at(transcript_id, revision.revision, which.at_ms)
    if found is None:
        raise BadRequestError("no segment of this interview has a time: leave `at_ms` (--at) out")
    return found


@router.get(
    "/transcripts/{transcript_id}/reading-report", responses=build_error_responses(404, 422)
)
async def read_reading_report(
    transcript_id: TranscriptPath,
    which: Annotated[ReadReportRequest, Query()],
    context: Context,
    caller: FindingReader,
) -> TranscriptReadingReport:
    """Return the report on how an interview was read: who speaks, and what was mended or in doubt.

    Names and what it quotes of the file are masked unless the study allows personal data. 404: of
    an interview that was stored before reports were kept, too.
    """
    revision = await find_revision(context, caller, transcript_id, which.revision)
    if which.exact:
        caller.require([Right.READ_EVIDENCE], revision.study_id)
        await context.trail.record(
            caller, "reading_report.read_exact", str(transcript_id), revision.study_id
        )
    found = await ReadingReportQueries(
        context.database, context.compute_for(caller.token_id)
    ).reading_report(transcript_id, revision, exact=which.exact)
    if found is None:
        raise NotFoundError(
            f"there is no reading report of interview {transcript_id}: it was stored before "
            "reports were kept"
        )
    return found
