"""So many messages at a time, whatever the partitions; in key order, or in none."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import Final

import pytest

from contracts.errors import BadMessageError, RetryableError
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import Record
from support.broker import PROBE, QUICK
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.CONCURRENCY, Ability.COMMITS)

BY_KEY: Final = QUICK.model_copy(update={"order": "key"})


@proves("promise 2", "promise 8")
async def test_keeps_no_more_in_flight_than_allowed_and_no_fewer(backend: Brokered) -> None:
    stage, release = Stage(PROBE), asyncio.Event()
    working: set[bytes] = set()
    most = 0

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        nonlocal most
        assert record.value is not None
        working.add(record.value)
        most = max(most, len(working))
        await release.wait()
        working.discard(record.value)

    await backend.send("chunks-ready", *(str(n).encode() for n in range(30)))
    async with backend.running(stage, QUICK.model_copy(update={"max_in_flight": 5})) as running:
        await until(lambda: len(working) == 5)
        consumption = running.consumption
        assert consumption is not None
        poll, polls = consumption.fetcher.poll, 0

        async def counted() -> None:
            nonlocal polls
            polls += 1
            await poll()

        consumption.fetcher.poll = counted  # type: ignore[method-assign]  # polling goes on while full
        await until(lambda: polls >= 3)
        release.set()
        await backend.is_committed("chunks-ready", 30)
    assert most == 5


@proves("promise 2")
async def test_the_window_is_filled_from_a_single_partition_and_a_hanging_one_holds_up_nobody(
    backend: Brokered,
) -> None:
    stage, hung, seen = Stage(PROBE), asyncio.Event(), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        if record.value == b"hang":
            await hung.wait()
        seen.append(record.value)

    patient = QUICK.model_copy(update={"deadline_s": 3_600.0, "max_in_flight": 4})
    await backend.send("chunks-ready", *[b"hang"] * 3, *(str(n).encode() for n in range(100)))
    async with backend.running(stage, patient):
        await until(lambda: len(seen) == 100)
        hung.set()
        await backend.is_committed("chunks-ready", 103)


@proves("promise 2")
async def test_key_order_keeps_a_key_in_sequence_while_others_go_on(backend: Brokered) -> None:
    stage, release = Stage(PROBE), asyncio.Event()
    begun: list[bytes | None] = []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        begun.append(record.value)
        if record.value == b"a0":
            await release.wait()

    for number in range(3):
        await backend.send("chunks-ready", f"a{number}".encode(), key=b"a")
    await backend.send("chunks-ready", b"b0", b"b1", key=b"b")
    await backend.send("chunks-ready", b"c0")
    async with backend.running(stage, BY_KEY):
        await until(lambda: len(begun) == 4)
        assert sorted(one for one in begun if one) == [b"a0", b"b0", b"b1", b"c0"]
        release.set()
        await backend.is_committed("chunks-ready", 6)
    assert [one for one in begun if one and one.startswith(b"a")] == [b"a0", b"a1", b"a2"]


@proves("promise 2")
async def test_a_failing_message_does_not_keep_its_key_waiting(backend: Brokered) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)
        if record.value == b"bad":
            raise ZeroDivisionError

    await backend.send("chunks-ready", b"bad", b"good", key=b"k")
    async with backend.running(stage, BY_KEY):
        await backend.is_committed("chunks-ready", 2)
    assert seen == [b"bad", b"good"]


class Sequenced:
    """A stage that fails some messages at random, and notes the order in which keys are worked on.

    Attributes:
        begun: for each key, what was begun, in order; tries in place count once.
        overlaps: messages that were begun while another one of their key was at work.
    """

    def __init__(self, seed: int) -> None:
        self.stage = Stage(PROBE)
        self.begun: defaultdict[bytes, list[int]] = defaultdict(list)
        self.overlaps: list[int] = []
        self._working: dict[bytes, int] = {}
        self._random = random.Random(seed)

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            assert record.key is not None
            assert record.value is not None
            await self._work(record.key, int(record.value))

    async def _work(self, key: bytes, number: int) -> None:
        if self._working.setdefault(key, number) != number:
            self.overlaps.append(number)
        first = number not in self.begun[key]
        if first:
            self.begun[key].append(number)
        for _ in range(self._random.randrange(4)):
            await asyncio.sleep(0)
        await asyncio.sleep(self._random.choice([0, 0, 0.002]))
        if number % 5 == 0 and first:
            raise RetryableError("better in place")  # which is the key's turn still
        self._working.pop(key, None)
        if number % 7 == 0:
            raise BadMessageError("for ever")


@proves("promise 2", "promise 3")
@pytest.mark.parametrize("seed", [1, 2])
async def test_key_order_holds_under_load_with_failures_in_between(
    wide_backend: Brokered, seed: int
) -> None:
    sequenced, keys, number = Sequenced(seed), 12, 400
    shuffled = random.Random(seed)
    numbers = defaultdict[bytes, list[int]](list)
    async with wide_backend.running(
        sequenced.stage, BY_KEY.model_copy(update={"max_in_flight": 32, "retry_wait_s": 0.002})
    ):
        for one in range(number):
            numbers[b"key %d" % shuffled.randrange(keys)].append(one)
        # A key's in their order, keys at the same time.
        await asyncio.gather(
            *(
                wide_backend.send("chunks-ready", *(b"%d" % n for n in numbers[key]), key=key)
                for key in numbers
            )
        )
        await wide_backend.is_committed("chunks-ready", number)
    assert sequenced.overlaps == []
    assert sequenced.begun == numbers
    dead = await wide_backend.records("probe-dlq", len(range(0, number, 7)))
    assert {int(letter.value) for letter in dead} == set(range(0, number, 7))
    assert await wide_backend.size("probe-retry-1") == 0
