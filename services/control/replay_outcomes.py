"""Finds out what became of replayed letters: `replayed` means sent, `resolved` gone through.

The letter that a message becomes when it fails again says so when it is indexed (a trigger). That a
message went through its stage is seen by the stage's effects, which this sweep looks for: over
letters without an outcome alone, a bounded number at a time, round and round::

    replayed ─▶ resolved          its effect is stored, or a later stage had the same
        └─────▶ failed_again      a letter with `replay_of` was indexed
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import OutageError
from database.pool import Database
from database.queries import load_queries

log = structlog.get_logger(__name__)

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "replay_outcomes.sql")

SWEEP_LOCK: Final = 0x5EE9
"""Key of the advisory lock that lets one replica sweep at a time."""

BATCH: Final = 2_000
"""Letters that are looked at in one transaction."""

POLL_S: Final = 1.0
"""Seconds between two batches; all letters without an outcome are looked at once in
``letters / BATCH`` times as long."""

_BEGIN: Final = UUID(int=0)


class ReplayOutcomeSweeper:
    """Background task that marks replayed dead letters as resolved once they are processed.

    Args:
        database: where letters are, and what the stages stored.
        poll_s: seconds between two batches.
    """

    def __init__(self, database: Database, *, poll_s: float = POLL_S) -> None:
        self._database = database
        self._poll_s = poll_s
        self._after = _BEGIN

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweep again and again within the ``async with`` block."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def sweep(self) -> int:
        """Look at the next batch, from the first letter again behind the last.

        Returns:
            How many letters are resolved by it; none while another replica sweeps.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        async with self._database.transaction() as connection:
            if not await connection.fetchval(_QUERIES.lock_sweep, SWEEP_LOCK):
                return 0
            rows = await connection.fetch(_QUERIES.select_without_outcome, self._after, BATCH)
            letter_ids = [row["letter_id"] for row in rows]
            self._after = letter_ids[-1] if len(letter_ids) == BATCH else _BEGIN
            if not letter_ids:
                return 0
            return int(await connection.fetchval(_QUERIES.resolve, letter_ids))

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except OutageError as error:
                log.warning("replays_not_followed", reason=str(error))
            except Exception:
                log.exception("replays_not_followed")
            await asyncio.sleep(self._poll_s)
