"""What is to be written into the ledger: at once, or from memory when the database is back."""

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
from database.group_commit import MOST
from model_client import metrics
from model_client.ledger.store import LedgerStore, Outcome, Reservation

log = structlog.get_logger(__name__)

MOST_KEPT: Final = 10_000
"""Entries kept in memory; the oldest go when there are more."""

RETRY_S: Final = 1.0
"""Seconds between attempts to write what is kept."""

LAST_RETRY_S: Final = 0.1
"""The same at the end, when somebody waits for it."""

CLOSE_S: Final = 6.0
"""How long it is still tried at the end, in seconds; beyond the pause of ``LazyDatabase``."""

AWAY: Final = (DatabaseUnavailableError, DatabaseConflictError, DatabaseTimeoutError)
"""After these the same may be written later."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to be written.

    Attributes:
        reservation: of which call.
        outcome: what it came to; None: it was never made.
        at: when that was known.
    """

    reservation: Reservation
    outcome: Outcome | None
    at: datetime


class Backlog:
    """Writes entries, and tries again, while its context lasts, what could not be written.

    Args:
        store: where they are written.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self._kept: deque[Entry] = deque()
        self._has_some = asyncio.Event()
        self._is_away = False
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to write what is kept."""
        self._writer = asyncio.create_task(self._write_what_is_kept())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Try for a while to write what is left."""
        assert self._writer is not None
        self._writer.cancel()
        with suppress(asyncio.CancelledError):
            await self._writer
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._kept:
                    await self._drain()
                    await asyncio.sleep(LAST_RETRY_S if self._kept else 0)
        self._drop(len(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    async def write(self, entry: Entry) -> None:
        """Write an entry, or keep it."""
        try:
            await self._write(entry)
        except asyncio.CancelledError:
            self.keep(entry)
            raise

    def keep(self, entry: Entry) -> None:
        """Keep an entry, to be written soon."""
        if len(self._kept) >= MOST_KEPT:
            self._kept.popleft()
            self._drop(1)
        self._kept.append(entry)
        self._tell()

    def note_away(self, reason: str) -> None:
        """Say, once an outage, that the ledger cannot be written or read."""
        if not self._is_away:
            log.warning("ledger_away", reason=reason)
        self._is_away = True

    def note_back(self) -> None:
        """The outage, if there was one, is over."""
        self._is_away = False

    async def _write_what_is_kept(self) -> None:
        while True:
            await self._has_some.wait()
            await self._drain()
            await asyncio.sleep(RETRY_S)

    async def _drain(self) -> None:
        """Write what is kept, together what goes to the server together, until some cannot be."""
        done = True
        while self._kept and done:
            entries = [self._kept.popleft() for _ in range(min(MOST, len(self._kept)))]
            self._tell()
            writing = [asyncio.create_task(self._write(one)) for one in entries]
            try:
                done = all(await asyncio.gather(*writing))
            except asyncio.CancelledError:
                for entry, task in zip(entries, writing, strict=True):
                    if task.cancelled():
                        self.keep(entry)
                raise

    async def _write(self, entry: Entry) -> bool:
        """Write an entry, or keep it; returns whether nothing is left to do."""
        try:
            if entry.outcome is None:
                await self._store.withdraw(entry.reservation)
            else:
                await self._store.settle(entry.reservation, entry.outcome, entry.at)
        except AWAY as error:
            self.note_away(str(error))
            self.keep(entry)
            return False
        except Exception:
            # It would not be taken the next time either, and others wait behind it.
            log.exception("ledger_entry_refused", call_id=str(entry.reservation.call_id))
            self._drop(1)
        else:
            self.note_back()
        return True

    def _tell(self) -> None:
        metrics.LEDGER_UNWRITTEN.set(len(self._kept))
        if self._kept:
            self._has_some.set()
        else:
            self._has_some.clear()

    def _drop(self, number: int) -> None:
        if number:
            metrics.LEDGER_DROPPED.inc(number)
            log.error("ledger_entries_dropped", number=number)
