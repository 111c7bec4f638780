import asyncio
import os
import signal
from contextlib import suppress

import asyncpg
import pytest
from pydantic import SecretStr

from database.errors import (
    DatabaseConflictError,
    DatabaseLimitError,
    DatabaseTimeoutError,
    DatabaseUnavailableError,
)
from database.pool import Database, open_database
from database.settings import PostgresSettings
from support.postgres import EmbeddedServer, TestServer
from support.waiting import until


def limited(settings: PostgresSettings, **limits: float) -> PostgresSettings:
    return settings.model_copy(update=limits)


async def test_commits_at_the_end_and_rolls_back_on_an_error(fresh_database: Database) -> None:
    await fresh_database.execute("CREATE TABLE kept (id int)")
    async with fresh_database.transaction() as connection:
        await connection.execute("INSERT INTO kept VALUES (1)")

    async def change_my_mind() -> None:
        async with fresh_database.transaction() as connection:
            await connection.execute("INSERT INTO kept VALUES (2)")
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_my_mind()
    assert [row["id"] for row in await fresh_database.fetch("SELECT id FROM kept")] == [1]


async def test_is_unavailable_while_the_server_is_down_and_recovers(
    postgres: TestServer, fresh_database: Database
) -> None:
    await fresh_database.ping()
    postgres.stop()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailableError):
            await fresh_database.ping()
    postgres.start()
    await fresh_database.ping()


async def test_a_transaction_cut_by_a_restart_is_unavailable_and_leaves_nothing(
    postgres: TestServer, fresh_database: Database
) -> None:
    await fresh_database.execute("CREATE TABLE kept (id int)")

    async def insert_around_a_restart() -> None:
        async with fresh_database.transaction() as connection:
            await connection.execute("INSERT INTO kept VALUES (1)")
            postgres.stop()
            postgres.start()
            await connection.execute("INSERT INTO kept VALUES (2)")

    with pytest.raises(DatabaseUnavailableError):
        await insert_around_a_restart()
    assert await fresh_database.fetchval("SELECT count(*) FROM kept") == 0


async def test_a_transaction_that_loses_its_connection_before_the_commit_is_unavailable(
    postgres: TestServer, fresh_database: Database
) -> None:

    async def lose_the_connection() -> None:
        async with fresh_database.transaction() as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await postgres.arun(f"SELECT pg_terminate_backend({pid}, 5000)")

    with pytest.raises(DatabaseUnavailableError):
        await lose_the_connection()
    await fresh_database.ping()


async def test_a_pool_cannot_be_opened_while_the_server_is_down(
    postgres: TestServer, postgres_settings: PostgresSettings
) -> None:
    postgres.stop()
    with pytest.raises(DatabaseUnavailableError):
        async with open_database(postgres_settings):
            pass


async def test_a_database_that_is_not_there_concerns_every_message(postgres: TestServer) -> None:
    with pytest.raises(DatabaseUnavailableError, match='"missing" does not exist'):
        async with open_database(postgres.settings("missing")):
            pass


async def test_an_exhausted_pool_is_unavailable_and_recovers(
    postgres_settings: PostgresSettings,
) -> None:
    small = limited(postgres_settings, pool_max_size=1, connect_timeout_s=0.1)
    async with open_database(small) as database:
        async with database.connection():
            with pytest.raises(DatabaseUnavailableError):
                await database.ping()
        await database.ping()


async def test_a_statement_over_its_time_is_a_timeout(postgres_settings: PostgresSettings) -> None:
    async with open_database(limited(postgres_settings, statement_timeout_s=0.05)) as database:
        with pytest.raises(DatabaseTimeoutError):
            await database.execute("SELECT pg_sleep(10)")
        await database.ping()


async def test_waiting_too_long_for_a_lock_is_a_conflict(
    postgres_settings: PostgresSettings,
) -> None:
    async with open_database(limited(postgres_settings, lock_timeout_s=0.05)) as database:
        await database.execute("CREATE TABLE locked (id int)")
        async with database.transaction() as holder:
            await holder.execute("LOCK TABLE locked")
            with pytest.raises(DatabaseConflictError):
                await database.execute("INSERT INTO locked VALUES (1)")


async def test_a_deadlock_is_a_conflict_for_one_of_the_two(fresh_database: Database) -> None:
    await fresh_database.execute("CREATE TABLE pair (id int PRIMARY KEY)")
    await fresh_database.execute("INSERT INTO pair VALUES (1), (2)")
    both_hold = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with fresh_database.transaction() as connection:
            await connection.execute("SELECT FROM pair WHERE id = $1 FOR UPDATE", first)
            await both_hold.wait()
            await connection.execute("SELECT FROM pair WHERE id = $1 FOR UPDATE", second)

    outcomes = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["DatabaseConflictError", "NoneType"]


async def test_a_plan_made_before_a_migration_is_a_conflict_once(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    await fresh_database.execute("CREATE TABLE grown (id int)")
    async with open_database(limited(postgres_settings, pool_max_size=1)) as database:
        await database.fetch("SELECT * FROM grown")
        await fresh_database.execute("ALTER TABLE grown ADD COLUMN more int")
        with pytest.raises(DatabaseConflictError):
            async with database.transaction() as connection:
                await connection.fetch("SELECT * FROM grown")
        async with database.transaction() as connection:
            assert await connection.fetch("SELECT * FROM grown") == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT repeat('ab', 1000000000)",
        "INSERT INTO named SELECT string_agg(md5(n::text), '') FROM generate_series(1, 900) AS n",
        "SELECT (repeat('[', 100000) || repeat(']', 100000))::jsonb",
    ],
    ids=["value", "index entry", "stack depth"],
)
async def test_what_is_too_large_for_postgres_is_its_statement_s_fault(
    fresh_database: Database, statement: str
) -> None:
    await fresh_database.execute("CREATE TABLE named (name text PRIMARY KEY)")
    with pytest.raises(DatabaseLimitError):
        await fresh_database.execute(statement)
    await fresh_database.ping()


async def test_a_statement_that_crashes_its_server_process_is_an_outage_and_others_go_on_after_it(
    postgres: TestServer, fresh_database: Database
) -> None:
    if not isinstance(postgres, EmbeddedServer):
        pytest.skip("the server's processes are not here to be killed")
    begun: asyncio.Queue[int] = asyncio.Queue()

    async def work() -> None:
        async with fresh_database.connection() as connection:
            begun.put_nowait(await connection.fetchval("SELECT pg_backend_pid()"))
            await connection.execute("SELECT pg_sleep(60)")

    working = [asyncio.create_task(work()) for _ in range(2)]
    crashing, _ = await begun.get(), await begun.get()
    await until(lambda: fresh_database.fetchval(_SLEEPING))
    os.kill(crashing, signal.SIGSEGV)
    ends = await asyncio.gather(*working, return_exceptions=True)
    assert [type(end) for end in ends] == [DatabaseUnavailableError] * 2

    async def answers() -> bool:
        with suppress(DatabaseUnavailableError):  # it recovers first
            await fresh_database.ping()
            return True
        return False

    await until(answers)


_SLEEPING = """
SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND state = 'active'
"""


async def test_errors_of_the_statement_itself_pass_through(fresh_database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await fresh_database.fetch("SELECT * FROM nowhere")
    with pytest.raises(asyncpg.NotNullViolationError):
        await fresh_database.execute("INSERT INTO transcripts (revision) VALUES (1)")


async def test_closing_cuts_off_a_statement_that_hangs(
    postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database.pool.CLOSE_TIMEOUT_S", 0.05)
    async with open_database(postgres_settings) as database:
        begun = asyncio.Event()

        async def hang() -> None:
            async with database.connection() as connection:
                begun.set()
                await connection.execute("SELECT pg_sleep(60)")

        hanging = asyncio.create_task(hang())
        await begun.wait()
    with pytest.raises(DatabaseUnavailableError):
        await hanging


async def test_a_wrong_password_is_not_shown() -> None:
    settings = PostgresSettings(
        dsn=SecretStr("postgresql://onrecord:hunter2@127.0.0.1:1/notes"), connect_timeout_s=1
    )
    with pytest.raises(DatabaseUnavailableError) as refusal:
        async with open_database(settings):
            pass
    assert "hunter2" not in str(refusal.value)
