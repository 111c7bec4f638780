"""Reads interviews: how far they are read, and their segments, masked where the study says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from database.pool import Database, Record
from database.queries import load_queries
from personal_data import IDENTIFYING, find_personal_data, list_speaker_names, mask_text
from read_model.explanation import FunctionRunner

_SQL: Final = Path(__file__).parent / "sql"
_QUERIES: Final = load_queries(_SQL / "queries.sql")
_EVIDENCE: Final = load_queries(_SQL / "evidence.sql")


class TranscriptStatus(StrEnum):
    """Status of an interview: in progress, complete, or partly dead letters.

    Complete means that the notes of all its chunks are stored. It is dead in part if some chunks
    are dead letters or were given up, and nothing of it is on its way any more.
    """

    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    DEAD_IN_PART = "dead_in_part"


@dataclass(frozen=True, slots=True)
class TranscriptSummary:
    """Latest revision of an interview, with how many of its chunks have notes.

    Attributes:
        revision: its number; that of a revision asked again is none that people count.
        refreshes: of a revision that was asked again: the submitted one with its words.
        notes_expired_at: since when it has no notes any more, as its study keeps them for a time.
        segments: how many it has.
        chunks: how many it has.
        stored: how many chunks have their notes stored.
        dead: how many are dead letters.
        discarded: how many dead letters of chunks were given up.
        notes: how many there are, without those that say the same as another.
    """

    transcript_id: UUID
    revision: int
    study_id: str
    title: str
    format: str
    recorded_at: datetime | None
    ingested_at: datetime
    status: TranscriptStatus
    segments: int
    chunks: int
    stored: int
    dead: int
    discarded: int
    notes: int
    refreshes: int | None = None
    notes_expired_at: datetime | None = None


class TranscriptPosition(NamedTuple):
    """Position of an interview in a study's list of interviews, for pagination."""

    title: str
    transcript_id: UUID


@dataclass(frozen=True, slots=True)
class TranscriptRevision:
    """Revision of an interview: study, number, language, speakers, and whether it is masked.

    Attributes:
        study_id: the study that this revision was submitted for.
        revision: its number.
        language: of the study, as ISO 639 has it.
        is_open: whether all readers of the study see its words as they are.
        speakers: the labels of all who speak.
    """

    study_id: str
    revision: int
    language: str | None
    is_open: bool
    speakers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """Segment of an interview as a caller may see it: masked if the study requires it.

    Where it is masked, personal data in the text has placeholders, and the speaker a pseudonym.
    """

    number: int
    speaker: str
    role: str
    text: str
    is_masked: bool
    start_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class SegmentSpan:
    """Which segments of an interview are read.

    Attributes:
        after: only those behind this number.
        around: only these and their neighbours; None: all.
        neighbours: how many neighbours before each, and behind it.
    """

    after: int = 0
    around: tuple[int, ...] | None = None
    neighbours: int = 0

    def format_ranges(self) -> str | None:
        """Format the ranges as PostgreSQL's ``int4multirange``; None for all segments."""
        if self.around is None:
            return None
        ranges = (
            f"[{max(1, one - self.neighbours)},{one + self.neighbours}]" for one in self.around
        )
        return f"{{{','.join(ranges)}}}"


WHOLE: Final = SegmentSpan()


class TranscriptQueries:
    """Queries on interviews and their segments in PostgreSQL.

    Args:
        database: what is read; its login is an evidence reader.
        compute: runs the masking of texts.
    """

    def __init__(self, database: Database, compute: FunctionRunner = asyncio.to_thread) -> None:
        self._database = database
        self._compute = compute

    async def transcript(self, transcript_id: UUID) -> TranscriptSummary | None:
        """An interview in its latest revision; None if there is none."""
        rows = await self._database.fetch(
            _QUERIES.select_transcripts, None, transcript_id, None, None, 1
        )
        return _summary(rows[0]) if rows else None

    async def transcripts(
        self, study_id: str, *, limit: int, after: TranscriptPosition | None = None
    ) -> tuple[list[TranscriptSummary], TranscriptPosition | None]:
        """A page of a study's interviews by title, and the position behind which the next begins.

        Args:
            study_id: the study.
            limit: at most so many.
            after: only interviews behind this position; from the beginning if None.
        """
        rows = await self._database.fetch(
            _QUERIES.select_transcripts, study_id, None, *(after or (None, None)), limit + 1
        )
        page = [_summary(row) for row in rows[:limit]]
        is_last = len(rows) <= limit
        return page, None if is_last else TranscriptPosition(page[-1].title, page[-1].transcript_id)

    async def revision(self, transcript_id: UUID, number: int | None) -> TranscriptRevision | None:
        """A revision of an interview, the latest if no number is given; None if there is none."""
        row = await self._database.fetchrow(_EVIDENCE.select_revision, transcript_id, number)
        if row is None:
            return None
        return TranscriptRevision(**{**row, "speakers": tuple(row["speakers"])})

    async def find_turn_at(self, transcript_id: UUID, revision: int, at_ms: int) -> int | None:
        """The number of the turn at a time; None if no turn of the revision has a time.

        That is the last turn that began by then; before the first with a time, that one.

        Args:
            transcript_id: the interview.
            revision: which revision.
            at_ms: the time, in milliseconds from the recording's start.
        """
        found = await self._database.fetchval(
            _EVIDENCE.find_turn_at, transcript_id, revision, at_ms
        )
        return None if found is None else int(found)

    async def segments(
        self,
        transcript_id: UUID,
        revision: TranscriptRevision,
        *,
        limit: int,
        exact: bool = False,
        span: SegmentSpan = WHOLE,
    ) -> tuple[list[TranscriptSegment], int | None]:
        """A page of a revision's segments, and the number behind which the next one begins.

        Args:
            transcript_id: the interview.
            revision: which revision.
            limit: at most so many.
            exact: as they are, also where the study masks them.
            span: only these segments.
        """
        rows = await self._database.fetch(
            _EVIDENCE.select_segments,
            transcript_id,
            revision.revision,
            span.after,
            limit + 1,
            span.format_ranges(),
        )
        page = rows[:limit]
        is_masked = not (exact or revision.is_open)
        texts: Sequence[str] = [row["text"] for row in page]
        if is_masked:
            texts = await self._compute(mask_texts, texts, revision.language, revision.speakers)
        shown = [
            _segment(row, text, is_masked=is_masked) for row, text in zip(page, texts, strict=True)
        ]
        return shown, shown[-1].number if len(rows) > limit else None


def mask_texts(
    texts: Sequence[str], language: str | None, speakers: Sequence[str]
) -> tuple[str, ...]:
    """Replace personal data in an interview's texts by placeholders such as ``[PERSON]``.

    Args:
        texts: of an interview.
        language: of the study, as ISO 639 has it.
        speakers: the labels of all who speak in it.
    """
    names = list_speaker_names(speakers)
    return tuple(_mask_text(text, language or "en", names) for text in texts)


# Masking takes milliseconds a text, and pages are read again.
@lru_cache(maxsize=1_024)
def _mask_text(text: str, language: str, names: tuple[str, ...]) -> str:
    """Replace personal data in a text by placeholders."""
    found = find_personal_data(text, language=language, known_names=names)
    return mask_text(text, [one for one in found if one.kind in IDENTIFYING])


def _summary(row: Record) -> TranscriptSummary:
    return TranscriptSummary(**row, status=_status(row))


def _status(row: Record) -> TranscriptStatus:
    if row["stored"] == row["chunks"]:
        return TranscriptStatus.COMPLETE
    if row["stored"] + row["dead"] + row["discarded"] == row["chunks"]:
        return TranscriptStatus.DEAD_IN_PART
    return TranscriptStatus.IN_PROGRESS


def _segment(row: Record, text: str, *, is_masked: bool) -> TranscriptSegment:
    return TranscriptSegment(
        number=row["number"],
        speaker=row["pseudonym"] if is_masked else row["speaker"],
        role=row["role"],
        text=text,
        is_masked=is_masked,
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
    )
