"""Ledger entries that the database could not take yet: kept in memory and written later."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Self

import structlog

from database.errors import DatabaseConflictError, DatabaseTimeoutError, DatabaseUnavailableError
from database.group_commit import MAX_GROUP_SIZE
from model_client.ledger.store import BudgetReservation, CallOutcome, LedgerStore
from telemetry import metrics

log = structlog.get_logger(__name__)

MOST_KEPT: Final = 10_000
"""Entries kept in memory; the oldest are dropped when there are more."""

RETRY_S: Final = 1.0
"""Seconds between attempts to write the queued entries."""

LAST_RETRY_S: Final = 0.1
"""Seconds between attempts at shutdown, when somebody waits for it."""

CLOSE_S: Final = 6.0
"""How long writing is still tried at shutdown, in seconds: longer than the pause of
``LazilyConnectedDatabase``."""

AWAY: Final = (DatabaseUnavailableError, DatabaseConflictError, DatabaseTimeoutError)
"""Database errors after which the same entry may be written later."""


@dataclass(frozen=True, slots=True)
class PendingLedgerEntry:
    """Cost ledger entry still to be written: a call's final cost, or a cancelled reservation.

    Attributes:
        reservation: of which call.
        outcome: what it came to; None: it was never made.
        at: when that was known.
    """

    reservation: BudgetReservation
    outcome: CallOutcome | None
    at: datetime


class LedgerRetryQueue:
    """Queue of cost ledger entries that could not be written; retried in the background.

    Args:
        store: where they are written.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self._entries: deque[PendingLedgerEntry] = deque()
        self._has_some = asyncio.Event()
        self._is_away = False
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start writing queued entries."""
        self._writer = asyncio.create_task(self._write_queued())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Try for ``CLOSE_S`` to write what is left, then drop it."""
        assert self._writer is not None
        self._writer.cancel()
        with suppress(asyncio.CancelledError):
            await self._writer
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._entries:
                    await self._drain()
                    await asyncio.sleep(LAST_RETRY_S if self._entries else 0)
        self._drop(len(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    async def write(self, entry: PendingLedgerEntry) -> None:
        """Write an entry now, or queue it."""
        try:
            await self._write(entry)
        except asyncio.CancelledError:
            self.enqueue(entry)
            raise

    def enqueue(self, entry: PendingLedgerEntry) -> None:
        """Queue an entry to be written soon."""
        if len(self._entries) >= MOST_KEPT:
            self._entries.popleft()
            self._drop(1)
        self._entries.append(entry)
        self._update_gauge()

    @property
    def is_away(self) -> bool:
        """Whether the database could not be reached when it was asked last."""
        return self._is_away

    def report_unavailable(self, reason: str) -> None:
        """Log, once an outage, that the ledger's database cannot be reached."""
        if not self._is_away:
            log.warning("ledger_away", reason=reason)
        self._is_away = True

    def report_available(self) -> None:
        """Note that the database answers again."""
        self._is_away = False

    async def _write_queued(self) -> None:
        while True:
            await self._has_some.wait()
            await self._drain()
            await asyncio.sleep(RETRY_S)

    async def _drain(self) -> None:
        """Write the queued entries in groups until one cannot be written."""
        # One task each, so that GroupCommitter sends them in one statement; one that cannot be
        # written ends the round, as the rest cannot be either.
        done = True
        while self._entries and done:
            entries = [
                self._entries.popleft() for _ in range(min(MAX_GROUP_SIZE, len(self._entries)))
            ]
            self._update_gauge()
            writing = [asyncio.create_task(self._write(one)) for one in entries]
            try:
                done = all(await asyncio.gather(*writing))
            except asyncio.CancelledError:
                # Of the others, each has been written or queued by its own task.
                for entry, task in zip(entries, writing, strict=True):
                    if task.cancelled():
                        self.enqueue(entry)
                raise

    async def _write(self, entry: PendingLedgerEntry) -> bool:
        """Write an entry or queue it; return whether nothing is left to do."""
        try:
            if entry.outcome is None:
                await self._store.withdraw(entry.reservation)
            else:
                await self._store.settle(entry.reservation, entry.outcome, entry.at)
        except AWAY as error:
            self.report_unavailable(str(error))
            self.enqueue(entry)
            return False
        except Exception:
            # It would not be taken the next time either, and others wait behind it.
            log.exception("ledger_entry_refused", call_id=str(entry.reservation.call_id))
            self._drop(1)
        else:
            self.report_available()
        return True

    def _update_gauge(self) -> None:
        metrics.LLM_LEDGER_UNWRITTEN.set(len(self._entries))
        if self._entries:
            self._has_some.set()
        else:
            self._has_some.clear()

    def _drop(self, number: int) -> None:
        if number:
            metrics.LLM_LEDGER_DROPPED.inc(number)
            log.error("ledger_entries_dropped", number=number)
