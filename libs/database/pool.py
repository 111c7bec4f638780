"""A connection pool that raises onrecord's errors and survives a restart of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from database.connection_errors import build_connection_error
from database.errors import (
    DatabaseUnavailableError,
    build_unavailable_error,
    translate_driver_error,
)
from database.rehearsal import get_rehearsal_transaction
from database.settings import PostgresSettings
from rehearsal import Rehearsal, get_rehearsal

Record: TypeAlias = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Record] | PoolConnectionProxy[Record]"

ANSWER_GRACE_S: Final = 5.0
"""Seconds the driver waits beyond the server's own time limit before it calls the server gone."""

CLOSE_TIMEOUT_S: Final = 5.0
"""Seconds that statements still running get to finish when the pool is closed."""


async def open_connection_pool(settings: PostgresSettings) -> asyncpg.Pool[Record]:
    """Open an asyncpg connection pool, with time limits on SQL statements and locks.

    Raises:
        DatabaseUnavailableError: the first connections cannot be made.
    """
    try:
        return await asyncpg.create_pool(
            **settings.connect_options(),
            min_size=settings.pool_min_size,
            max_size=settings.pool_max_size,
            command_timeout=settings.statement_timeout_s + ANSWER_GRACE_S,
            reset=_leave_as_it_is,
            server_settings={
                "application_name": "onrecord",
                "statement_timeout": _milliseconds(settings.statement_timeout_s),
                "lock_timeout": _milliseconds(settings.lock_timeout_s),
            },
        )
    except CANNOT_CONNECT as error:
        raise build_connection_error(settings, error) from error


async def _leave_as_it_is(_: Connection) -> None:
    """Reset nothing when a connection returns to the pool, beyond the driver's rollback.

    Statements here leave nothing behind in a session. The driver would send four more with every
    loan, which is as long a way to the server as the statement itself.
    """


@asynccontextmanager
async def open_database(settings: PostgresSettings) -> AsyncIterator[Database]:
    """Open a pool of PostgreSQL connections as a ``Database``, for the duration of the context.

    Raises:
        DatabaseUnavailableError: the first connections cannot be made.
    """
    database = Database(
        await open_connection_pool(settings),
        acquire_timeout_s=settings.connect_timeout_s,
        explain=partial(build_connection_error, settings),
    )
    try:
        yield database
    finally:
        await database.close()


class Database:
    """PostgreSQL connection pool that reconnects after outages and raises this library's errors.

    Every method raises ``DatabaseUnavailableError`` when PostgreSQL is down, and goes on working
    once it is back; ``DatabaseConflictError`` and ``DatabaseTimeoutError`` when trying again may
    help. All other errors of the driver pass through.

    Args:
        pool: an open pool; the database closes it.
        acquire_timeout_s: longest wait for a connection, in seconds.
        explain: words what kept a connection from being made.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Record],
        *,
        acquire_timeout_s: float = 5.0,
        explain: Callable[[Exception], DatabaseUnavailableError] = build_unavailable_error,
    ) -> None:
        self._pool = pool
        self._acquire_timeout_s = acquire_timeout_s
        self._explain = explain

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection. The body does nothing but database work, or its errors are misread.

        In a rehearsal it is that of a transaction which is rolled back when the rehearsal ends.
        """
        if (rehearsal := get_rehearsal()) is not None:
            async with self._rehearsed(rehearsal) as connection:
                yield connection
            return
        connection = await self._acquire()
        try:
            yield connection
        except Exception as error:
            named = translate_driver_error(error, connection_lost=_is_lost(connection))
            if named is None:
                raise
            raise named from error
        finally:
            await self._release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection in a transaction: committed at the end, rolled back on an error."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def execute(self, query: str, *args: Any) -> str:
        """Run a statement and return its command tag, such as ``UPDATE 1``."""
        async with self.connection() as connection:
            return await connection.execute(query, *args)

    async def fetch(self, query: str, *args: Any) -> Sequence[Record]:
        """Return all rows of a query."""
        async with self.connection() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> Record | None:
        """Return the first row of a query, or None."""
        async with self.connection() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Return the first value of the first row of a query, or None."""
        async with self.connection() as connection:
            return await connection.fetchval(query, *args)

    async def ping(self) -> None:
        """Check that PostgreSQL answers: for readiness, and as a probe during an outage."""
        await self.fetchval("SELECT 1")

    async def close(self) -> None:
        """Close the pool; statements still running after ``CLOSE_TIMEOUT_S`` are cut off."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def _rehearsed(self, rehearsal: Rehearsal) -> AsyncIterator[Connection]:
        held = get_rehearsal_transaction(rehearsal, self, self._acquire, self._release)
        try:
            async with held.connection() as connection:
                yield connection
        except Exception as error:
            named = translate_driver_error(error, connection_lost=held.is_lost)
            if named is None:
                raise
            raise named from error

    async def _acquire(self) -> PoolConnectionProxy[Record]:
        try:
            return await self._pool.acquire(timeout=self._acquire_timeout_s)
        except CANNOT_CONNECT as error:
            raise self._explain(error) from error

    async def _release(self, connection: PoolConnectionProxy[Record]) -> None:
        # The work is done, or its error is on its way. A connection that cannot be given back is
        # one that the pool has closed and replaces.
        with suppress(*CANNOT_CONNECT):
            await self._pool.release(connection)


CANNOT_CONNECT: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Whatever keeps a connection from being made, a wrong password included, concerns every message
alike: an outage, never the fault of the message at hand."""


def _is_lost(connection: PoolConnectionProxy[Record]) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool has taken a closed connection back already, and the proxy stands for none.
        return True


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
