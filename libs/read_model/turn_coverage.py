"""Reads what became of each turn of an interview: cited, read but not noted, or unread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from database.pool import Database, Record
from database.queries import load_queries
from read_model.explanation import FunctionRunner
from read_model.transcripts import (
    SegmentSpan,
    TranscriptQueries,
    TranscriptRevision,
    TranscriptSegment,
)

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "turn_coverage.sql")


class TurnStatus(StrEnum):
    """What became of a turn: notes cite it, it was read without a note, or it was not read.

    Where the notes of the interview are gone, as its study keeps them for a time, a turn that was
    read is expired: nobody knows whether notes cited it.
    A turn is unread as long as the notes of its chunk are not stored, whatever the reason; a long
    one of several chunks, as long as those of one are not, even if notes cite what was read.
    """

    CITED = "cited"
    UNNOTED = "unnoted"
    EXPIRED = "expired"
    UNREAD = "unread"


class UnreadReason(StrEnum):
    """Why a turn is not read: its chunk is a dead letter, was given up, or is on its way."""

    DEAD = "dead"
    DISCARDED = "discarded"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class TurnCount:
    """Number of an interview's turns of one status and role.

    Attributes:
        status: what became of them.
        reason: why they are unread, if they are.
        role: of who speaks: ``participant``, ``interviewer`` or ``unknown``.
        turns: how many.
        characters: of what was said in them.
    """

    status: TurnStatus
    reason: UnreadReason | None
    role: str
    turns: int
    characters: int


@dataclass(frozen=True, slots=True)
class CoveredTurn:
    """Turn of an interview with what became of it.

    Attributes:
        segment: what was said, masked where the study requires it.
        status: what became of it.
        reason: why it is unread, if it is.
        notes: how many notes cite it.
    """

    segment: TranscriptSegment
    status: TurnStatus
    reason: UnreadReason | None
    notes: int


@dataclass(frozen=True, slots=True)
class CoveredTurnFilter:
    """Which turns of an interview are listed.

    Attributes:
        status: only of this status; None: of any.
        exact: exact words and names where the study masks them.
        after: only those behind this number.
    """

    status: TurnStatus | None = None
    exact: bool = False
    after: int = 0


class TurnCoverageQueries:
    """Queries on what became of an interview's turns.

    Args:
        database: what is read; its login is an evidence reader.
        compute: runs the masking of texts.
    """

    def __init__(self, database: Database, compute: FunctionRunner = asyncio.to_thread) -> None:
        self._database = database
        self._transcripts = TranscriptQueries(database, compute)

    async def page(
        self,
        transcript_id: UUID,
        revision: TranscriptRevision,
        which: CoveredTurnFilter,
        *,
        limit: int,
    ) -> tuple[list[TurnCount], list[CoveredTurn], int | None]:
        """A page of a revision's turns, and the number behind which the next one begins.

        Args:
            transcript_id: the interview.
            revision: which revision.
            which: which turns.
            limit: at most so many.

        Returns:
            The numbers of all turns of the revision, the turns of the page, and None in place of a
            number if there are no more.
        """
        rows = await self._database.fetch(
            _QUERIES.select_turn_coverage,
            transcript_id,
            revision.revision,
            which.after,
            _list_states(which.status),
            limit + 1,
        )
        counts = [_build_count(*count) for count in json.loads(rows[0]["counts"])]
        found = [row for row in rows if row["number"] is not None]
        page = found[:limit]
        turns = await self._read_turns(transcript_id, revision, which, page)
        return counts, turns, page[-1]["number"] if len(found) > limit else None

    async def _read_turns(
        self,
        transcript_id: UUID,
        revision: TranscriptRevision,
        which: CoveredTurnFilter,
        rows: Sequence[Record],
    ) -> list[CoveredTurn]:
        if not rows:
            return []
        segments, _ = await self._transcripts.segments(
            transcript_id,
            revision,
            limit=len(rows),
            exact=which.exact,
            span=SegmentSpan(around=tuple(row["number"] for row in rows)),
        )
        return join_turns(segments, rows)


def join_turns(
    segments: Sequence[TranscriptSegment], rows: Sequence[Record] | Sequence[Mapping[str, Any]]
) -> list[CoveredTurn]:
    """Join what was said with what became of it, by the number of the turn.

    The two are read one after the other: what was erased in between is left out.

    Args:
        segments: what was said.
        rows: with ``number``, ``state`` and ``notes``.
    """
    states = {row["number"]: row for row in rows}
    return [
        CoveredTurn(segment, *_read_state(row["state"]), row["notes"])
        for segment in segments
        if (row := states.get(segment.number)) is not None
    ]


def _list_states(status: TurnStatus | None) -> list[str] | None:
    if status is None:
        return None
    return [*UnreadReason] if status is TurnStatus.UNREAD else [status]


def _read_state(state: str) -> tuple[TurnStatus, UnreadReason | None]:
    """Convert the state of a database row to a status and why a turn is unread."""
    if state in {TurnStatus.CITED, TurnStatus.UNNOTED, TurnStatus.EXPIRED}:
        return TurnStatus(state), None
    return TurnStatus.UNREAD, UnreadReason(state)


def _build_count(state: str, role: str, turns: int, characters: int) -> TurnCount:
    return TurnCount(*_read_state(state), role, turns, characters)
