"""What a stage does while the broker is away, or is not what the stage needs."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from contracts.topics import CHUNKS_READY
from messaging import KafkaSettings, KafkaUnavailableError, Publisher, Record
from messaging.delivery import Headers
from messaging.kafka.admin import create_topics
from messaging.producer.publisher import RecordTooLargeError
from messaging.stage import Stage
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
