"""The index of dead letters and submissions in PostgreSQL."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from control.domain import (
    AmbiguousLetterError,
    BadLetterIdError,
    Letter,
    LetterCount,
    LetterFilter,
    LetterOrder,
    LetterPlace,
    LetterPlaceTakenError,
    LetterState,
    Submission,
    UnknownLetterError,
)
from database.pool import Database, Record
from database.queries import load_queries
from database.text import without_nul

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "store.sql")

SHORTEST_PREFIX: Final = 4
"""Characters of a letter's id that people have to give at least."""

UUID_DIGITS: Final = 32


class LetterStore:
    """Dead letters and submissions; every method raises as ``Database`` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def index_letter(self, letter: Letter) -> bool:
        """Index a letter as open; its own ``state`` and times of indexing are not looked at.

        A service that crashed may have written a letter to its DLQ twice: the first place counts.
        U+0000 in text is replaced; ``key`` is stored byte for byte.

        Returns:
            Whether the letter is new.

        Raises:
            LetterPlaceTakenError: another letter is indexed under the same place in the DLQ.
        """
        if await self._database.fetchval(_QUERIES.insert_letter, *_row(letter)) is not None:
            return True
        if await self._database.fetchval(_QUERIES.letter_is_known, letter.letter_id):
            return False
        raise LetterPlaceTakenError(
            f"{letter.dlq_topic}/{letter.dlq_partition} offset {letter.dlq_offset} is indexed as "
            f"another letter than {letter.letter_id}: was the topic made anew?"
        )

    async def index_submission(self, submission: Submission) -> None:
        """Index a record on the topic of submissions; a second time changes nothing."""
        await self._database.execute(
            _QUERIES.insert_submission,
            submission.topic,
            submission.partition,
            submission.offset,
            submission.transcript_id,
            submission.revision,
            submission.submitted_at,
        )

    async def letters(
        self,
        which: LetterFilter | None = None,
        *,
        limit: int | None = 100,
        order: LetterOrder = LetterOrder.NEWEST_FIRST,
    ) -> list[Letter]:
        """The letters that pass the filter.

        Args:
            which: narrows by any of its fields; all letters if None.
            limit: at most so many; None for all.
            order: by when they were set aside.
        """
        which = which or LetterFilter()
        newest = order is LetterOrder.NEWEST_FIRST
        rows = await self._database.fetch(
            _QUERIES.select_letters_newest_first
            if newest
            else _QUERIES.select_letters_oldest_first,
            which.service,
            which.code,
            which.state,
            which.fingerprint,
            which.subject,
            limit,
        )
        return [_letter(row) for row in rows]

    async def letter(self, letter_id: UUID | str) -> Letter:
        """One letter, by its id or by the beginning of it, with or without dashes.

        Raises:
            BadLetterIdError: fewer than four characters, or no part of an id.
            UnknownLetterError: no letter's id begins like this.
            AmbiguousLetterError: more than one does.
        """
        first, last = _id_range(str(letter_id))
        rows = await self._database.fetch(_QUERIES.select_letters_between, first, last)
        if not rows:
            raise UnknownLetterError(f"there is no letter {letter_id}")
        if len(rows) > 1:
            raise AmbiguousLetterError(
                f"more than one letter's id begins with {letter_id}: give more of it"
            )
        return _letter(rows[0])

    async def claim_for_replay(self, letter_id: UUID) -> bool:
        """Mark an open letter as being replayed; False if it is not open."""
        return await self._changed(_QUERIES.claim_for_replay, letter_id)

    async def claim_many_for_replay(
        self, which: LetterFilter, *, until: datetime, limit: int
    ) -> list[LetterPlace]:
        """Mark open letters as being replayed.

        Args:
            which: narrows by any of its fields but the state.
            until: only letters set aside by then, so that those that die again do not come back.
            limit: at most so many.

        Returns:
            The letters in the order of their places in the DLQs.
        """
        rows = await self._database.fetch(
            _QUERIES.claim_many_for_replay,
            which.service,
            which.code,
            which.fingerprint,
            which.subject,
            until,
            limit,
        )
        places = [LetterPlace(**row) for row in rows]
        return sorted(places, key=lambda one: (one.dlq_topic, one.dlq_partition, one.dlq_offset))

    async def release_claims(self, letter_ids: Sequence[UUID]) -> None:
        """Open letters again whose replay did not come to pass."""
        await self._database.execute(_QUERIES.release_claims, list(letter_ids))

    async def mark_many_replayed(self, letter_ids: Sequence[UUID]) -> None:
        """Mark claimed letters as replayed."""
        await self._database.execute(_QUERIES.mark_many_replayed, list(letter_ids))

    async def mark_replayed(self, letter_id: UUID) -> bool:
        """Mark a claimed letter as replayed; False if it was not being replayed."""
        return await self._changed(_QUERIES.mark_replayed, letter_id)

    async def discard(self, letter_id: UUID, reason: str) -> bool:
        """Give up an open letter; False if it was not open.

        Raises:
            ValueError: the reason is empty.
        """
        if not reason.strip():
            raise ValueError("a letter is discarded for a reason: say which")
        return await self._changed(_QUERIES.discard, letter_id, without_nul(reason.strip()))

    async def replaying(self) -> list[Letter]:
        """Letters whose replay a crash may have cut short, oldest first."""
        return await self.letters(
            LetterFilter(state=LetterState.REPLAYING), limit=None, order=LetterOrder.OLDEST_FIRST
        )

    async def counts(self) -> list[LetterCount]:
        """How many letters there are by service, state and cause."""
        return [LetterCount(**row) for row in await self._database.fetch(_QUERIES.count_letters)]

    async def _changed(self, query: str, *args: Any) -> bool:
        return await self._database.fetchval(query, *args) is not None


def _id_range(prefix: str) -> tuple[UUID, UUID]:
    """The lowest and the highest id that begin with ``prefix``."""
    digits = prefix.strip().lower().replace("-", "")
    if not SHORTEST_PREFIX <= len(digits) <= UUID_DIGITS or not re.fullmatch(r"[0-9a-f]+", digits):
        raise BadLetterIdError(
            f"a letter is named by its id or by at least {SHORTEST_PREFIX} of its first characters"
        )
    return UUID(digits.ljust(UUID_DIGITS, "0")), UUID(digits.ljust(UUID_DIGITS, "f"))


def _row(letter: Letter) -> tuple[Any, ...]:
    fields = without_nul(letter.model_dump(exclude={"headers"}))
    return (*(fields[column] for column in _COLUMNS), _headers_json(letter), letter.size_bytes)


_COLUMNS: Final = (
    "letter_id",
    "service",
    "dlq_topic",
    "dlq_partition",
    "dlq_offset",
    "source_topic",
    "source_partition",
    "source_offset",
    "consumer_group",
    "error_code",
    "error_type",
    "error_message",
    "attempts",
    "timeouts",
    "first_failed_at",
    "failed_at",
    "fingerprint",
    "replay_of",
    "subject",
    "key",
)
"""The arguments of ``insert_letter`` up to the headers, in order."""


def _headers_json(letter: Letter) -> str:
    # The index is for people; a name that is not UTF-8 is kept byte for byte in the DLQ alone.
    pairs = [
        [
            name.encode("utf-8", "backslashreplace").decode(),
            None if value is None else base64.b64encode(value).decode(),
        ]
        for name, value in letter.headers
    ]
    return json.dumps(without_nul(pairs))


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _letter(row: Record) -> Letter:
    headers = [
        (name, None if value is None else base64.b64decode(value))
        for name, value in json.loads(row["headers"])
    ]
    return Letter(**{**row, "headers": headers})
