"""Changes of many letters at once that no message is sent for: discards, their undoing, snoozes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.control_api import DeadLetterFilter
from contracts.errors import OnrecordError
from contracts.letter_changes import (
    BEGIN,
    DiscardResult,
    DlqPlace,
    RestoreResult,
    SnoozeResult,
)
from control.domain import NotFoundError
from control.letters.store import format_filter
from control.queries import load_control_queries
from database.pool import Database
from database.text import replace_nul

_QUERIES: Final = load_control_queries("bulk_changes.sql")


class BulkChangePart(NamedTuple):
    """Part of the letters that match, which one request changes, in the order of the DLQs.

    Attributes:
        until: only letters that were set aside by then.
        limit: at most so many.
        after: only letters behind this DLQ, partition and offset.
    """

    until: datetime
    limit: int
    after: DlqPlace = BEGIN


class DiscardParametersChangedError(OnrecordError):
    """Raised when a bulk discard is continued with other parameters than it began (HTTP 409)."""


class LetterBulkChanger:
    """Changer of the state of many dead letters in PostgreSQL, each time by one SQL statement.

    Letters that a replay holds are left alone: they are not open.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin_discard(
        self, discard_id: UUID, which: DeadLetterFilter, token_id: UUID
    ) -> None:
        """Note who begins a discard, or check that it is theirs to go on with.

        Args:
            discard_id: of the discard.
            which: its filter.
            token_id: of the caller.

        Raises:
            DiscardParametersChangedError: somebody else began this discard, or with another filter.
        """
        begun = (discard_id, token_id, format_filter(which))
        await self._database.execute(_QUERIES.begin_discard, *begun)
        if not await self._database.fetchval(_QUERIES.is_own_discard, *begun):
            raise DiscardParametersChangedError(
                f"discard {discard_id} was begun by somebody else or with another filter: "
                "leave out discard_id to begin one of your own"
            )

    async def discard(
        self,
        which: DeadLetterFilter,
        *,
        reason: str,
        discard_id: UUID,
        part: BulkChangePart,
    ) -> DiscardResult:
        """Discard open letters that match and are not snoozed, in the order of the DLQs.

        Args:
            which: narrows by any of its fields but the state.
            reason: why nobody needs them any more.
            discard_id: of this discard, by which it can be undone.
            part: which of them.
        """
        given = replace_nul(reason.strip())
        changed = await self._change(_QUERIES.discard_many, which, part, given, discard_id)
        return DiscardResult(
            discard_id=discard_id,
            until=part.until,
            discarded=len(changed),
            is_more=len(changed) == part.limit,
            after=max(changed, default=part.after),
        )

    async def restore(self, discard_id: UUID, *, limit: int) -> RestoreResult:
        """Open letters of a discard again; those that are not discarded any more stay as they are.

        Args:
            discard_id: of the discard.
            limit: at most so many.

        Raises:
            NotFoundError: no letter was in this discard.
        """
        before = await self._database.fetchrow(_QUERIES.count_discard, discard_id)
        if before is None or not before["letters"]:
            raise NotFoundError(
                f"there is no discard {discard_id}: "
                "`onrecord dlq list --state discarded --json` has the letters' discard_id"
            )
        rows = await self._database.fetch(_QUERIES.restore_discard, discard_id, limit)
        return RestoreResult(
            discard_id=discard_id,
            restored=len(rows),
            left=before["letters"] - before["discarded"],
            is_more=len(rows) == limit,
        )

    async def restore_letter(self, letter_id: UUID) -> bool:
        """Open a discarded letter again; False if it is not discarded."""
        return await self._database.fetchval(_QUERIES.restore_letter, letter_id) is not None

    async def snooze(
        self, which: DeadLetterFilter, *, snooze_until: datetime | None, part: BulkChangePart
    ) -> SnoozeResult:
        """Leave open letters that match out of lists, causes and replays of many for a while.

        Args:
            which: narrows by any of its fields but the state.
            snooze_until: until when; None: no longer.
            part: which of them.
        """
        changed = await self._change(_QUERIES.snooze_many, which, part, snooze_until)
        return SnoozeResult(
            until=part.until,
            snoozed=len(changed),
            is_more=len(changed) == part.limit,
            after=max(changed, default=part.after),
        )

    async def _change(
        self, query: str, which: DeadLetterFilter, part: BulkChangePart, *values: Any
    ) -> list[DlqPlace]:
        """Change the next letters of those meant; return the places of those that were changed."""
        async with self._database.transaction() as connection:
            await connection.execute(_QUERIES.walk_letters_in_order)
            rows = await connection.fetch(
                query, format_filter(which), part.until, part.limit, *values, *part.after
            )
        return [(row["dlq_topic"], row["dlq_partition"], row["dlq_offset"]) for row in rows]

    async def snooze_letter(self, letter_id: UUID, snooze_until: datetime | None) -> bool:
        """Snooze one letter, or no longer (None); False if it is not open."""
        changed = await self._database.fetchval(_QUERIES.snooze_letter, letter_id, snooze_until)
        return changed is not None

    async def count_snoozed(self, which: DeadLetterFilter) -> int:
        """Return how many open letters that match are snoozed now."""
        return int(await self._database.fetchval(_QUERIES.count_snoozed, format_filter(which)))
