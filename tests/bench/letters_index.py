"""Control indexing 20,000 dead letters from a DLQ, beside a bare consumer that inserts them."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.harness import Lab, Result, at_least, interleaved, paired, spread
from bench.replay import DLQ, Written, build_letter, write_letters
from contracts.topics import ALL_TOPICS, CONTROL
from control.letters.indexing import build_letter_row
from control.letters.store import DeadLetterStore
from database.migrate import apply_migrations
from database.pool import Database, open_database
from database.settings import PostgresSettings
from messaging import KafkaSettings, Record
from messaging.kafka.admin import create_topics
from support.postgres import EmbeddedServer, TestServer
from support.service_process import service_process

NUMBER: Final = 20_000
WARM: Final = 500
GOAL_LETTERS_PER_S: Final = 5_000.0
PATIENCE_S: Final = 600.0
LOOK_S: Final = 0.02
INDEXED: Final = "SELECT count(*) FROM dead_letters"

_databases = count(1)


async def measure(lab: Lab) -> Result:
    """Letters a second, from the DLQ to the index."""
    number = lab.scaled(NUMBER, least=500)
    letters = [build_letter(offset) for offset in range(number + WARM)]
    server = await asyncio.to_thread(EmbeddedServer)
    try:
        found = await interleaved(
            lab.repeats,
            {
                "bare": lambda: _bare(lab, server, letters),
                "ours": lambda: _indexed(lab, server, letters),
            },
        )
    finally:
        await asyncio.to_thread(server.destroy)
    return Result(
        figure=paired(found["ours"], found["bare"]),
        goal=0.3,
        better="higher",
        unit="of a bare consumer that inserts batches, letters/s",
        sides={
            "ours": spread(found["ours"], "letters_per_s"),
            "bare consumer": spread(found["bare"], "letters_per_s"),
        },
        shortfalls=at_least(
            "letters/s that control indexes", round(median(found["ours"])), GOAL_LETTERS_PER_S
        ),
        notes=(
            f"{number:,} letters, behind {WARM} with which the service warms up",
            "both sides write the same rows, with the same triggers",
        ),
    )


async def _indexed(lab: Lab, server: TestServer, letters: list[Written]) -> float:
    kafka, postgres = await lab.fresh(), await _database(server)
    await create_topics(kafka, ALL_TOPICS)
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "POSTGRES_DSN": postgres.dsn.get_secret_value(),
    }
    await write_letters(kafka, letters[:WARM])
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-") as folder:
        async with open_database(postgres) as database:
            with service_process(CONTROL, env, Path(folder)) as service:
                await service.is_ready()
                await _wait_until_indexed(database, WARM)
                # It stands still while they are written, as if it had been away.
                os.kill(service.pid, signal.SIGSTOP)
                try:
                    await write_letters(kafka, letters[WARM:])
                finally:
                    os.kill(service.pid, signal.SIGCONT)
                begin = time.perf_counter()
                await _wait_until_indexed(database, len(letters))
                return (len(letters) - WARM) / (time.perf_counter() - begin)


async def _wait_until_indexed(database: Database, number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await database.fetchval(INDEXED) < number:  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(LOOK_S)


async def _bare(lab: Lab, server: TestServer, letters: list[Written]) -> float:
    kafka, postgres = await lab.fresh(), await _database(server)
    await write_letters(kafka, letters[WARM:])
    number = len(letters) - WARM
    async with open_database(postgres) as database, _consumer(kafka) as consumer:
        store = DeadLetterStore(database)
        begin, inserted = time.perf_counter(), 0
        while inserted < number:
            found = await consumer.getmany(timeout_ms=1_000, max_records=1_000)
            rows = [
                build_letter_row(
                    Record(
                        DLQ,
                        one.partition,
                        one.offset,
                        one.key,
                        one.value,
                        tuple(one.headers),
                        one.timestamp,
                    )
                )
                for some in found.values()
                for one in some
            ]
            if rows:
                inserted += sum(await store.indexer.insert(rows))
        return number / (time.perf_counter() - begin)


@asynccontextmanager
async def _consumer(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(**kafka.client_options(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(kafka.topic(DLQ), 0)])
        yield consumer
    finally:
        await consumer.stop()


async def _database(server: TestServer) -> PostgresSettings:
    name = f"bench_index_{next(_databases)}"
    await server.arun(f"CREATE DATABASE {name}")
    settings = server.settings(name)
    await apply_migrations(settings)
    return settings
