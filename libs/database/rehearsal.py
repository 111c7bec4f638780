"""Transactions of rehearsals: what code does in a database for a rehearsal is never committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from contracts.rehearsing import Rehearsal
    from database.pool import Connection

LOCK_TIMEOUT: Final = "1s"
"""Longest wait for a row that production holds, or that production may be kept from."""

STATEMENT_TIMEOUT: Final = "10s"
"""Longest that a statement of a rehearsal runs."""


class RehearsalTransaction:
    """Transaction of one rehearsal in one database; all that it does there goes through it.

    So what it writes it finds again, and nobody else ever does. Whoever takes the connection gets a
    savepoint: a statement that fails leaves the rest of the rehearsal as it was. Constraints that
    are checked at a commit are checked at the savepoint's end.

    Args:
        connection: in a transaction that its opener rolls back.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_lost(self) -> bool:
        """Whether the server ended the connection."""
        return self._connection.is_closed()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend the connection, in a savepoint."""
        async with self._one_at_a_time, self._connection.transaction():
            yield self._connection
            await self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            await self._connection.execute("SET CONSTRAINTS ALL DEFERRED")


async def get_rehearsal_transaction(
    rehearsal: Rehearsal,
    database: object,
    acquire: Callable[[], Awaitable[Any]],
    release: Callable[[Any], Awaitable[None]],
) -> RehearsalTransaction:
    """Return a rehearsal's transaction in a database; begin it if it is the first use.

    It is rolled back when the rehearsal ends.

    Args:
        rehearsal: whose.
        database: the key of it.
        acquire: takes a connection from the pool.
        release: gives it back.
    """
    opening: asyncio.Task[RehearsalTransaction] | None = rehearsal.held.get(database)
    if opening is None:
        opening = asyncio.ensure_future(_open(rehearsal, acquire, release))
        rehearsal.held[database] = opening
        # On its own, so that a rehearsal that is given up meanwhile gives the connection back.
        rehearsal.cleanup.push_async_callback(_wait_for, opening)
    return await asyncio.shield(opening)


async def _wait_for(opening: asyncio.Task[RehearsalTransaction]) -> None:
    await asyncio.wait({opening})
    if not opening.cancelled():
        opening.exception()  # its caller has it


async def _open(
    rehearsal: Rehearsal,
    acquire: Callable[[], Awaitable[Any]],
    release: Callable[[Any], Awaitable[None]],
) -> RehearsalTransaction:
    connection = await acquire()
    transaction = connection.transaction()
    try:
        await transaction.start()
        await connection.execute(
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; "
            f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"
        )
    except BaseException:
        await _end(connection, transaction, release)
        raise
    rehearsal.cleanup.push_async_callback(_end, connection, transaction, release)
    return RehearsalTransaction(connection)


async def _end(
    connection: Any, transaction: Any, release: Callable[[Any], Awaitable[None]]
) -> None:
    # A connection that is lost has nothing to roll back, and the pool rolls back what is left.
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        await transaction.rollback()
    await release(connection)
