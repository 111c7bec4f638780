"""What a stage does while the broker is away, or is not what the stage needs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import httpx2
import pytest
from aiokafka.errors import KafkaError

from contracts.topics import (
    CHUNKS_READY,
    TRANSCRIPTS_SUBMITTED,
    Topic,
    build_dlq_topic,
    build_retry_topic,
)
from messaging import KafkaSettings, KafkaUnavailableError, Publisher, Record
from messaging.delivery import Headers
from messaging.kafka import broker_monitor
from messaging.kafka.admin import (
    create_topics,
    disable_topic_auto_creation,
    open_admin_client,
)
from messaging.producer.publisher import RecordTooLargeError
from support.broker import (
    PROBE,
    QUICK,
    Bench,
    RestartableBroker,
    RunningStage,
    bench_on,
    free_port,
    fresh_prefix,
    probe_topics,
)
from support.http_client import http_client
from support.stages import Stage
from support.waiting import until


def counting_stage() -> tuple[Stage, list[bytes | None]]:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)

    return stage, seen


async def readiness(port: int) -> tuple[int, dict[str, object]] | None:
    try:
        async with http_client() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
    except httpx2.TransportError:
        return None
    return answer.status_code, answer.json()


async def test_says_which_topics_are_missing_and_begins_once_they_are_there(broker: str) -> None:
    kafka, port = fresh_prefix(broker), free_port()
    *there, missing = probe_topics()
    await create_topics(kafka, there)
    stage, _ = counting_stage()
    running = RunningStage(kafka, stage, QUICK.model_copy(update={"http_port": port}))
    try:

        async def told() -> tuple[int, dict[str, object]] | None:
            answer = await readiness(port)
            return answer if answer and "missing" in str(answer) else None

        status, body = await until(told)
        assert status == 503
        assert kafka.topic("probe-retry-0") not in str(body["reason"])
        # The DLQ is written, not read: its absence is found out too.
        assert kafka.topic(missing.name) in str(body["reason"])
        await create_topics(kafka, [missing])
        await running.is_ready()
        assert await readiness(port) == (200, {"ready": True, "reason": "", "detail": ""})
    finally:
        await running.stop()


async def test_waits_for_a_broker_that_is_not_there_and_can_be_stopped() -> None:
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    running = RunningStage(kafka, counting_stage()[0], QUICK)
    await until(lambda: "kafka" in running.health.reason.lower())
    assert not running.health.ready
    await running.stop()


@pytest.mark.long
async def test_stops_in_a_few_seconds_while_the_broker_is_gone(
    own_broker: RestartableBroker,
) -> None:
    bench = await bench_on(own_broker.servers, probe_topics())
    stage, seen = counting_stage()
    await bench.send("chunks-ready", b"1")
    rarely = QUICK.model_copy(update={"commit_interval_s": 3_600.0})
    async with bench.running(stage, rarely):
        await until(lambda: seen)
        await asyncio.to_thread(own_broker.stop)


async def test_a_record_too_large_for_its_topic_is_said_so_and_the_next_goes_through(
    bench: Bench,
) -> None:
    headers: Headers = ()
    async with Publisher(
        bench.kafka.model_copy(update={"compression": "none"}), source="/test"
    ) as publisher:
        with pytest.raises(RecordTooLargeError):
            await publisher.forward("chunks-ready", b"k", b"x" * 9 * 1024 * 1024, headers)
        async with asyncio.timeout(20):
            await publisher.forward("chunks-ready", b"k", b"small", headers)
    (record,) = await bench.records("chunks-ready", 1)
    assert record.value == b"small"


async def test_a_publisher_without_broker_says_so() -> None:
    nobody = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    with pytest.raises(KafkaUnavailableError, match="KAFKA_BOOTSTRAP_SERVERS"):
        async with Publisher(nobody, source="/test"):
            pass


async def delete_topic(bench: Bench, topic: Topic) -> None:
    name = bench.kafka.topic(topic.name)
    async with open_admin_client(bench.kafka) as admin:
        await admin.delete_topics([name])

        async def is_gone() -> bool:
            return name not in await admin.list_topics()

        await until(is_gone)


async def bench_without_auto_creation(servers: str, topics: Sequence[Topic]) -> Bench:
    """Return a bench on a broker that creates no topic by itself, as installations have it."""
    bench = await bench_on(servers, topics)
    with suppress(KafkaError):  # Apache Kafka has it in its configuration
        await disable_topic_auto_creation(bench.kafka)
    return bench


@pytest.mark.long
async def test_a_topic_deleted_meanwhile_is_named_and_waited_for(
    own_broker: RestartableBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_monitor, "CHECK_INTERVAL_S", 0.5)
    bench = await bench_without_auto_creation(own_broker.servers, probe_topics())
    stage, seen = counting_stage()
    async with bench.running(stage) as running:
        for topic in (CHUNKS_READY, build_retry_topic(PROBE, 1), build_dlq_topic(PROBE)):
            await delete_topic(bench, topic)
            name = bench.kafka.topic(topic.name)
            said = f"topics are missing: {name}; run `python -m messaging topics create`"
            reasons = set[str]()

            def is_waiting(said: str = said, reasons: set[str] = reasons) -> bool:
                reasons.add(running.health.reason)
                return running.health.reason == said and running.consumption is None

            await until(is_waiting, within_s=40)
            assert reasons <= {"", "joining the consumer group", said}
            await create_topics(bench.kafka, [replace(topic, partitions=1)])
            await running.is_ready()
            value = topic.name.encode()
            await bench.send(CHUNKS_READY.name, value)
            await until(partial(seen.__contains__, value), within_s=40)


@pytest.mark.long
async def test_a_stage_goes_on_without_an_optional_topic_and_reads_it_once_it_is_there(
    own_broker: RestartableBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_monitor, "CHECK_INTERVAL_S", 0.5)
    others = [topic for topic in probe_topics() if topic.name != TRANSCRIPTS_SUBMITTED.name]
    bench = await bench_without_auto_creation(own_broker.servers, others)
    stage = Stage(PROBE, optional_topics=[TRANSCRIPTS_SUBMITTED.name])
    seen = list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    @stage.on_raw(TRANSCRIPTS_SUBMITTED)
    async def handle(record: Record) -> None:
        seen.append(record.value)

    name = bench.kafka.topic(TRANSCRIPTS_SUBMITTED.name)
    said = f"topics are missing: {name}; run `python -m messaging topics create`"
    async with bench.running(stage) as running:
        for number in (b"1", b"2"):
            await until(lambda: running.health.ready and running.health.detail == said, within_s=40)
            await bench.send(CHUNKS_READY.name, b"beside " + number)
            await until(partial(seen.__contains__, b"beside " + number), within_s=40)
            await create_topics(bench.kafka, [TRANSCRIPTS_SUBMITTED])
            await until(lambda: running.health.ready and not running.health.detail, within_s=40)
            await bench.send(TRANSCRIPTS_SUBMITTED.name, b"there " + number)
            await until(partial(seen.__contains__, b"there " + number), within_s=40)
            await delete_topic(bench, TRANSCRIPTS_SUBMITTED)
