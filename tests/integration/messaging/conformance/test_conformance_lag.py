"""How far a stage is behind, in messages, and in seconds as the oldest message's true age."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer
from structlog.testing import capture_logs

from contracts.errors import OutageError, RetryableError
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import Record
from messaging.consumer import lag
from messaging.consumer.lag import LagMonitor
from support.broker import PROBE, QUICK, RunningStage
from support.stages import Stage
from support.waiting import until
from telemetry.metrics_page import render_metrics

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS)

SOURCE = "chunks-ready"


def value(name: str, topic: str = "") -> float | None:
    """A metric of the test stage on the page; None if it is not there."""
    labels = f'service="{PROBE}"' + (f',topic="{topic}"' if topic else "")
    found = re.search(rf"^{name}{{{labels}}} (\S+)$", render_metrics().decode(), re.MULTILINE)
    return None if found is None else float(found[1])


async def send_aged(
    backend: Brokered, ages_s: Sequence[float], *, partition: int = 0, topic: str = SOURCE
) -> float:
    """Write a record for each age in seconds, each in a batch of its own; its value is its age.

    Returns:
        When they had these ages, in seconds since the epoch.
    """
    now_s = time.time()
    async with AIOKafkaProducer(**backend.kafka.client_options()) as producer:
        for age_s in ages_s:
            await producer.send_and_wait(
                backend.kafka.topic(topic),
                f"{age_s:g}".encode(),
                partition=partition,
                timestamp_ms=round(1000 * (now_s - age_s)),
            )
    return now_s


async def has_age(age_s: float, sent_at: float, topic: str = SOURCE) -> None:
    """Wait until the lag is the true age, within a second, of a message that was so old when sent.

    Args:
        age_s: how old it was then.
        sent_at: when it was sent, in seconds since the epoch.
        topic: where it waits.
    """

    def look() -> bool:
        lag_s = value("onrecord_lag_seconds", topic)
        return lag_s is not None and abs(lag_s - (time.time() - sent_at + age_s)) <= 1

    await until(look)


async def is_idle(topic: str = SOURCE) -> None:
    """Wait until nothing is unfinished in a topic."""
    await until(lambda: value("onrecord_lag_seconds", topic) == 0)
    assert value("onrecord_lag_messages", topic) == 0


class Holding:
    """A stage whose handler holds some messages until the test lets it go on."""

    def __init__(self, *held: bytes) -> None:
        self.stage = Stage(PROBE)
        self.go_on = asyncio.Event()
        self.done: list[bytes | None] = []

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            if not held or record.value in held:
                await self.go_on.wait()
            self.done.append(record.value)


@proves("promise 11")
async def test_an_idle_topic_has_no_lag_before_and_after_messages(backend: Brokered) -> None:
    holding = Holding(b"nothing")
    async with backend.running(holding.stage):
        await is_idle()
        await is_idle("probe-retry-1")
        await send_aged(backend, [3_600.0])
        await until(lambda: len(holding.done) == 1)
        await is_idle()


@proves("promise 11")
async def test_one_stuck_message_in_the_middle_is_the_oldest_while_others_pass(
    backend: Brokered,
) -> None:
    holding = Holding(b"70")
    async with backend.running(holding.stage):
        sent_at = await send_aged(backend, [90.0, 80.0, 70.0, 60.0, 50.0])
        await until(lambda: len(holding.done) == 4)
        await has_age(70.0, sent_at)
        assert value("onrecord_lag_messages", SOURCE) == 1
        assert value("onrecord_messages_in_flight") == 1
        holding.go_on.set()
        await is_idle()


@proves("promise 11")
async def test_messages_that_a_paused_stage_has_not_read_count_with_their_age(
    wide_backend: Brokered,
) -> None:
    backend, stage = wide_backend, Stage(PROBE)

    @stage.on_raw(CHUNKS_READY)
    async def handle(_: Record) -> None:
        raise OutageError("the model is away")

    # No probe is made in the test's time: it would be of a message that is read for it.
    patient = QUICK.model_copy(update={"outage_pause_s": 3_600.0, "outage_pause_max_s": 3_600.0})
    async with backend.running(stage, patient) as running:
        await send_aged(backend, [0.0])
        await running.says_ready(ready=False)
        await until(lambda: value("onrecord_lag_messages", SOURCE) == 1)
        sent_at = await send_aged(backend, [600.0, 300.0], partition=1)
        await send_aged(backend, [100.0], partition=2)
        await has_age(600.0, sent_at)
        await until(lambda: value("onrecord_lag_messages", SOURCE) == 4)
        paused = f'onrecord_stage_paused{{reason="kafka_unavailable",service="{PROBE}"}} 1.0'
        assert paused in render_metrics().decode()


@proves("promise 11")
async def test_what_came_while_nobody_consumed_counts_with_its_age(backend: Brokered) -> None:
    async with backend.running(Holding(b"nothing").stage):
        pass
    assert value("onrecord_lag_seconds", SOURCE) is None, "a stage that does not consume has no lag"
    sent_at = await send_aged(backend, [200.0, 100.0])
    holding = Holding()
    async with backend.running(holding.stage):
        await has_age(200.0, sent_at)
        holding.go_on.set()
        await is_idle()


@proves("promise 11")
async def test_a_message_that_waits_for_its_retry_counts_since_it_was_first_sent(
    backend: Brokered,
) -> None:
    stage, failed = Stage(PROBE), False

    @stage.on_raw(CHUNKS_READY)
    async def handle(_: Record) -> None:
        nonlocal failed
        failed = True
        raise RetryableError("once more")

    slow = QUICK.model_copy(update={"retry_delays_s": (3_600.0,), "tries": 1})
    async with backend.running(stage, slow):
        sent_at = await send_aged(backend, [500.0])
        await until(lambda: failed)
        await has_age(500.0, sent_at, "probe-retry-1")
        await is_idle()
        assert value("onrecord_lag_messages", "probe-retry-1") == 1


@proves("promise 11")
async def test_a_partition_that_moves_leaves_no_value_with_its_old_owner(
    wide_backend: Brokered,
) -> None:
    backend = wide_backend
    holding = Holding()
    quick = QUICK.model_copy(update={"revoke_drain_s": 0.1})
    for partition in range(4):
        await send_aged(backend, [100.0 * (1 + partition)], partition=partition)
    first = backend.replica("first", holding.stage, quick)
    second: RunningStage | None = None
    name = backend.kafka.topic(SOURCE)

    def messages(one: RunningStage) -> int:
        return 0 if one.consumption is None else one.consumption.lag.messages(name)

    def ages(one: RunningStage) -> float:
        return 0.0 if one.consumption is None else one.consumption.lag.age_s(name)

    try:
        await until(lambda: messages(first) == 4)
        second = backend.replica("second", Holding().stage, quick)
        other = second
        await until(lambda: (messages(first), messages(other)) == (2, 2), within_s=60)
        # The oldest of all is with one of them only.
        assert sum(age_s >= 400 for age_s in (ages(first), ages(other))) == 1
        assert value("onrecord_lag_messages", SOURCE) == 4
        assert value("onrecord_partitions_held", SOURCE) == 4
    finally:
        holding.go_on.set()
        await first.kill()
        if second is not None:
            await second.kill()


@proves("promise 11")
async def test_metrics_that_break_cost_their_own_lines_and_stop_nothing(
    backend: Brokered, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> float:
        raise ZeroDivisionError

    looks = 0

    async def look(*_: object) -> None:
        nonlocal looks
        looks += 1
        raise ZeroDivisionError

    monkeypatch.setattr(LagMonitor, "age_s", fails)
    monkeypatch.setattr(LagMonitor, "look", look)
    monkeypatch.setattr(lag, "LOOK_S", 0.01)
    holding = Holding(b"nothing")
    async with backend.running(holding.stage) as running:
        await until(lambda: looks > 1)
        consumption = running.consumption
        await send_aged(backend, [10.0])
        with capture_logs() as logs:
            await until(lambda: len(holding.done) == 1)
            assert value("onrecord_lag_seconds", SOURCE) is None
            assert value("onrecord_lag_messages", SOURCE) is not None
        assert running.consumption is consumption
        assert running.health.ready
    failed = {one["metric"] for one in logs if one["event"] == "metric_failed"}
    assert failed <= {"onrecord_lag_seconds"}  # said once a minute, perhaps by a test before
