"""Storing survives crowds, lost connections, a killed database and a full disk: all, and once."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from contracts.errors import OutageError
from contracts.events import Event
from contracts.topics import (
    NOTES_STORED,
    NOTES_VALIDATED,
    PERSISTENCE,
    RETRY_DELAYS_S,
    TRANSCRIPTS_INGESTED,
    build_dlq_topic,
    build_retry_topic,
)
from database.errors import DatabaseConflictError, DatabaseUnavailableError
from database.migrate import apply_migrations
from database.pool import Database, open_database
from database.settings import PostgresSettings
from messaging import Publisher
from persistence.handlers import router
from persistence.store import NotesStore
from support.broker import QUICK, Bench, bench_on
from support.data_folders import make_data_folder
from support.many_interviews import interview, shuffled
from support.missing import missing
from support.postgres import EmbeddedServer
from support.stored_rows import CLEARED, deliver, handle_all, read_rows
from support.waiting import until

ASIDE: Final = (
    *(build_retry_topic(PERSISTENCE, tier) for tier in range(len(RETRY_DELAYS_S))),
    build_dlq_topic(PERSISTENCE),
)
STORED: Final = "SELECT count(*) FROM chunks WHERE stored_at IS NOT NULL"
PATIENT: Final = QUICK.model_copy(update={"deadline_s": 60.0})
WRITERS: Final = 200
POOLS: Final = 8
"""Of 4 connections each."""


async def test_two_hundred_writers_of_one_interview_neither_deadlock_nor_store_twice(
    fresh_database: Database, postgres_settings: PostgresSettings
) -> None:
    one = interview(1, WRITERS)
    alone = NotesStore(fresh_database)
    await deliver(one.ingested)(alone)
    await handle_all([alone], map(deliver, one.drafts), at_once=4)
    expected = await read_rows(fresh_database)
    await fresh_database.execute(CLEARED)

    async with AsyncExitStack() as pools:
        databases = [
            await pools.enter_async_context(open_database(postgres_settings)) for _ in range(POOLS)
        ]
        # Each has its draft and the interview: half of them the draft first, and twice.
        retried: list[Exception] = []

        async def write(place: int) -> None:
            mine = [deliver(one.drafts[place]), deliver(one.ingested), deliver(one.drafts[place])]
            store = NotesStore(databases[place % POOLS])
            retried.extend(await handle_all([store], mine[:: (-1) ** place], at_once=1))

        async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
            for place in range(WRITERS):
                tasks.create_task(write(place))
    assert await read_rows(fresh_database) == expected
    # Some wait in vain for a connection: an outage, and no conflict between them.
    assert {type(error) for error in retried} <= {DatabaseUnavailableError}


class CuttingProxy:
    """A proxy before PostgreSQL that cuts connections at their COMMIT.

    Attributes:
        cuts: how many more commits it cuts.
        passes_it_on: whether the server gets the COMMIT, and carries it out.
        cut: how many it has cut.
    """

    def __init__(self, address: str, *, passes_it_on: bool) -> None:
        self._address = urlsplit(address)
        self.passes_it_on = passes_it_on
        self.cuts = self.cut = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[PostgresSettings]:
        """Settings that reach the database through it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        login = self._address.netloc.rpartition("@")[0]
        dsn = f"postgresql://{login or 'postgres'}@127.0.0.1:{port}{self._address.path}"
        try:
            yield PostgresSettings(dsn=SecretStr(dsn), sslmode="disable", pool_max_size=4)
        finally:
            server.close()
            await server.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = parse_qs(self._address.query).get("host")
        if folder:
            port = self._address.port or 5432
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._address.hostname, self._address.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, upward = await self._connect()
        answers = asyncio.create_task(_pass_on(upstream, writer))
        try:
            while sent := await reader.read(1 << 16):
                if b"COMMIT;" in sent and self.cuts > 0:
                    self.cuts -= 1
                    answers.cancel()
                    await asyncio.wait([answers])  # two may not read at once
                    if self.passes_it_on:
                        upward.write(sent)
                        while b"COMMIT" not in await upstream.read(1 << 16):
                            pass
                    self.cut += 1
                    break
                upward.write(sent)
                await upward.drain()
        finally:
            answers.cancel()
            for one in (upward, writer):
                one.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while answer := await reader.read(1 << 16):
            writer.write(answer)
            await writer.drain()


COMMITTED: Final = "committed"


@pytest.mark.parametrize("mode", [COMMITTED, "rolled back"])
async def test_a_connection_lost_in_the_commit_is_an_outage_and_stores_once(
    fresh_database: Database, postgres_settings: PostgresSettings, mode: str
) -> None:
    one = interview(2, 4)
    events: list[Event] = [*one.drafts[:2], one.ingested, *one.drafts[2:]]
    for event in events:
        await deliver(event)(NotesStore(fresh_database))
    expected = await read_rows(fresh_database)
    await fresh_database.execute(CLEARED)

    proxy = CuttingProxy(postgres_settings.dsn.get_secret_value(), passes_it_on=mode == COMMITTED)
    async with proxy.serving() as settings, open_database(settings) as database:
        store = NotesStore(database)
        for place, event in enumerate(events):
            proxy.cuts = 2
            with pytest.raises(OutageError):
                await deliver(event)(store)
            if place == 0:
                kept = await fresh_database.fetchval("SELECT count(*) FROM pending_drafts")
                assert kept == int(mode == COMMITTED)
            await handle_all([store], [deliver(event)], at_once=1)
        assert proxy.cut >= 2 * len(events)
    assert await read_rows(fresh_database) == expected


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
async def test_what_another_transaction_is_blamed_for_is_retried(
    fresh_database: Database, state: str
) -> None:
    await fresh_database.execute(
        f"CREATE FUNCTION get_in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF nextval('tries') < 3 THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '{state}';"
        f" END IF; RETURN NULL; END $$"
    )
    await fresh_database.execute("CREATE SEQUENCE tries")
    await fresh_database.execute(
        "CREATE TRIGGER gets_in_the_way AFTER INSERT ON drafts FOR EACH ROW"
        " EXECUTE FUNCTION get_in_the_way()"
    )
    one = interview(3, 1)
    store = NotesStore(fresh_database)
    retried = await handle_all([store], map(deliver, (one.ingested, *one.drafts)), at_once=1)
    assert [type(error) for error in retried] == [DatabaseConflictError] * 2
    assert await fresh_database.fetchval(STORED) == 1
    assert await fresh_database.fetchval("SELECT count(*) FROM notes") == len(one.drafts[0].notes)


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, (TRANSCRIPTS_INGESTED, NOTES_VALIDATED, NOTES_STORED, *ASIDE))


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """A server that a test may kill."""
    server = EmbeddedServer()
    try:
        yield server
    finally:
        server.start()
        server.destroy()


async def migrated(server: EmbeddedServer, name: str, more: str = "") -> PostgresSettings:
    await server.arun(f"CREATE DATABASE {name} {more}")
    settings = server.settings(name)
    await apply_migrations(settings)
    return settings


async def data_folder(server: EmbeddedServer) -> Path:
    connection = await asyncpg.connect(server.address("postgres"))
    try:
        return Path(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()


def kill(folder: Path) -> None:
    """End PostgreSQL and all its processes at once, as ``kill -9`` does."""
    postmaster = int((folder / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in (postmaster, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{postmaster}").exists():
        time.sleep(0.01)


async def count(settings: PostgresSettings, query: str = STORED) -> int:
    connection = await asyncpg.connect(settings.dsn.get_secret_value())
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


async def test_a_database_that_is_killed_in_the_middle_of_load_has_the_same_rows_in_the_end(
    bench: Bench, own_server: EmbeddedServer, fresh_database: Database
) -> None:
    interviews = [interview(number, 1 + number % 6) for number in range(18)]
    events = shuffled([event for one in interviews for event in (one.ingested, *one.drafts)])
    for event in events:
        await deliver(event)(NotesStore(fresh_database))
    chunks = sum(len(one.drafts) for one in interviews)

    folder = await data_folder(own_server)
    settings = await migrated(own_server, "killed")
    async with (
        Publisher(bench.kafka, source="/test") as publisher,
        open_database(settings) as database,
        bench.serving(PERSISTENCE, router, PATIENT, store=NotesStore(database)),
    ):
        await publisher.publish(events)
        for share in (0.2, 0.6):

            async def reached(wanted: float = share * chunks) -> bool:
                return await count(settings) >= wanted

            await until(reached, within_s=60)
            kill(folder)
            await asyncio.to_thread(own_server.start)
        await bench.is_committed(NOTES_VALIDATED.name, chunks, PERSISTENCE)
        await bench.is_committed(TRANSCRIPTS_INGESTED.name, len(interviews), PERSISTENCE)
        rows = await read_rows(database)
    assert rows == await read_rows(fresh_database)
    assert [await bench.size(topic.name) for topic in ASIDE] == [0] * len(ASIDE)


DISK: Final = "64m"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 64 MB, as a tmpfs; without the right to mount one the test is skipped."""
    folder = make_data_folder("onrecord-small-")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0777,nosuid,nodev", "tmpfs", folder],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        folder.rmdir()
        missing(f"a small disk cannot be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.long
async def test_a_full_disk_is_an_outage_and_storing_goes_on_once_there_is_room(
    bench: Bench, small_disk: Path, own_server: EmbeddedServer, fresh_database: Database
) -> None:
    interviews = [interview(number, 6) for number in range(40)]
    events: list[Any] = [event for one in interviews for event in (one.ingested, *one.drafts)]
    tablespace = small_disk / "tablespace"
    tablespace.mkdir(mode=0o700)
    owner = (await data_folder(own_server)).stat()
    os.chown(tablespace, owner.st_uid, owner.st_gid)
    await own_server.arun(f"CREATE TABLESPACE small LOCATION '{tablespace}'")
    settings = await migrated(own_server, "small_disk", "TABLESPACE small")
    ballast = small_disk / "ballast"
    free = shutil.disk_usage(small_disk).free
    ballast.write_bytes(b"\0" * (free - (1 << 20)))

    async with (
        Publisher(bench.kafka, source="/test") as publisher,
        open_database(settings) as database,
        bench.serving(PERSISTENCE, router, PATIENT, store=NotesStore(database)) as running,
    ):
        await publisher.publish(events)

        async def is_full() -> bool:
            return shutil.disk_usage(small_disk).free < 1 << 16

        await until(is_full, within_s=60)
        await running.says_ready(ready=False)
        before = await count(settings)
        assert before < len(interviews) * 6
        ballast.unlink()
        await bench.is_committed(NOTES_VALIDATED.name, len(interviews) * 6, PERSISTENCE)
        await bench.is_committed(TRANSCRIPTS_INGESTED.name, len(interviews), PERSISTENCE)
        rows = await read_rows(database)
    assert [await bench.size(topic.name) for topic in ASIDE] == [0] * len(ASIDE)
    for event in events:
        await deliver(event)(NotesStore(fresh_database))
    assert rows == await read_rows(fresh_database)
