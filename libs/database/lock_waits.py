"""Migrations take locks without holding up the services.

A statement that waits for a table's lock has everybody behind it wait who asks for that table,
so a migration behind a long query of a BI tool would stop the pipeline. Here it waits for a few
seconds at a time, lets the others pass in between, and says who is in the way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from contracts.errors import OnrecordError
from database.errors import MigrationError
from database.pool import Connection
from database.queries import load_queries

_QUERIES: Final = load_queries(Path(__file__).parent / "migrate.sql")

Connect = Callable[[], AbstractAsyncContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class LockWaits:
    """How long a migration waits for locks.

    Attributes:
        each_s: longest wait for one; meanwhile others may wait behind it.
        pause_s: time between two tries, in which they pass.
        total_s: after so long it is given up.
        look_s: time until it is first looked whether somebody is in the way, and between two looks.
    """

    each_s: float = 2.0
    pause_s: float = 3.0
    total_s: float = 600.0
    look_s: float = 0.5


LOCK_WAITS: Final = LockWaits()


@dataclass(slots=True)
class _Blockers:
    """Those who were in the way when it was looked last."""

    sessions: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "; ".join(self.sessions) or "another session"


async def apply_between_others(
    connection: Connection,
    apply: Callable[[], Awaitable[None]],
    connect: Connect,
    notice: Callable[[str], None],
    waits: LockWaits = LOCK_WAITS,
) -> None:
    """Apply a migration in a transaction; begin anew while a lock that it needs is not to be had.

    Args:
        connection: the migration's.
        apply: applies it, in a transaction that is open.
        connect: opens another connection, which looks who is in the way.
        notice: is called with a line that names them, when they change.
        waits: for how long.

    Raises:
        MigrationError: it fails, or the lock was not to be had for too long; nothing of it is kept.
    """
    give_up_at = time.monotonic() + waits.total_s
    named = ""
    while True:
        async with _watching(connection, connect, waits) as blockers:
            try:
                async with connection.transaction():
                    await connection.execute(
                        _QUERIES.limit_lock_wait, str(round(waits.each_s * 1_000))
                    )
                    await apply()
            except MigrationError as error:
                if not isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                    raise
                failed = error
            else:
                return
        if time.monotonic() + waits.pause_s > give_up_at:
            raise MigrationError(
                f"{failed}; for {waits.total_s:g} s these were in the way: {blockers}. "
                "End them, or migrate when they are done"
            ) from failed
        if str(blockers) != named:
            named = str(blockers)
            notice(f"waiting for a lock, and letting others pass; in the way: {named}")
        await asyncio.sleep(waits.pause_s)


@asynccontextmanager
async def _watching(
    connection: Connection, connect: Connect, waits: LockWaits
) -> AsyncIterator[_Blockers]:
    """Look who is in a connection's way, again and again, as long as the block runs."""
    blockers = _Blockers()
    task = asyncio.create_task(_watch(connection.get_server_pid(), connect, waits, blockers))
    try:
        yield blockers
    finally:
        task.cancel()
        # Without a second connection nobody is named.
        with suppress(asyncio.CancelledError, OnrecordError, asyncpg.PostgresError, OSError):
            await task


async def _watch(pid: int, connect: Connect, waits: LockWaits, blockers: _Blockers) -> None:
    # Most migrations are done by then, and need no other connection.
    await asyncio.sleep(waits.look_s)
    async with connect() as watcher:
        while True:
            if rows := await watcher.fetch(_QUERIES.select_blockers, pid):
                blockers.sessions = [_describe(row) for row in rows]
            await asyncio.sleep(waits.look_s)


def _describe(row: asyncpg.Record) -> str:
    since = f", since {row['since']} UTC" if row["since"] else ""
    application = f" ({row['application']})" if row["application"] else ""
    return f"process {row['pid']} of {row['login'] or 'PostgreSQL'}{application}{since}"
