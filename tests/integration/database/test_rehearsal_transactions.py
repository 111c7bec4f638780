"""What code does in a database in a rehearsal is found again there, and is never committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from database.errors import DatabaseConflictError, DatabaseUnavailableError
from database.pool import Database
from database.rehearsal import CUT_OFF, HOLD_S
from database.settings import PostgresSettings
from rehearsal import Rehearsal, outside_rehearsal, rehearsing
from support.waiting import until

INSERT = "INSERT INTO letter_causes VALUES ($1, 's', 'c', 't', 'x', gen_random_uuid())"
LOCK = "SELECT pg_advisory_xact_lock(71)"
COUNT = "SELECT count(*) FROM letter_causes"
SLEEPING = """
SELECT count(*) > 0
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'
   AND query LIKE '%pg_sleep%'
"""
IN_TRANSACTION = """
SELECT count(*)
  FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'idle in transaction'
"""


@asynccontextmanager
async def rehearsal() -> AsyncIterator[Rehearsal]:
    one = Rehearsal()
    try:
        with rehearsing(one):
            yield one
    finally:
        await one.cleanup.aclose()


async def test_writes_are_found_again_in_the_rehearsal_and_nowhere_else(
    fresh_database: Database,
) -> None:
    async with rehearsal():
        await fresh_database.execute(INSERT, "0" * 16)
        assert await fresh_database.fetchval(COUNT) == 1
        async with fresh_database.transaction() as connection:
            await connection.execute(INSERT, "1" * 16)
        assert await fresh_database.fetchval(COUNT) == 2
    assert await fresh_database.fetchval(COUNT) == 0


async def test_tasks_of_a_rehearsal_share_its_transaction(fresh_database: Database) -> None:
    async with rehearsal():
        await asyncio.gather(*(fresh_database.execute(INSERT, f"{n:016}") for n in range(20)))
        assert await fresh_database.fetchval(COUNT) == 20
    assert await fresh_database.fetchval(COUNT) == 0


async def test_a_statement_that_fails_leaves_the_rest(fresh_database: Database) -> None:
    async with rehearsal():
        await fresh_database.execute(INSERT, "0" * 16)
        with pytest.raises(DatabaseConflictError):
            await fresh_database.execute(INSERT, "0" * 16)
        assert await fresh_database.fetchval(COUNT) == 1


async def test_deferred_constraints_are_checked_as_at_a_commit(fresh_database: Database) -> None:
    await fresh_database.execute(
        "CREATE TABLE parents (id int PRIMARY KEY);"
        "CREATE TABLE children (id int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)"
    )
    async with rehearsal():
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await fresh_database.execute("INSERT INTO children VALUES (1)")
        async with fresh_database.transaction() as connection:
            await connection.execute("INSERT INTO children VALUES (2)")
            await connection.execute("INSERT INTO parents VALUES (2)")
        assert await fresh_database.fetchval("SELECT count(*) FROM children") == 1


async def test_a_row_that_production_holds_is_waited_for_briefly(fresh_database: Database) -> None:
    await fresh_database.execute(INSERT, "0" * 16)
    update = "UPDATE letter_causes SET remark = 'x'"
    async with fresh_database.transaction() as connection:
        await connection.execute(update)
        async with rehearsal():
            async with asyncio.timeout(5):
                with pytest.raises(DatabaseConflictError):
                    await fresh_database.execute(update)


async def test_a_rehearsal_that_is_cancelled_gives_its_connection_back(
    fresh_database: Database,
) -> None:
    async def is_under_way() -> bool:
        with outside_rehearsal():
            return bool(await fresh_database.fetchval(SLEEPING))

    pool_size: int = PostgresSettings.model_fields["pool_max_size"].default
    for _ in range(pool_size + 2):
        async with rehearsal():
            work = asyncio.create_task(fresh_database.execute("SELECT pg_sleep(5)"))
            await until(is_under_way)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
    assert await fresh_database.fetchval(COUNT) == 0


@pytest.mark.parametrize("statement", ["UPDATE letter_causes SET remark = 'x'", LOCK])
async def test_a_rehearsal_that_hangs_keeps_production_waiting_for_a_bounded_time(
    fresh_database: Database, statement: str
) -> None:
    await fresh_database.execute(INSERT, "0" * 16)
    holds, is_over = asyncio.Event(), asyncio.Event()

    async def hang() -> Rehearsal:
        async with rehearsal() as one:
            await fresh_database.execute(statement)
            holds.set()
            await is_over.wait()
            with pytest.raises(DatabaseUnavailableError):
                await fresh_database.fetchval(COUNT)
            return one

    hanging = asyncio.create_task(hang())
    await holds.wait()
    async with asyncio.timeout(HOLD_S + 3):
        async with fresh_database.transaction() as connection:
            await connection.execute(statement)
    is_over.set()
    assert (await hanging).cut_off == CUT_OFF
    assert await fresh_database.fetchval(COUNT) == 1


async def test_a_rehearsal_that_only_reads_holds_nothing_between_two_uses(
    fresh_database: Database,
) -> None:
    async with rehearsal() as one:
        assert await fresh_database.fetchval(COUNT) == 0
        with outside_rehearsal():
            assert await fresh_database.fetchval(IN_TRANSACTION) == 0
        # Longer than the server would let it hold something: it is not cut off.
        await asyncio.sleep(HOLD_S + 0.5)
        await fresh_database.execute(INSERT, "0" * 16)
        assert await fresh_database.fetchval(COUNT) == 1
    assert one.cut_off == ""
    assert await fresh_database.fetchval(COUNT) == 0


def test_production_waits_longer_than_a_rehearsal_may_hold_a_row() -> None:
    assert PostgresSettings.model_fields["lock_timeout_s"].default > HOLD_S


async def test_a_statement_that_takes_too_long_cuts_a_rehearsal_off(
    fresh_database: Database,
) -> None:
    async with rehearsal() as one:
        await fresh_database.execute(INSERT, "0" * 16)
        with pytest.raises(DatabaseUnavailableError):
            await fresh_database.execute("SELECT pg_sleep(30)")
    assert one.cut_off == CUT_OFF
