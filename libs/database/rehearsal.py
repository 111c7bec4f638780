"""Transactions of rehearsals: what code does in a database for a rehearsal is never committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from database.pool import Connection
    from rehearsal import Rehearsal

LOCK_TIMEOUT: Final = "1s"
"""Longest wait for a row that production holds."""

HOLD_S: Final = 5.0
"""Longest that a rehearsal may hold what it has written or locked, in seconds. Production, which
waits for it meanwhile, waits longer (``PostgresSettings.lock_timeout_s``)."""

CUT_OFF: Final = (
    f"PostgreSQL ended its transaction: it held rows for {HOLD_S:g} s, or the server is away"
)

_HOLDS_SOMETHING: Final = """
SELECT pg_current_xact_id_if_assigned() IS NOT NULL
    OR EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory')
"""
"""Whether the transaction has written, locked rows or holds advisory locks."""


class RehearsalTransaction:
    """Database transaction of one rehearsal (simulated replay), which is rolled back.

    So what it writes it finds again, and nobody else ever does. Whoever takes the connection gets a
    savepoint: a statement that fails leaves the rest of the rehearsal as it was. Constraints that
    are checked at a commit are checked at the savepoint's end.

    While it has only read, nothing is held between two uses: neither a connection nor a
    transaction. From its first write on, the server ends it after ``HOLD_S``: then the rehearsal is
    cut off, and its outcome is not known.

    Args:
        rehearsal: whose.
        acquire: takes a connection from the pool.
        release: gives it back.
    """

    def __init__(
        self,
        rehearsal: Rehearsal,
        acquire: Callable[[], Awaitable[Any]],
        release: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._rehearsal = rehearsal
        self._acquire = acquire
        self._release = release
        self._one_at_a_time = asyncio.Lock()
        self._begun: tuple[Any, Any] | None = None
        self._is_over = False

    @property
    def is_lost(self) -> bool:
        """Whether the server ended the connection."""
        if self._begun is None:
            return False
        try:
            return bool(self._begun[0].is_closed())
        except asyncpg.InterfaceError:
            return True  # the pool has taken it back already

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend the connection, in a savepoint."""
        async with self._one_at_a_time:
            connection = await self._begin()
            try:
                async with connection.transaction():
                    yield connection
                    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    await connection.execute("SET CONSTRAINTS ALL DEFERRED")
            except Exception:
                if self.is_lost:
                    self._rehearsal.cut_off = CUT_OFF
                raise
            finally:
                await self._end_if_it_holds_nothing()

    async def end(self) -> None:
        """Roll back; nothing can be done in it any more."""
        self._is_over = True
        begun, self._begun = self._begun, None
        if begun is None:
            return
        connection, transaction = begun
        # A connection that is lost has nothing to roll back; the pool rolls back what is left.
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await transaction.rollback()
        await self._release(connection)

    async def _begin(self) -> Any:
        if self._is_over:
            raise asyncpg.InterfaceError("the rehearsal is over")
        if self._begun is not None:
            return self._begun[0]
        connection = await self._acquire()
        transaction = connection.transaction()
        self._begun = connection, transaction
        try:
            await transaction.start()
            await connection.execute(
                f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; "
                f"SET LOCAL transaction_timeout = '{round(HOLD_S * 1000)}ms'"
            )
        except BaseException:
            await self._give_back()
            raise
        return connection

    async def _end_if_it_holds_nothing(self) -> None:
        if self._begun is None or self.is_lost:
            return
        try:
            holds = await self._begun[0].fetchval(_HOLDS_SOMETHING)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return  # whoever uses it next finds out, or its end does
        if not holds:
            await self._give_back()

    async def _give_back(self) -> None:
        was_over = self._is_over
        await self.end()
        self._is_over = was_over


def get_rehearsal_transaction(
    rehearsal: Rehearsal,
    database: object,
    acquire: Callable[[], Awaitable[Any]],
    release: Callable[[Any], Awaitable[None]],
) -> RehearsalTransaction:
    """Return a rehearsal's transaction in a database; it is rolled back when the rehearsal ends.

    Args:
        rehearsal: whose.
        database: the key of it.
        acquire: takes a connection from the pool.
        release: gives it back.
    """
    held: RehearsalTransaction | None = rehearsal.held.get(database)
    if held is None:
        held = rehearsal.held[database] = RehearsalTransaction(rehearsal, acquire, release)
        rehearsal.cleanup.push_async_callback(held.end)
    return held
