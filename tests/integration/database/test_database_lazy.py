import asyncio

import pytest
from pydantic import SecretStr

from database.errors import DatabaseUnavailableError, MigrationsMissingError
from database.lazy import LazilyConnectedDatabase
from database.settings import PostgresSettings
from support.postgres import TestServer
from support.waiting import until


async def test_is_opened_once_by_whoever_asks_first(postgres_settings: PostgresSettings) -> None:
    async with LazilyConnectedDatabase(postgres_settings) as lazy:
        opened = await asyncio.gather(*(lazy.database() for _ in range(10)))
        assert len(set(map(id, opened))) == 1
        await opened[0].ping()


async def test_a_database_that_was_away_is_left_alone_for_a_while_and_comes_back(
    postgres: TestServer, postgres_settings: PostgresSettings
) -> None:
    postgres.stop()
    async with (
        LazilyConnectedDatabase(postgres_settings, retry_s=60.0) as patient,
        LazilyConnectedDatabase(postgres_settings, retry_s=0.05) as eager,
    ):
        for one in (patient, eager):
            with pytest.raises(DatabaseUnavailableError):
                await one.database()
        postgres.start()
        with pytest.raises(DatabaseUnavailableError):
            await patient.database()

        async def is_back() -> bool:
            try:
                await (await eager.database()).ping()
            except DatabaseUnavailableError:
                return False
            return True

        await until(is_back)


async def test_what_failed_later_is_left_alone_too(postgres_settings: PostgresSettings) -> None:
    async with LazilyConnectedDatabase(postgres_settings, retry_s=60.0) as lazy:
        await lazy.database()
        lazy.mark_unavailable("the disk is full")
        with pytest.raises(DatabaseUnavailableError, match="the disk is full"):
            await lazy.database()


async def test_a_database_without_its_tables_is_not_used(postgres: TestServer) -> None:
    async with LazilyConnectedDatabase(postgres.settings("postgres")) as lazy:
        with pytest.raises(MigrationsMissingError, match="0004_answers"):
            await lazy.database()


async def test_a_server_that_never_answers_holds_nobody_up() -> None:
    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    dsn = SecretStr(f"postgresql://onrecord@127.0.0.1:{port}/notes")
    async with LazilyConnectedDatabase(PostgresSettings(dsn=dsn, connect_timeout_s=0.2)) as lazy:
        with pytest.raises(DatabaseUnavailableError):
            await lazy.database()
    over.set()
    server.close()
