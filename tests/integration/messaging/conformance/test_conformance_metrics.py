"""What a stage does with its messages is counted: in, handled by outcome, retries, pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from contracts.errors import BadMessageError, OutageError, RetryableError
from contracts.events import Event
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import DISCARDED, Record
from support.broker import PROBE, QUICK
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS)

Since = Callable[..., float]


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"service": PROBE, **labels}) or 0.0


@pytest.fixture
def since() -> Since:
    """How much a metric has grown since the test looked at it first."""
    before: dict[str, float] = {}

    def look(name: str, **labels: str) -> float:
        key = f"{name}{sorted(labels.items())}"
        now = value(name, **labels)
        return now - before.setdefault(key, now)

    return look


def handled(since: Since) -> dict[str, float]:
    outcomes = ("done", "retried", "dead", "discarded", "outage")
    return {one: since("onrecord_messages_handled_total", outcome=one) for one in outcomes}


@proves("promise 11")
async def test_messages_count_as_received_and_by_how_they_ended(
    backend: Brokered, since: Since
) -> None:
    stage, failures = Stage(PROBE), {b"bad": BadMessageError, b"again": RetryableError}

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        if (error := failures.get(record.value or b"")) is not None:
            raise error("no")

    received = "onrecord_messages_received_total"
    names = ("onrecord_handling_seconds_count", "onrecord_queue_wait_seconds_count")

    def counted() -> tuple[float, ...]:
        return (
            since(received, topic="chunks-ready"),
            since(received, topic="probe-retry-1"),
            since("onrecord_retries_total", tier="1"),
            since("onrecord_retries_total", tier="2"),
            *map(since, names),
        )

    counted()
    handled(since)
    quick = QUICK.model_copy(update={"retry_delays_s": (0.05, 0.05), "tries": 1})
    async with backend.running(stage, quick):
        await backend.send("chunks-ready", b"good", b"bad", b"again", b"good")
        await backend.records("probe-dlq", 2)
        await backend.is_committed("chunks-ready", 4)
    # Of "again": one delivery from its own topic, and one from each of two retry topics.
    assert counted() == (4, 1, 1, 1, 6, 6)
    assert handled(since) == {"done": 2, "retried": 2, "dead": 2, "discarded": 0, "outage": 0}
    assert value("onrecord_last_success_timestamp_seconds") > 0


@proves("promise 11")
async def test_a_pause_counts_once_and_each_try_in_it_as_an_outage(
    backend: Brokered, since: Since
) -> None:
    stage, tries = Stage(PROBE), 0

    @stage.on_raw(CHUNKS_READY)
    async def handle(_: Record) -> None:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise OutageError("away")

    def pauses() -> float:
        return since("onrecord_stage_pauses_total", reason="kafka_unavailable")

    pauses()
    handled(since)
    async with backend.running(stage):
        await backend.send("chunks-ready", b"1")
        await backend.is_committed("chunks-ready", 1)
    assert pauses() == 1
    assert handled(since) == {"done": 1, "retried": 0, "dead": 0, "discarded": 0, "outage": 3}


@proves("promise 11")
async def test_rebalances_and_what_they_moved_are_counted(
    wide_backend: Brokered, since: Since
) -> None:
    def changes() -> tuple[float, float]:
        name = "onrecord_partition_changes_total"
        return since(name, change="gained"), since(name, change="lost")

    def rebalances() -> float:
        return since("onrecord_rebalances_total")

    changes()
    rebalances()
    stage = Stage(PROBE)

    @stage.on_raw(CHUNKS_READY)
    async def handle(_: Record) -> None:
        await asyncio.sleep(0)

    first = wide_backend.replica("first", stage)
    try:
        await first.is_ready()
        gained, lost = changes()
        assert (gained > 4, lost, rebalances() >= 1) == (True, 0, True)
        second = wide_backend.replica("second", stage)
        try:
            await until(lambda: 0 < changes()[1] == changes()[0] - gained)
        finally:
            await second.kill()
    finally:
        await first.kill()


@proves("promise 11")
@pytest.mark.parametrize("machinery", [False, True])
async def test_a_message_that_its_handler_discards_counts_so(
    backend: Brokered, since: Since, *, machinery: bool
) -> None:
    stage = Stage(PROBE)

    @stage.on_raw(CHUNKS_READY)
    async def handle(_: Record) -> tuple[Event, ...]:
        return DISCARDED

    handled(since)
    async with backend.running(stage, machinery=machinery):
        await backend.send("chunks-ready", b"1", b"2")
        await backend.is_committed("chunks-ready", 2)
    assert handled(since) == {"done": 0, "retried": 0, "dead": 0, "discarded": 2, "outage": 0}
