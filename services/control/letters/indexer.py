"""Writes dead letters into the index, many at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final
from uuid import UUID

import structlog

from control.letters.rows import LetterRow, transpose_letter_rows
from control.queries import load_control_queries
from database.group_commit import GroupCommitter
from database.pool import Database

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("indexing.sql")

AT_ONCE: Final = 8
"""Known letters that are looked at together, each in a transaction of its own."""


class LetterIndexer:
    """Writer of dead letters into the index in PostgreSQL, each once.

    Letters that come together are inserted by one statement. Those that it leaves out, as their id
    or their place is known, are compared by another, and only what differs is changed, one by one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inserting: GroupCommitter[Sequence[LetterRow], list[bool]] = GroupCommitter(
            self._insert_groups
        )

    async def index(self, letters: Sequence[LetterRow]) -> list[bool]:
        """Index letters, as ``DeadLetterStore.index_letter`` says; whether each is new."""
        new = await self._inserting.submit(letters)
        known = [number for number, is_new in enumerate(new) if not is_new]
        if not known:
            return new
        unchanged = await self._find_unchanged([letters[number] for number in known])
        # Those of one letter one after another: where it was read last counts.
        by_letter: defaultdict[UUID, list[int]] = defaultdict(list)
        for number in known:
            by_letter[letters[number].letter_id].append(number)
        changed = iter(
            [
                numbers
                for letter_id, numbers in by_letter.items()
                if len(numbers) > 1 or letter_id not in unchanged
            ]
        )

        async def index_changed() -> None:
            for numbers in changed:
                for number in numbers:
                    new[number] = await self._index_known(letters[number])

        ended = await asyncio.gather(
            *(index_changed() for _ in range(AT_ONCE)), return_exceptions=True
        )
        for error in ended:
            if error is not None:
                raise error
        return new

    async def _find_unchanged(self, letters: Sequence[LetterRow]) -> set[UUID]:
        """Which letters the index has at their places as they are, so that nothing is to be done.

        Not those with another id in their headers, which may be one that it has them by.
        """
        own = [letter for letter in letters if letter.claimed_id == letter.letter_id]
        rows = await self._database.fetch(
            _QUERIES.select_unchanged,
            [letter.letter_id for letter in own],
            [letter.dlq_topic for letter in own],
            [letter.dlq_partition for letter in own],
            [letter.dlq_offset for letter in own],
            [letter.message_sha256 for letter in own],
            [letter.size_bytes for letter in own],
            [letter.key for letter in own],
        )
        return {row["letter_id"] for row in rows}

    async def _index_known(self, letter: LetterRow) -> bool:
        """Index a letter whose id or place is known; whether it is new."""
        place = (letter.letter_id, letter.dlq_topic, letter.dlq_partition, letter.dlq_offset)
        async with self._database.transaction() as connection:
            if (claimed := letter.claimed_id) is not None:
                known = (claimed, *place[1:], letter.message_sha256, letter.size_bytes, letter.key)
                if await connection.fetchval(_QUERIES.adopt_letter, *known) is not None:
                    return False
            displaced = await connection.fetchval(_QUERIES.displace_letter, *place)
            new = bool(
                await connection.fetch(_QUERIES.insert_letters, *transpose_letter_rows([letter]))
            )
            reopened = None
            if not new:
                await connection.execute(_QUERIES.place_letter, *place)
                reopened = await connection.fetchval(_QUERIES.reopen_letter, *letter.failure)
        if displaced is not None:
            log.warning("letter_displaced", letter_id=str(displaced), dlq=letter.dlq_topic)
        if reopened is not None:
            log.warning("letter_reopened", letter_id=str(reopened), dlq=letter.dlq_topic)
        return new

    async def _insert_groups(self, groups: Sequence[Sequence[LetterRow]]) -> list[list[bool]]:
        inserted = iter(await self.insert([*chain.from_iterable(groups)]))
        return [[next(inserted) for _ in group] for group in groups]

    async def insert(self, rows: Sequence[LetterRow]) -> list[bool]:
        """Insert letters that may be new; whether each was, a second one with its id was not."""
        found = await self._database.fetch(_QUERIES.insert_letters, *transpose_letter_rows(rows))
        inserted = {row["letter_id"] for row in found}
        return [*_take_each_once(rows, inserted)]


def _take_each_once(rows: Sequence[LetterRow], inserted: set[UUID]) -> Iterator[bool]:
    for letter_id, *_ in rows:
        yield letter_id in inserted
        inserted.discard(letter_id)
