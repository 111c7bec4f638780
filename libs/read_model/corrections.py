"""Reads what a correction of an interview is about: its turns, how it was cut, and its notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.transcript import Role, Segment
from database.pool import Database
from database.queries import load_queries, transpose_rows

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "corrections.sql")


@dataclass(frozen=True, slots=True)
class RevisionToCorrect:
    """Stored revision of an interview, as far as people correct it.

    Attributes:
        title: what people call it.
        chunks: first and last turn of each chunk, in order.
        segments: its turns, without the times of words.
        pseudonyms: of each who speaks, by label.
    """

    title: str
    chunks: list[tuple[int, int]]
    segments: tuple[Segment, ...]
    pseudonyms: dict[str, str]


@dataclass(frozen=True, slots=True)
class CorrectedNoteCounts:
    """Notes of a revision, those of some ranges of turns, and quotes of other turns."""

    notes: int
    asked_again: int
    quotes: int


class CorrectionQueries:
    """Queries on what a correction of an interview changes.

    Args:
        database: what is read; its login is an evidence reader.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self, transcript_id: UUID, revision: int) -> RevisionToCorrect | None:
        """Return a stored revision with its turns; None if there is none."""
        row = await self._database.fetchrow(
            _QUERIES.select_revision_to_correct, transcript_id, revision
        )
        if row is None:
            return None
        turns = await self._database.fetch(
            _QUERIES.select_segments_to_correct, transcript_id, revision
        )
        return RevisionToCorrect(
            row["title"],
            list(zip(row["firsts"], row["lasts"], strict=True)),
            tuple(
                Segment(
                    number=turn["number"],
                    speaker=turn["speaker"],
                    role=Role(turn["role"]),
                    text=turn["text"],
                )
                for turn in turns
            ),
            {turn["speaker"]: turn["pseudonym"] for turn in turns},
        )

    async def count_notes(
        self,
        transcript_id: UUID,
        revision: int,
        asked_again: Sequence[tuple[int, int]],
        turns: Sequence[int],
    ) -> CorrectedNoteCounts:
        """Count a revision's notes, and those that a correction concerns.

        Args:
            transcript_id: the interview.
            revision: which revision of it.
            asked_again: first and last turn of each chunk that is asked again.
            turns: the turns that have another speaker or role.
        """
        row = await self._database.fetchrow(
            _QUERIES.count_corrected_notes,
            *(transcript_id, revision),
            *transpose_rows(2, asked_again),
            list(turns),
        )
        assert row is not None, "it has no GROUP BY"
        return CorrectedNoteCounts(**row)
