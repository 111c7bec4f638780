"""Finds out what became of replayed letters: `replayed` means sent, `resolved` gone through.

The letter that a message becomes when it fails again says so when it is indexed (a trigger). That a
message went through its stage is seen by the stage's effects, which this sweep looks for: over
letters without an outcome alone, a bounded number at a time. The latest are looked at each time,
the others of the last day in turn, and older ones now and then, for a month::

    replayed ─▶ resolved          its effect is stored, or a later stage had the same; of a
        │                         guardrail's letter, the last draft of its chunk is stored
        └─────▶ failed_again      a letter with `replay_of` was indexed; of a guardrail's letter,
                                  also one of the next draft of its chunk
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import OutageError
from control.background import running_in_background
from control.queries import load_control_queries
from database.pool import Connection, Database

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("replay_outcomes.sql")

SWEEP_LOCK: Final = 0x5EE9
"""Key of the advisory lock that lets one replica sweep at a time."""

BATCH: Final = 2_000
"""Letters that are looked at in one transaction: half of them the latest, half the next in turn."""

POLL_S: Final = 1.0
"""Seconds between two batches; all letters of a day without an outcome are looked at once in
``2 * letters / BATCH`` times as long."""

DAY: Final = timedelta(days=1)
"""How long a letter without an effect is looked at in each round."""

MONTH: Final = timedelta(days=30)
"""How long it is looked at now and then; its outcome stays unknown after that."""

OLDER_EVERY: Final = 60
"""Sweeps of which one looks at letters that were replayed more than a day ago."""

_Place = tuple[datetime, UUID]
_LATEST: Final[_Place] = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


class ReplayOutcomeSweeper:
    """Background task that marks replayed dead letters as resolved once they are processed.

    Args:
        database: where letters are, and what the stages stored.
        poll_s: seconds between two batches.
    """

    def __init__(self, database: Database, *, poll_s: float = POLL_S) -> None:
        self._database = database
        self._poll_s = poll_s
        self._after = _LATEST
        self._older_after = _LATEST
        self._sweeps = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweep again and again within the ``async with`` block."""
        async with running_in_background(self._run()):
            yield

    async def sweep(self) -> int:
        """Look at the latest letters and at the next in turn; behind the last, begin anew.

        Returns:
            How many letters are resolved by it; none while another replica sweeps.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.transaction() as connection:
            if not await connection.fetchval(_QUERIES.lock_sweep, SWEEP_LOCK):
                return 0
            places = await self._next_letters(connection)
            if not places:
                return 0
            sent_at, letter_ids = ([*one] for one in zip(*places, strict=True))
            resolved = int(await connection.fetchval(_QUERIES.resolve, letter_ids))
            await connection.execute(_QUERIES.forget_known, sent_at, letter_ids)
            return resolved

    async def _next_letters(self, connection: Connection) -> list[_Place]:
        half = BATCH // 2
        self._sweeps += 1
        found = await _select(connection, _LATEST, DAY, half)
        if len(found) == half:
            after = min(self._after, found[-1])
            others = await _select(connection, after, DAY, half)
            self._after = others[-1] if len(others) == half else _LATEST
            found += others
        if self._sweeps % OLDER_EVERY == 1:
            after = min(self._older_after, (datetime.now(UTC) - DAY, _LATEST[1]))
            older = await _select(connection, after, MONTH, BATCH)
            self._older_after = older[-1] if len(older) == BATCH else _LATEST
            found += older
        return found

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except OutageError as error:
                log.warning("replays_not_followed", reason=str(error))
            except Exception:
                log.exception("replays_not_followed")
            await asyncio.sleep(self._poll_s)


async def _select(
    connection: Connection, after: _Place, since: timedelta, limit: int
) -> list[_Place]:
    rows = await connection.fetch(_QUERIES.select_awaited, *after, since, limit)
    return [(row["sent_at"], row["letter_id"]) for row in rows]
