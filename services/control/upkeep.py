"""Deletes what control keeps for a day, and sums up the counts of letters by cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from contracts.errors import OnrecordError
from control.background import running_in_background
from control.causes import LetterCauseStore
from control.idempotency import IdempotentRequestStore
from control.rehearsals.store import RehearsalStore
from database.pool import Database
from database.queries import load_queries

log = structlog.get_logger(__name__)

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "changes.sql")

CHANGES_KEPT: Final = timedelta(hours=24)
"""How long changes are kept for those who follow them and were away."""

PERIOD_S: Final = 600.0
"""Seconds between two times."""


@asynccontextmanager
async def delete_expired_rows_periodically(
    database: Database, period_s: float = PERIOD_S
) -> AsyncIterator[None]:
    """Context manager that periodically deletes expired rows from control's tables."""
    async with running_in_background(_run(database, period_s)):
        yield


async def delete_expired_rows(database: Database) -> None:
    """Delete expired answers, change events and rehearsals; sum up old dead letter counts.

    Raises:
        DatabaseUnavailableError: try again later.
    """
    await IdempotentRequestStore(database).delete_old()
    await database.execute(_QUERIES.delete_old_changes, CHANGES_KEPT)
    causes = LetterCauseStore(database)
    await causes.sum_counts()
    await causes.delete_empty_counts()
    await RehearsalStore(database).delete_old()


async def _run(database: Database, period_s: float) -> None:
    while True:
        try:
            await delete_expired_rows(database)
        except OnrecordError as error:
            log.warning("old_rows_not_deleted", reason=str(error))
        await asyncio.sleep(period_s)
