"""Starts of services are recorded once, in nobody's way, and by services alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from database.migrate import apply_migrations
from database.pool import Connection, Database
from database.rights import GROUPS
from database.service_starts import ServiceStart
from database.settings import PostgresSettings
from support.postgres import TestServer
from support.rights import acting_as, may
from support.waiting import until

WRITERS: Final = {
    f"onrecord_{name}"
    for name in ("control", "enrichment", "guardrail", "ingestion", "persistence")
}
INSERTION: Final = (
    "INSERT INTO service_starts (start_id, service, version, digest, commit, host, started_at) "
    "VALUES (gen_random_uuid(), 'enrichment', '1', 'd', '', 'h', now())"
)


async def recorded(database: Database) -> list[dict[str, Any]]:
    return [dict(row) for row in await database.fetch("SELECT * FROM service_starts")]


async def test_a_start_is_recorded_once_with_its_build(
    fresh_database: Database, postgres_settings: PostgresSettings
) -> None:
    before = datetime.now(UTC)
    start = ServiceStart("enrichment")
    after = datetime.now(UTC)
    for _ in range(2):  # its consumer begins anew after an outage
        async with start.recording(postgres_settings):
            await until(lambda: start._is_recorded)
    (row,) = await recorded(fresh_database)
    assert (row["service"], row["version"], len(row["digest"])) == ("enrichment", "0.1.0", 12)
    assert before <= row["started_at"] <= after
    # Recorded again by mistake, it is the same start.
    start._is_recorded = False
    async with start.recording(postgres_settings):
        await until(lambda: start._is_recorded)
    assert await recorded(fresh_database) == [row]


async def test_a_service_starts_while_the_database_is_away_and_is_recorded_later(
    postgres: TestServer, postgres_settings: PostgresSettings
) -> None:
    postgres.stop()
    began = asyncio.get_running_loop().time()
    start = ServiceStart("enrichment", retry_s=0.05)
    started = datetime.now(UTC)
    with capture_logs() as logs:
        async with start.recording(postgres_settings):
            assert asyncio.get_running_loop().time() - began < 1
            await until(lambda: bool(logs))
            postgres.start()
            await until(lambda: start._is_recorded)
    assert [one["event"] for one in logs] == ["service_start_not_recorded"]
    assert "check POSTGRES_DSN" in logs[0]["reason"]
    connection = await asyncpg.connect(postgres_settings.dsn.get_secret_value())
    (row,) = await connection.fetch("SELECT started_at FROM service_starts")
    await connection.close()
    assert row["started_at"] <= started


async def test_a_server_that_never_answers_holds_nobody_up() -> None:
    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    dsn = SecretStr(f"postgresql://onrecord@127.0.0.1:{port}/notes")
    settings = PostgresSettings(dsn=dsn, connect_timeout_s=60)
    async with asyncio.timeout(5), ServiceStart("enrichment").recording(settings):
        await asyncio.sleep(0.5)  # it is being connected to
    over.set()
    server.close()


async def test_a_database_without_the_table_is_no_error_of_the_service(
    fresh_database: Database, postgres_settings: PostgresSettings
) -> None:
    await fresh_database.execute("ALTER TABLE service_starts RENAME TO elsewhere")
    start = ServiceStart("enrichment", retry_s=0.05)
    with capture_logs() as logs:
        async with start.recording(postgres_settings):
            await until(lambda: bool(logs))
            await fresh_database.execute("ALTER TABLE elsewhere RENAME TO service_starts")
            await until(lambda: start._is_recorded)
    assert len(logs) == 1


@pytest.fixture
async def connection(postgres_settings: PostgresSettings) -> AsyncIterator[Connection]:
    await apply_migrations(postgres_settings)  # a copy of a database has not the database's rights
    opened = await asyncpg.connect(postgres_settings.dsn.get_secret_value())
    yield opened
    await opened.close()


@pytest.mark.parametrize("role", GROUPS)
async def test_services_may_record_their_start_and_change_none(
    connection: Connection, role: str
) -> None:
    assert await may(connection, role, INSERTION) == (role in WRITERS)
    is_control = role == "onrecord_control"
    assert await may(connection, role, "SELECT FROM service_starts") == is_control
    assert await may(connection, role, "DELETE FROM service_starts") == is_control
    assert not await may(connection, role, "UPDATE service_starts SET version = ''")
    assert not await may(connection, role, "TRUNCATE service_starts")


@pytest.mark.parametrize("role", sorted(WRITERS))
async def test_a_service_records_its_start_with_its_own_rights(
    connection: Connection, role: str
) -> None:
    async with acting_as(connection, role):
        assert await connection.execute(INSERTION) == "INSERT 0 1"
        # As the code does it, where the row is there already.
        assert await connection.execute(f"{INSERTION} ON CONFLICT DO NOTHING") == "INSERT 0 1"
