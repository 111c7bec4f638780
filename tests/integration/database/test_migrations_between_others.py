"""A migration that needs a lock holds up nobody else for long, and says who is in its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from database.errors import MigrationError
from database.lock_waits import LockWaits
from database.migrate import apply_migrations
from database.pool import Connection
from database.settings import PostgresSettings
from support.postgres import TestServer
from support.waiting import until

SHORT = LockWaits(each_s=0.3, pause_s=0.3, total_s=60, look_s=0.05)


@pytest.fixture
async def settings(postgres: TestServer) -> AsyncIterator[PostgresSettings]:
    await postgres.arun("CREATE DATABASE crowded")
    yield postgres.settings("crowded")
    await postgres.arun("DROP DATABASE crowded WITH (FORCE)")


@pytest.fixture
async def folder(settings: PostgresSettings, tmp_path: Path) -> Path:
    """A table that is there, and a migration of it that is not applied yet."""
    (tmp_path / "0001_notes.sql").write_text("CREATE TABLE notes (id serial)")
    await apply_migrations(settings, [tmp_path])
    (tmp_path / "0002_more.sql").write_text("ALTER TABLE notes ADD COLUMN text text")
    return tmp_path


@pytest.fixture
async def dashboard(settings: PostgresSettings, folder: Path) -> AsyncIterator[Connection]:
    """A session of a BI tool in a long query of the table."""
    connection = await asyncpg.connect(
        settings.dsn.get_secret_value(), server_settings={"application_name": "Metabase"}
    )
    await connection.execute("BEGIN; SELECT FROM notes")
    yield connection
    await connection.close()


async def insert_until(done: asyncio.Event, settings: PostgresSettings, took: list[float]) -> None:
    """Insert as persistence does, again and again; how long each took goes to a list."""
    connection = await asyncpg.connect(settings.dsn.get_secret_value())
    while not done.is_set():
        begun = time.monotonic()
        await connection.execute("INSERT INTO notes DEFAULT VALUES", timeout=5)
        took.append(time.monotonic() - begun)
    await connection.close()


async def test_others_go_on_while_a_migration_waits_for_a_long_query(
    settings: PostgresSettings, folder: Path, dashboard: Connection
) -> None:
    notices: list[str] = []
    took: list[float] = []
    done = asyncio.Event()

    def notice(line: str) -> None:
        if "in the way" in line:
            notices.append(line)

    writer = asyncio.create_task(insert_until(done, settings, took))
    migration = asyncio.create_task(
        apply_migrations(settings, [folder], notice=notice, waits=SHORT)
    )
    async with asyncio.timeout(30):
        await until(lambda: notices)
        before = len(took)
        await until(lambda: len(took) > before + 20 and sum(took) > 5 * SHORT.each_s)
        assert not migration.done()
        pid = dashboard.get_server_pid()
        user = await dashboard.fetchval("SELECT current_user")
        await dashboard.execute("ROLLBACK")
        assert [one.version for one in await migration] == [2]
    done.set()
    await writer
    assert max(took) < 3
    assert len(notices) == 1, "who is in the way is named once"
    assert f"process {pid} of {user} (Metabase), since 20" in notices[0]


async def test_a_migration_is_given_up_after_a_while_and_says_why(
    settings: PostgresSettings, folder: Path, dashboard: Connection
) -> None:
    waits = LockWaits(each_s=0.3, pause_s=0.1, total_s=0.8, look_s=0.05)
    async with asyncio.timeout(30):
        with pytest.raises(
            MigrationError, match=r"0002_more failed, nothing of it is kept.*\(Metabase\)"
        ):
            await apply_migrations(settings, [folder], waits=waits)
    await dashboard.execute("ROLLBACK")
    assert [one.version for one in await apply_migrations(settings, [folder])] == [2]


async def test_whoever_migrates_at_the_same_time_waits_for_the_other(
    settings: PostgresSettings, folder: Path, dashboard: Connection
) -> None:
    notices: list[str] = []
    both = [
        asyncio.create_task(
            apply_migrations(settings, [folder], notice=notices.append, waits=SHORT)
        )
        for _ in range(2)
    ]

    async def is_second_waiting() -> bool:
        """The first is behind the query, and the second behind the first."""
        # Unlike activity, locks are not remembered for the rest of a transaction.
        waiting: int = await dashboard.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
        )
        return bool(notices) and waiting == 1

    async with asyncio.timeout(30):
        await until(is_second_waiting)
        await dashboard.execute("ROLLBACK")
        applied = await asyncio.gather(*both)
    assert sorted(map(len, applied)) == [0, 1]
