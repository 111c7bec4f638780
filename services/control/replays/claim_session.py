"""Session of PostgreSQL by which other replicas see that this one lives, so that its claims stay.

A claim names its claimant; the claimant's session holds an advisory lock of that number as long as
it lives. Each replica looks at whose locks are held, so that it notices when another one is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from contracts.errors import OnrecordError
from control.background import running_in_background
from control.queries import load_control_queries
from database.pool import Connection, Database

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("claim_session.sql")

CLAIMS_LOCK: Final = 0x0C1A
"""First key of the advisory lock of a replica that claims letters; the second is its own."""

CLAIMS_CHECKED_S: Final = 5.0
"""Seconds between two checks of the session that shows that this replica lives, and of others'."""

CLAIMS_PAUSE_S: Final = 1.0
"""Seconds until another session is opened for it."""


@asynccontextmanager
async def hold_claims_lock(
    database: Database, claimant: int, on_gone: Callable[[], object] = lambda: None
) -> AsyncIterator[None]:
    """Hold a replica's advisory lock during the context, so that others respect its claims.

    Should the session break, another one is opened. Until then another replica may send once more
    what this one is sending.

    Args:
        database: where the claims are.
        claimant: the number that this replica's claims name.
        on_gone: called when another replica that lived is gone: nobody holds its claims any more.
    """
    session = _ClaimSession(database, claimant, on_gone)
    async with running_in_background(session.hold()):
        await session.is_tried.wait()
        yield


class _ClaimSession:
    """Holder of a replica's lock, in one session of PostgreSQL after the other."""

    def __init__(self, database: Database, claimant: int, on_gone: Callable[[], object]) -> None:
        self._database = database
        self._key = CLAIMS_LOCK, claimant
        self._on_gone = on_gone
        # Kept when a session breaks: the others' may have broken with it, and some not come back.
        self._living: frozenset[int] = frozenset()
        self.is_tried = asyncio.Event()

    async def hold(self) -> None:
        while True:
            try:
                await self._hold_one_session()
                # The server may not have noticed yet that the session before is gone.
                log.warning("claims_not_held", reason="another session holds this replica's lock")
            except OnrecordError as error:
                log.warning("claims_not_held", reason=str(error))
            except Exception:
                log.exception("claims_not_held")
            self.is_tried.set()
            await asyncio.sleep(CLAIMS_PAUSE_S)

    async def _hold_one_session(self) -> None:
        """Hold the lock in one session; return when it does not have it, or no longer."""
        async with self._database.connection() as connection:
            try:
                is_held = await connection.fetchval(_QUERIES.hold_claims, *self._key)
                self._living |= await _find_living(connection)
                self.is_tried.set()
                while is_held:
                    await asyncio.sleep(CLAIMS_CHECKED_S)
                    is_held = await connection.fetchval(_QUERIES.check_claims, *self._key)
                    self._note_living(await _find_living(connection))
            finally:
                # A cancellation must not become an error of a session that is gone.
                with suppress(Exception):
                    await connection.execute("SELECT pg_advisory_unlock_all()")

    def _note_living(self, living: frozenset[int]) -> None:
        gone = self._living - living
        self._living = living
        if gone:
            log.info("replicas_gone", replicas=len(gone))
            self._on_gone()


async def _find_living(connection: Connection) -> frozenset[int]:
    rows = await connection.fetch(_QUERIES.select_living, CLAIMS_LOCK)
    return frozenset(row["claimant"] for row in rows)
