"""A dead letter's history: calls of models about its chunk, and letters that it belongs with."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from contracts.letter_history import (
    MOST_CALLS,
    MOST_RELATED,
    LetterHistory,
    LetterModelCall,
    RelatedLetter,
)
from control.domain import IndexedDeadLetter
from control.queries import load_control_queries
from database.pool import Database

_QUERIES: Final = load_control_queries("letter_history.sql")


class LetterHistoryReader:
    """Reader of dead letters' histories in PostgreSQL: model calls, related letters and so on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, letter: IndexedDeadLetter) -> LetterHistory:
        """Return what is known about a letter; without the notes that were refused."""
        related = await self._related(letter)
        if letter.subject is None:
            return LetterHistory(letter_id=letter.letter_id, related=related)
        sums = await self._database.fetchrow(_QUERIES.sum_calls_about, letter.subject)
        assert sums is not None
        rows = await self._database.fetch(_QUERIES.select_calls_about, letter.subject, MOST_CALLS)
        stored_at = None
        if (chunk_id := find_chunk_id(letter)) is not None:
            stored_at = await self._database.fetchval(_QUERIES.select_stored_at, chunk_id)
        return LetterHistory(
            letter_id=letter.letter_id,
            calls=tuple(LetterModelCall(**row) for row in rows),
            call_count=sums["calls"],
            cost_usd=sums["cost_usd"],
            unpriced=sums["unpriced"],
            related=related,
            stored_at=stored_at,
        )

    async def _related(self, letter: IndexedDeadLetter) -> tuple[RelatedLetter, ...]:
        rows = await self._database.fetch(
            _QUERIES.select_related_letters,
            letter.letter_id,
            letter.source_topic,
            letter.source_partition,
            letter.source_offset,
            letter.source_sent_at,
            letter.subject,
            MOST_RELATED,
        )
        return tuple(RelatedLetter(**row) for row in rows)


def find_chunk_id(letter: IndexedDeadLetter) -> UUID | None:
    """Return the id of the interview chunk that a dead letter is about; None if there is none."""
    try:
        return UUID(letter.subject or "")
    except ValueError:
        return None
