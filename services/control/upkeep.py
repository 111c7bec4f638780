"""Deletes what control keeps for a while, and sums up the counts of letters by cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog

from contracts.errors import OnrecordError
from control.background import running_in_background
from control.idempotency import IdempotentRequestStore
from control.letters.causes import LetterCauseStore
from control.queries import load_control_queries
from control.rehearsals.store import RehearsalStore
from control.replays.plans.store import delete_old_plans
from database.pool import Database

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("changes.sql", "service_starts.sql")

CHANGES_KEPT: Final = timedelta(hours=24)
"""How long changes are kept for those who follow them and were away."""

PLANS_KEPT: Final = timedelta(days=90)
"""How long replay plans that are over are kept, unless the settings say otherwise."""

STARTS_KEPT: Final = timedelta(days=90)
"""How long a start of a service is kept after another start of the service."""

MOST_STARTS: Final = 1_000
"""Latest starts of each service that are kept at most."""

MOST_RESTARTS: Final = 100
"""The same of starts of the same build as the start before, such as of a service that crashes."""

PERIOD_S: Final = 600.0
"""Seconds between two times."""


@asynccontextmanager
async def delete_expired_rows_periodically(
    database: Database, period_s: float = PERIOD_S, *, plans_kept: timedelta = PLANS_KEPT
) -> AsyncIterator[None]:
    """Context manager that periodically deletes expired rows from control's tables.

    Args:
        database: has them.
        period_s: seconds between two times.
        plans_kept: how long plans that are over are kept.
    """
    async with running_in_background(_run(database, period_s, plans_kept)):
        yield


async def delete_expired_rows(database: Database, plans_kept: timedelta = PLANS_KEPT) -> None:
    """Delete expired answers, change events, starts, rehearsals and plans; sum up letter counts.

    Raises:
        DatabaseUnavailableError: try again later.
    """
    await IdempotentRequestStore(database).delete_old()
    await database.execute(_QUERIES.delete_old_changes, CHANGES_KEPT)
    await database.execute(_QUERIES.delete_old_starts, STARTS_KEPT, MOST_STARTS, MOST_RESTARTS)
    causes = LetterCauseStore(database)
    await causes.sum_counts()
    await causes.delete_empty_counts()
    await RehearsalStore(database).delete_old()
    await delete_old_plans(database, plans_kept)


async def _run(database: Database, period_s: float, plans_kept: timedelta) -> None:
    while True:
        try:
            await delete_expired_rows(database, plans_kept)
        except OnrecordError as error:
            log.warning("old_rows_not_deleted", reason=str(error))
        await asyncio.sleep(period_s)
