"""Nobody is starved: not by a huge interview, a hanging key, a backlog, or messages that wait.

Order is told by counting what begins in between, so that a slow machine changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import pytest

from contracts import headers as h
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.failing import in_ms, waiting
from messaging import Publisher, Record
from messaging.consumer.consumer import StageConsumer
from messaging.delivery import Delivery, Headers, MessageOrigin, append_headers, build_retry_headers
from support.broker import PROBE, QUICK, RunningStage
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.CONCURRENCY, Ability.COMMITS)

HUGE: Final = 1_560
"""Chunks of an interview of 20 MB."""
PATIENT: Final = QUICK.model_copy(update={"deadline_s": 3_600.0, "max_in_flight": 4})
MEGABYTE: Final = 1024 * 1024


class Gated:
    """A stage whose handlers end one by one, as the test lets them.

    Attributes:
        begun: values in the order in which their handlers began.
        hang: values whose handlers never end.
    """

    def __init__(self) -> None:
        self.stage = Stage(PROBE)
        self.begun: list[bytes] = []
        self.hang: set[bytes] = set()
        self._gate = asyncio.Semaphore(0)
        self._never = asyncio.Event()

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            assert record.value is not None
            self.begun.append(record.value[:20])
            if record.value in self.hang:
                await self._never.wait()
            else:
                await self._gate.acquire()

    def let_end(self, number: int) -> None:
        for _ in range(number):
            self._gate.release()

    def let_all_end(self) -> None:
        self.let_end(1_000_000)
        self._never.set()


def consumption_of(running: RunningStage) -> StageConsumer:
    consumption = running.consumption
    assert consumption is not None
    return consumption


def subject(name: bytes) -> Headers:
    return ((h.TRANSCRIPT_ID, name),)


async def send_in_order(backend: Brokered, topic: str, values: list[bytes], more: Headers) -> None:
    """Write many records quickly; they keep their order within a partition."""
    async with Publisher(backend.kafka, source="/test") as publisher:
        sending = [
            asyncio.ensure_future(publisher.forward(topic, None, value, more)) for value in values
        ]
        await asyncio.gather(*sending)


@proves("promise 2")
async def test_a_small_interview_comes_past_a_huge_one_in_front_of_it(backend: Brokered) -> None:
    gated = Gated()
    huge = [b"huge %d" % n for n in range(HUGE)]
    await send_in_order(backend, "chunks-ready", huge, subject(b"huge"))
    await backend.send("chunks-ready", b"small 0", b"small 1", headers=subject(b"small"))
    async with backend.running(gated.stage, PATIENT) as running:
        await until(lambda: len(gated.begun) == 4)
        window = consumption_of(running).window
        await until(lambda: window.waiting == HUGE + 2 - 4, within_s=40)
        gated.let_end(2)
        await until(lambda: len(gated.begun) == 6)
        assert gated.begun[4:] == [b"small 0", b"small 1"]
        gated.let_all_end()
        await backend.is_committed("chunks-ready", HUGE + 2)
    assert len(gated.begun) == HUGE + 2


@proves("promise 2")
async def test_a_partition_comes_past_the_backlog_of_another(wide_backend: Brokered) -> None:
    gated = Gated()
    tight = PATIENT.model_copy(update={"read_ahead": 100})
    for number in range(2_000):  # one key, one partition
        gated.hang.add(b"backlog %d" % number)
    async with Publisher(wide_backend.kafka, source="/test") as publisher:
        await asyncio.gather(
            *(
                publisher.forward("chunks-ready", b"a", b"backlog %d" % n, subject(b"%d" % (n % 7)))
                for n in range(2_000)
            )
        )
    async with wide_backend.running(gated.stage, tight) as running:
        await until(lambda: len(gated.begun) == 4)
        consumer = consumption_of(running)
        window = consumer.window
        (backlog,) = filter(window.is_busy, consumer.committer.partitions)
        await until(lambda: window.waiting > 40 and backlog not in consumer.fetcher.fetching())
        held = window.waiting
        await wide_backend.send("chunks-ready", b"other", key=b"e", headers=subject(b"other"))
        await until(lambda: window.waiting > held)
        gated.hang.clear()
        gated._never.set()
        gated.let_all_end()
        await until(lambda: b"other" in gated.begun)
        assert gated.begun.index(b"other") < 12
        await wide_backend.is_committed("chunks-ready", 2_001)


@proves("promise 2")
async def test_followers_of_a_hanging_key_take_no_places(backend: Brokered) -> None:
    gated = Gated()
    gated.hang = {b"hangs"}
    by_key = PATIENT.model_copy(update={"order": "key"})
    await backend.send("chunks-ready", b"hangs", *[b"follows"] * 50, key=b"a")
    for number in range(20):
        await backend.send("chunks-ready", b"passes %d" % number, key=b"k%d" % number)
    async with backend.running(gated.stage, by_key):
        gated.let_end(20)
        await until(lambda: len(gated.begun) == 21)
        assert b"follows" not in gated.begun
        gated.let_all_end()
        await backend.is_committed("chunks-ready", 71)


@proves("promise 2", "RetryableError")
@needs(Ability.DEAD_LETTERS)
@pytest.mark.parametrize("read_ahead", [10_000, 500])
async def test_a_retry_that_is_due_comes_past_the_backlog_of_its_source(
    backend: Brokered, read_ahead: int
) -> None:
    gated = Gated()
    number = 3_000
    settings = PATIENT.model_copy(update={"read_ahead": read_ahead})
    await backend.send_many("chunks-ready", [b"backlog %d" % n for n in range(number)])
    async with backend.running(gated.stage, settings) as running:
        await until(lambda: len(gated.begun) == 4)
        consumption = consumption_of(running)
        prefetch, window = consumption.fetcher.prefetch, consumption.window

        def is_read_as_far_as_may_be() -> bool:
            (own,) = (one for one in consumption.committer.partitions if prefetch.holds(one))
            return window.waiting == number - 4 or not prefetch.wants(own)

        await until(is_read_as_far_as_may_be, within_s=40)
        assert (window.waiting == number - 4) == (read_ahead > number)
        await backend.send("probe-retry-1", b"again", headers=waiting(0.4, 0))
        due = time.monotonic() + 0.4
        await until(lambda: prefetch.retried > prefetch.not_due, within_s=40)
        assert time.monotonic() - due < 1.0, "nothing else runs here, so it is fetched at once"
        gated.let_end(2)
        await until(lambda: len(gated.begun) == 6)
        assert b"again" in gated.begun[4:]
        gated.let_all_end()
        await backend.is_committed("chunks-ready", number)


@proves("promise 2", "RetryableError")
@needs(Ability.DEAD_LETTERS)
async def test_what_is_due_comes_past_thousands_that_wait_long_in_front_of_it(
    backend: Brokered,
) -> None:
    gated = Gated()
    gated.let_all_end()
    small = PATIENT.model_copy(update={"read_ahead": 400})
    await backend.send_many("probe-retry-1", [b"late"] * 2_000, headers=waiting(3_600.0, 0))
    await backend.send("probe-retry-1", b"due", headers=waiting(0.0, 1))
    async with backend.running(gated.stage, small) as running:
        await until(lambda: gated.begun == [b"due"], within_s=40)
        retries = consumption_of(running).fetcher.retries
        assert retries.deferred > 1_900
        # One that is remembered, not held, comes in its time as well.
        await backend.send("probe-retry-1", b"soon", headers=waiting(0.3, 2))
        await until(lambda: b"soon" in gated.begun, within_s=40)
    assert gated.begun == [b"due", b"soon"]


@proves("promise 8", "RetryableError")
@needs(Ability.DEAD_LETTERS)
async def test_what_is_held_is_bounded_in_bytes_and_all_of_it_comes(backend: Brokered) -> None:
    gated = Gated()
    number = 24
    tight = PATIENT.model_copy(
        update={"read_ahead_bytes": 8 * MEGABYTE, "max_in_flight_bytes": 2 * MEGABYTE}
    )
    for one in range(number):
        await backend.send("chunks-ready", b"own %2d" % one + bytes(MEGABYTE // 2))
        headers = waiting(1.0 if one % 2 else 0.0, one)
        await backend.send(
            "probe-retry-1", b"again %2d" % one + bytes(MEGABYTE // 2), headers=headers
        )
    async with backend.running(gated.stage, tight) as running:
        consumption = consumption_of(running)
        read_ahead, window = consumption.fetcher.prefetch, consumption.window
        most = 0

        def look() -> bool:
            nonlocal most
            most = max(most, read_ahead.held)
            assert window.in_flight <= 5
            gated.let_end(1)
            return len(gated.begun) == 2 * number

        await until(lambda: consumption.fetcher.retries.deferred > 0, within_s=40)
        await until(look, within_s=60)
        gated.let_all_end()
        await backend.is_committed("chunks-ready", number)
        await backend.is_committed("probe-retry-1", number)
    assert most <= 8 * MEGABYTE
    assert len(set(gated.begun)) == 2 * number


@proves("RetryableError")
@needs(Ability.DEAD_LETTERS)
async def test_a_clock_a_day_ahead_at_the_writer_holds_nobody_for_a_day(backend: Brokered) -> None:
    gated = Gated()
    gated.let_all_end()
    day_s = 86_400.0
    delivery = Delivery(MessageOrigin("chunks-ready", 0, 0), attempts=1)
    told = build_retry_headers(delivery, not_before_ms=in_ms(day_s + 0.2), delay_ms=200)
    await backend.send("probe-retry-1", b"again", headers=append_headers((), told))
    async with backend.running(gated.stage, PATIENT):
        await until(lambda: gated.begun == [b"again"])
