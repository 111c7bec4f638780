"""A cluster of three brokers that are killed, lose their quorum and stand still, under load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

import pytest
from aiokafka.errors import KafkaError

from messaging import KafkaUnavailableError, Publisher
from messaging.kafka import broker_monitor
from messaging.kafka.admin import open_admin_client
from support.apache_kafka import ApacheKafka, own_cluster, start_together
from support.broker import PROBE, Bench, RunningStage, bench_on, probe_topics
from support.missing import require_kafka_jars
from support.waiting import until
from support.workload import Workload

BROKERS: Final = 3
PATIENCE_S: Final = 90.0
"""How long each turn may take on a machine that has much else to do, in seconds."""

FENCING: Final = ("broker.session.timeout.ms=4000", "broker.heartbeat.interval.ms=500")
"""The controller takes a silent broker's partitions from it sooner than after Kafka's 9 s."""

AT_ONCE: Final = 50
"""Messages that are sent around each trouble, and as many more before the first."""

DONE_TWICE_AT_MOST: Final = AT_ONCE
"""Messages done again for each trouble: those sent around it, as commits may fail meanwhile."""


class Cluster:
    """Three brokers, and what their metadata says of them.

    Args:
        brokers: in the order of their node ids.
        bench: the topics.
    """

    def __init__(self, brokers: tuple[ApacheKafka, ...], bench: Bench) -> None:
        self.brokers = brokers
        self._bench = bench

    async def ask(self, question: Callable[[Any], Awaitable[Any]]) -> Any:
        """Put a question to an admin client of whoever answers; None while nobody does."""
        with suppress(KafkaError, KafkaUnavailableError, TimeoutError):
            async with asyncio.timeout(10), open_admin_client(self._bench.kafka) as admin:
                return await question(admin)

    async def is_in_sync(self) -> None:
        """Wait until each partition has all its copies."""
        names = [self._bench.kafka.topic(one.name) for one in probe_topics()]

        async def copies(admin: Any) -> bool:
            topics = await admin.describe_topics([*names, "__consumer_offsets"])
            parts = [topic["partitions"] for topic in topics]
            return all(parts) and all(len(one["isr"]) == BROKERS for some in parts for one in some)

        await until(lambda: self.ask(copies), within_s=PATIENCE_S)

    async def has_fenced(self, broker: ApacheKafka) -> None:
        """Wait until the controller counts a broker among the lost."""

        async def fenced(admin: Any) -> bool:
            nodes = (await admin.describe_cluster())["brokers"]
            return broker.node not in {node["node_id"] for node in nodes}

        await until(lambda: self.ask(fenced), within_s=PATIENCE_S)

    async def coordinator(self) -> ApacheKafka:
        """The broker that coordinates the stage's group."""
        group = self._bench.kafka.topic(PROBE)
        node: int = await until(lambda: self.ask(lambda admin: admin.find_coordinator(group)))
        return self.brokers[node - 1]


@pytest.fixture
def brokers() -> Iterator[tuple[ApacheKafka, ...]]:
    require_kafka_jars()
    with own_cluster(BROKERS, FENCING) as running:
        yield running


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_nothing_is_lost_by_kills_a_lost_quorum_and_a_frozen_broker(
    brokers: tuple[ApacheKafka, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_monitor, "CHECK_INTERVAL_S", 1.0)
    servers = ",".join(broker.servers for broker in brokers)
    bench = await bench_on(servers, probe_topics(partitions=3), replication=BROKERS)
    work, cluster = Workload(bench, patience_s=PATIENCE_S), Cluster(brokers, bench)
    async with (
        Publisher(bench.kafka, source="/test") as publisher,
        bench.running(work.stage) as running,
    ):
        await work.send(publisher, AT_ONCE)
        await work.has_handled(AT_ONCE)

        async def amid_work(trouble: Callable[[], Awaitable[None]]) -> None:
            await cluster.is_in_sync()
            before = len(work.handled)
            sending = asyncio.create_task(work.send(publisher, AT_ONCE))
            try:
                await work.has_handled(before + AT_ONCE // 4)
                await trouble()
                async with asyncio.timeout(PATIENCE_S):
                    await sending
            finally:
                sending.cancel()
            await work.has_handled(work.sent)

        for broker in brokers:
            await amid_work(partial(kill_and_restart, broker))
        await amid_work(partial(lose_quorum, brokers[:2], running))
        await amid_work(partial(freeze, cluster, bench.kafka.session_timeout_ms / 1000))
        await work.is_done()
        assert await bench.size(f"{PROBE}-dlq") == 0
        await until(lambda: running.health.ready, within_s=PATIENCE_S)
    troubles = len(brokers) + 2
    assert work.handled.total() <= work.sent + troubles * DONE_TWICE_AT_MOST


async def kill_and_restart(broker: ApacheKafka) -> None:
    await asyncio.to_thread(broker.kill)
    await asyncio.to_thread(broker.start)


async def lose_quorum(lost: tuple[ApacheKafka, ...], running: RunningStage) -> None:
    """Kill most of the brokers, see that the stage says so, and start them again."""
    for broker in lost:
        await asyncio.to_thread(broker.kill)

    def says_so() -> bool:
        return not running.health.ready and "kafka_unavailable" in running.health.reason

    await until(says_so, within_s=PATIENCE_S)
    await asyncio.to_thread(start_together, lost)
    await until(lambda: running.health.ready, within_s=PATIENCE_S)


async def freeze(cluster: Cluster, session_s: float) -> None:
    """Have the group's coordinator stand still for longer than any session with it lasts."""
    broker = await cluster.coordinator()
    frozen_at = time.monotonic()
    broker.freeze()
    try:
        await cluster.has_fenced(broker)
        await until(lambda: time.monotonic() > frozen_at + session_s, within_s=PATIENCE_S)
    finally:
        broker.thaw()
