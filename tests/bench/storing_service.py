"""The real persistence service with its own PostgreSQL, and interviews to store."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.harness import Lab, producer
from contracts.events import Event
from contracts.topics import (
    PERSISTENCE,
    RETRY_DELAYS_S,
    TRANSCRIPTS_INGESTED,
    build_dlq_topic,
    build_retry_topic,
    get_event_topic,
)
from database.migrate import apply_migrations
from messaging import KafkaSettings
from messaging.codec import encode_event
from messaging.kafka.admin import create_topics
from support.postgres import EmbeddedServer
from support.service_process import ServiceProcess, service_process

PATIENCE_S: Final = 600.0
LOOK_S: Final = 0.05
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
DATABASE: Final = "bench"


@dataclass(slots=True)
class Spent:
    """Time and CPU used, summed over several stretches.

    Attributes:
        wall_s: seconds in which the service was at work.
        service_cpu_s: CPU seconds of the service.
        database_cpu_s: CPU seconds of PostgreSQL, all its processes together.
    """

    wall_s: float = 0.0
    service_cpu_s: float = 0.0
    database_cpu_s: float = 0.0

    @property
    def cpu_s(self) -> float:
        """CPU seconds in all."""
        return self.service_cpu_s + self.database_cpu_s


@dataclass(slots=True)
class Storing:
    """The running persistence service.

    Attributes:
        kafka: its broker and prefix.
        service: its process.
        database: a connection to its database.
        postmaster: the process id of its PostgreSQL.
        spent: what it has taken so far.
    """

    kafka: KafkaSettings
    service: ServiceProcess
    database: asyncpg.Connection[asyncpg.Record]
    postmaster: int
    spent: Spent = field(default_factory=Spent)

    async def publish(self, events: Iterable[Event]) -> None:
        """Put events on their topics while the service stands still, as if it had been away."""
        with self._halted():
            sending = []
            async with producer(self.kafka) as bare:
                for one in events:
                    key, value, headers = encode_event(one, source="/bench")
                    topic = self.kafka.topic(get_event_topic(type(one)).name)
                    sending.append(await bare.send(topic, value, key=key, headers=headers))
                for sent in sending:
                    await sent

    async def work_until(self, query: str, number: int) -> float:
        """Let it work until a count has reached a number; how many seconds that took."""
        cpu, began = self._cpu(), time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            while await self.database.fetchval(query) < number:  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(LOOK_S)
        took = time.monotonic() - began
        after = self._cpu()
        self.spent.wall_s += took
        self.spent.service_cpu_s += after[0] - cpu[0]
        self.spent.database_cpu_s += after[1] - cpu[1]
        return took

    async def set_aside(self) -> int:
        """How many messages went to a retry topic or became dead letters."""
        consumer = AIOKafkaConsumer(**self.kafka.client_options())
        await consumer.start()
        try:
            tiers = (
                build_retry_topic(PERSISTENCE, tier).name for tier in range(len(RETRY_DELAYS_S))
            )
            topics = [self.kafka.topic(one) for one in (*tiers, build_dlq_topic(PERSISTENCE).name)]
            partitions = [
                TopicPartition(topic, partition)
                for topic in topics
                for partition in consumer.partitions_for_topic(topic) or {0}
            ]
            return sum((await consumer.end_offsets(partitions)).values())
        finally:
            await consumer.stop()

    @contextmanager
    def _halted(self) -> Iterator[None]:
        os.kill(self.service.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.service.pid, signal.SIGCONT)

    def _cpu(self) -> tuple[float, float]:
        database = sum(map(_cpu_s, (self.postmaster, *_children(self.postmaster))))
        return _cpu_s(self.service.pid), database


STORED: Final = "SELECT count(*) FROM chunks WHERE stored_at IS NOT NULL"
INTERVIEWS: Final = "SELECT count(*) FROM transcripts"
HANDLED: Final = """
SELECT (SELECT count(*) FROM drafts) + (SELECT count(*) FROM pending_drafts)
"""


@asynccontextmanager
async def storing(lab: Lab) -> AsyncIterator[Storing]:
    """Start the service with its own topics and database."""
    kafka = await lab.fresh()
    await create_topics(kafka, [TRANSCRIPTS_INGESTED])
    server = EmbeddedServer()
    try:
        await server.arun(f"CREATE DATABASE {DATABASE}")
        await apply_migrations(server.settings(DATABASE))
        postmaster = await _postmaster(server)
        with tempfile.TemporaryDirectory(prefix="onrecord-bench-") as folder:
            env = {
                "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
                "KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
                "POSTGRES_DSN": server.address(DATABASE),
            }
            with service_process(PERSISTENCE, env, Path(folder)) as service:
                await service.is_ready()
                database = await asyncpg.connect(server.address(DATABASE))
                try:
                    yield Storing(kafka, service, database, postmaster)
                finally:
                    await database.close()
    finally:
        server.destroy()


async def _postmaster(server: EmbeddedServer) -> int:
    connection = await asyncpg.connect(server.address(DATABASE))
    try:
        folder = await connection.fetchval("SHOW data_directory")
    finally:
        await connection.close()
    written = await asyncio.to_thread(Path(folder, "postmaster.pid").read_text)
    return int(written.split()[0])


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in path.read_text().split()]


def _cpu_s(pid: int) -> float:
    """By proc(5): user and system time, with that of children which have ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0.0  # its time is among its parent's
    ticks = text.rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) / TICKS_A_SECOND
