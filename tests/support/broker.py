"""What tests do with a broker: a stage at work in this process, records in, records out."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from itertools import count, islice
from pathlib import Path
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import (
    CHUNKS_READY,
    NOTES_STORED,
    TRANSCRIPTS_SUBMITTED,
    Topic,
    build_dlq_topic,
    build_retry_topic,
)
from local_stack.probes import is_port_free
from local_stack.processes import Process, start_process
from local_stack.resolve import PORTS
from messaging import KafkaRouter, KafkaSettings, Publisher, ServiceApplication, StageSettings
from messaging.consumer.consumer import StageConsumer
from messaging.delivery import Headers
from messaging.kafka.admin import create_topics, open_admin_client, wait_for_broker
from messaging.runtime.health import ServiceHealth
from support.data_folders import make_data_folder
from support.on_faststream import application_of, broker_of, broker_with
from support.stages import Stage
from support.waiting import eventually, until

MACHINERY: Final = os.environ.get("ONRECORD_TEST_MACHINERY") == "1"
"""Whether the stages of tests take FastStream's own way; a switch, for a run of all of them."""

PORT_CLAIMS: Final = Path(tempfile.gettempdir()) / f"onrecord-test-ports-{os.getuid()}"
"""Lock files of the ports that a user's tests have taken, whatever the checkout."""

PROBE: Final = "probe"
"""The service the test stages belong to."""

QUICK: Final = StageSettings(
    max_in_flight=8,
    deadline_s=5.0,
    tries=2,
    retry_wait_s=0.01,
    retry_delays_s=(0.2, 0.4),
    outage_pause_s=0.05,
    outage_pause_max_s=0.2,
    commit_interval_s=0.05,
    drain_grace_s=5.0,
    revoke_drain_s=1.0,
)

_numbers = count(1)


def fresh_prefix(servers: str) -> KafkaSettings:
    """Settings under which topics and groups are a test's own."""
    return KafkaSettings(
        bootstrap_servers=servers, topic_prefix=f"t{next(_numbers)}-", session_timeout_ms=6_000
    )


def probe_topics(partitions: int = 1) -> tuple[Topic, ...]:
    """Everything the test stages read and write."""
    own = (*(build_retry_topic(PROBE, tier) for tier in range(4)), build_dlq_topic(PROBE))
    declared = (CHUNKS_READY, TRANSCRIPTS_SUBMITTED, NOTES_STORED, *own)
    return tuple(replace(topic, partitions=partitions) for topic in declared)


class Bench:
    """One test's topics on a broker, and the stages it runs on them."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka

    async def send(
        self,
        topic: str,
        *values: bytes | None,
        key: bytes | None = None,
        headers: Headers = (),
    ) -> None:
        """Write records as any producer might, in order."""
        async with Publisher(self.kafka, source="/test") as publisher:
            for value in values:
                await publisher.forward(topic, key, value, headers)

    async def records(self, topic: str, number: int, *, within_s: float = 20.0) -> list[Any]:
        """The first records of a topic, as aiokafka gives them, once there are so many."""
        found: list[Any] = []
        async with self._reader(topic) as consumer, asyncio.timeout(within_s):
            while len(found) < number:
                batches = await consumer.getmany(timeout_ms=100)
                found += [record for batch in batches.values() for record in batch]
        assert len(found) == number
        return found

    @asynccontextmanager
    async def _reader(self, topic: str) -> AsyncIterator[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            name = self.kafka.topic(topic)
            await consumer._client.force_metadata_update()
            async with open_admin_client(self.kafka) as admin:
                described = await admin.describe_topics([name])
            partitions = [part["partition"] for part in described[0]["partitions"]]
            consumer.assign([TopicPartition(name, partition) for partition in partitions])
            yield consumer
        finally:
            await consumer.stop()

    async def size(self, topic: str) -> int:
        """How many records a topic has."""
        async with self._reader(topic) as consumer:
            ends = await consumer.end_offsets(list(consumer.assignment()))
        return sum(ends.values())

    async def committed(self, topic: str, service: str = PROBE) -> int:
        """How many records of a topic a service's group has behind it."""
        async with open_admin_client(self.kafka) as admin:
            offsets = await admin.list_consumer_group_offsets(self.kafka.topic(service))
        name = self.kafka.topic(topic)
        return sum(
            max(0, committed.offset) for place, committed in offsets.items() if place.topic == name
        )

    async def is_committed(self, topic: str, number: int, service: str = PROBE) -> None:
        """Wait until a service's group has so many records of a topic behind it."""

        async def look() -> bool:
            return await self.committed(topic, service) == number

        await until(look, within_s=40)

    @asynccontextmanager
    async def serving(
        self,
        service: str,
        router: KafkaRouter,
        settings: StageSettings,
        **context: Any,
    ) -> AsyncIterator[RunningApplication]:
        """A service's own handlers at work, with what they take from the context."""
        broker = broker_with(service, router, settings, self.kafka, **context)
        running = RunningApplication(ServiceApplication(broker))
        try:
            await running.is_ready()
            yield running
        finally:
            await running.stop()

    @asynccontextmanager
    async def running(
        self, stage: Stage, settings: StageSettings = QUICK, **more: Any
    ) -> AsyncIterator[RunningStage]:
        """A stage at work, until the context ends; it is then stopped as by SIGTERM."""
        running = RunningStage(self.kafka, stage, settings, **more)
        try:
            await running.is_ready()
            yield running
        finally:
            await running.stop()


class RunningApplication:
    """A service's whole life in a task of the test.

    Args:
        app: the service.
    """

    def __init__(self, app: ServiceApplication) -> None:
        self.broker = app.service
        self.task = asyncio.create_task(app.run())

    @property
    def health(self) -> ServiceHealth:
        """What ``/readyz`` would say."""
        return self.broker.health

    @property
    def consumption(self) -> StageConsumer | None:
        """The consumer at work, if one is."""
        supervisor = self.broker.supervisor
        return supervisor.consumption if supervisor is not None else None

    async def is_ready(self) -> None:
        """Wait until ``/readyz`` would say so."""
        await self.says_ready(ready=True)

    async def says_ready(self, *, ready: bool) -> str:
        """Wait until readiness is as given; the reason that goes with it."""
        await until(lambda: self.task.done() or self.health.ready is ready)
        if self.task.done():
            self.task.result()
        return self.health.reason

    def ask_to_stop(self) -> None:
        """What SIGTERM does."""
        if not self.task.done():
            self.broker.begin_to_stop()

    async def stop(self) -> None:
        """Stop as by SIGTERM and wait for the end."""
        self.ask_to_stop()
        async with asyncio.timeout(30):
            await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()

    async def kill(self) -> None:
        """End it as a crash would: nothing is finished, nothing committed."""
        consumption = self.consumption
        assert consumption is not None

        async def nothing() -> None: ...

        consumption.commit = nothing  # type: ignore[method-assign]  # a crash commits nothing
        await self.broker.abort()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class RunningStage(RunningApplication):
    """A stage of a test's own as a service.

    Args:
        kafka: how to reach the broker.
        stage: the handlers.
        settings: of the window, deadlines and retries.
        wrap: is given the publisher before anything is consumed.
        machinery: whether messages take FastStream's own way.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        stage: Stage,
        settings: StageSettings,
        wrap: Callable[[Publisher], None] = lambda _: None,
        *,
        machinery: bool = MACHINERY,
    ) -> None:
        broker = broker_of(stage, settings, kafka, machinery=machinery)
        super().__init__(application_of(broker, stage, wrap))


def free_port() -> int:
    """A port of this machine that nobody listens on.

    Outgoing connections do not get it, so that what listens there can be stopped and started again.
    """
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """So many different ports of the kind that ``free_port`` gives."""
    candidates = random.SystemRandom().sample(PORTS, len(PORTS))
    return list(islice((one for one in candidates if is_port_free(one) and _claim(one)), number))


def _claim(port: int) -> bool:
    """Keep a port from the tests of other processes for the life of this one.

    A broker that is down between two starts does not listen: its port looks free to others.
    """
    PORT_CLAIMS.mkdir(exist_ok=True)
    claim = os.open(PORT_CLAIMS / str(port), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        return False
    return True  # the file stays open: the lock ends with the process


class RestartableBroker(Protocol):
    """A broker that a test may stop and start again on the same data and port."""

    @property
    def servers(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class OwnBroker:
    """An embedded broker that a test may stop and start again on the same data.

    It ends when the tests do, in whatever way (Linux).

    Args:
        folder: where its data and log go.
        port: where clients reach it; 0 for any free one.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder
        self._port = port or free_port()
        self._process: Process | None = None

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        spec = find_spec("noida_db")
        assert spec is not None
        assert spec.origin is not None
        program = Path(spec.origin).with_name("noida-db")
        options = f"--only kafka --data-dir {self._folder} --kafka-port {self._port}".split()
        self._process = start_process(
            [str(program), "start", *options],
            env=os.environ,
            log=self._folder / "broker.log",
            die_with_us=signal.SIGKILL,
            record=lambda _: None,  # nobody else has to find it
        )

    def stop(self) -> None:
        """End it; it saves its data before it is gone."""
        if self._process is not None:
            process, self._process = self._process, None
            process.signal(signal.SIGTERM)
            eventually(lambda: not process.alive())


@contextmanager
def embedded_broker() -> Iterator[OwnBroker]:
    """A running embedded broker of the test's own."""
    folder = make_data_folder("onrecord-broker-")
    broker = OwnBroker(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def bench_on(servers: str, topics: Sequence[Topic], *, replication: int = 1) -> Bench:
    """A bench with the given topics under a prefix of its own."""
    kafka = fresh_prefix(servers)
    await wait_for_broker(kafka, 20)
    await create_topics(kafka, topics, replication=replication)
    return Bench(kafka)
