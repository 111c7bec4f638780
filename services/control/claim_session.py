"""Session of PostgreSQL by which other replicas see that this one lives, so that its claims stay.

A claim names its claimant; the claimant's session holds an advisory lock of that number as long as
it lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from contracts.errors import OnrecordError
from control.background import running_in_background
from database.pool import Database
from database.queries import load_queries

log = structlog.get_logger(__name__)

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "claim_session.sql")

CLAIMS_LOCK: Final = 0x0C1A
"""First key of the advisory lock of a replica that claims letters; the second is its own."""

CLAIMS_CHECKED_S: Final = 5.0
"""Seconds between two checks of the session that shows that this replica lives."""

CLAIMS_PAUSE_S: Final = 1.0
"""Seconds until another session is opened for it."""


@asynccontextmanager
async def holding_claims(database: Database, claimant: int) -> AsyncIterator[None]:
    """Hold a claimant's lock within the ``async with`` block, from its first try to get it on.

    Should the session break, another one is opened. Until then another replica may send once more
    what this one is sending.

    Args:
        database: where the claims are.
        claimant: the number that this replica's claims name.
    """
    is_tried = asyncio.Event()
    async with running_in_background(_hold(database, claimant, is_tried)):
        await is_tried.wait()
        yield


async def _hold(database: Database, claimant: int, is_tried: asyncio.Event) -> None:
    while True:
        try:
            await _hold_one_session(database, claimant, is_tried)
            # The server may not have noticed yet that the session before is gone.
            log.warning("claims_not_held", reason="another session holds this replica's lock")
        except OnrecordError as error:
            log.warning("claims_not_held", reason=str(error))
        except Exception:
            log.exception("claims_not_held")
        is_tried.set()
        await asyncio.sleep(CLAIMS_PAUSE_S)


async def _hold_one_session(database: Database, claimant: int, is_tried: asyncio.Event) -> None:
    """Hold the lock in one session; return when it does not have it, or no longer."""
    key = CLAIMS_LOCK, claimant
    async with database.connection() as connection:
        try:
            is_held = await connection.fetchval(_QUERIES.hold_claims, *key)
            is_tried.set()
            while is_held:
                await asyncio.sleep(CLAIMS_CHECKED_S)
                is_held = await connection.fetchval(_QUERIES.check_claims, *key)
        finally:
            # A cancellation must not become an error of a session that is gone.
            with suppress(Exception):
                await connection.execute("SELECT pg_advisory_unlock_all()")
