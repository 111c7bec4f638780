from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from aiokafka import TopicPartition

from messaging.consumer.prefetch import PrefetchBudget
from messaging.consumer.size_lanes import SizeLanes
from messaging.consumer.window import InFlightWindow
from messaging.processing.inflight import InFlightMessage
from support.waiting import until

P0, P1, P2 = (TopicPartition("chunks-ready", number) for number in range(3))
NEVER_S = 3_600.0


@dataclass(frozen=True)
class Received:
    """What of a fetched record the window looks at."""

    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class WindowHarness:
    """Admits jobs, remembers what began and what ended, and lets the test end them."""

    def __init__(
        self,
        handler: Callable[[InFlightMessage], Awaitable[None]] | None = None,
        *,
        size: int = 1_000,
        size_bytes: int = 1 << 30,
        by_key: bool = False,
        read_ahead: int = 10_000,
        queue: SizeLanes | None = None,
    ) -> None:
        self.read_ahead = PrefetchBudget(read_ahead, 1 << 30)
        self.window = InFlightWindow(
            self._work,
            size=size,
            size_bytes=size_bytes,
            by_key=by_key,
            read_ahead=self.read_ahead,
            queue=queue,
        )
        self._handler = handler or self._until_released
        self._offsets: Counter[TopicPartition] = Counter()
        self._release: dict[InFlightMessage, asyncio.Event] = defaultdict(asyncio.Event)
        self.begun: list[InFlightMessage] = []
        self.ended: list[InFlightMessage] = []
        self.cancelled: list[InFlightMessage] = []

    def job(
        self, partition: TopicPartition = P0, key: bytes | None = None, value: bytes | None = None
    ) -> InFlightMessage:
        received = Received(self._offsets[partition], key, value)
        self._offsets[partition] += 1
        return InFlightMessage(received, partition, partition.topic, None, self._finish)

    def admit(self, partition: TopicPartition = P0, key: bytes | None = None) -> InFlightMessage:
        job = self.job(partition, key)
        self.window.admit(job)
        self.window.fill()
        return job

    def release(self, *jobs: InFlightMessage) -> None:
        for job in jobs:
            self._release[job].set()

    @property
    def working(self) -> set[InFlightMessage]:
        return set(self.begun) - set(self.ended) - set(self.cancelled)

    @property
    def keys_taken(self) -> set[TopicPartition]:
        keys = self.window._keys
        return keys.partitions() if keys is not None else set()

    async def _work(self, job: InFlightMessage) -> None:
        self.begun.append(job)
        try:
            await self._handler(job)
        except asyncio.CancelledError:
            self.cancelled.append(job)
            raise
        job.finish()

    async def _until_released(self, job: InFlightMessage) -> None:
        await self._release[job].wait()

    def _finish(self, job: InFlightMessage) -> None:
        self.ended.append(job)
        self.window.mark_settled(job)


async def at_once(_: InFlightMessage) -> None:
    """A handler that never waits."""


async def settled() -> None:
    """Let everything that can run without time passing do so."""
    for _ in range(200):
        await asyncio.sleep(0)


@contextmanager
def counting_tasks() -> Iterator[list[str]]:
    """The names of the tasks made meanwhile."""
    loop, made = asyncio.get_running_loop(), list[str]()

    def make(loop: Any, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **more)
        made.append(task.get_name())
        return task

    loop.set_task_factory(make)
    try:
        yield made
    finally:
        loop.set_task_factory(None)


async def test_messages_behind_a_hanging_one_of_their_key_use_up_the_prefetch_budget() -> None:
    harness = WindowHarness(by_key=True, read_ahead=10)
    harness.read_ahead.set_partitions([P0])
    hanging = harness.admit(key=b"a")
    await settled()
    behind = []
    while harness.read_ahead.wants(P0):
        behind.append(harness.admit(key=b"a"))
    assert behind
    assert harness.working == {hanging}
    assert harness.window.room, "there are places, but nothing more is fetched of this partition"
    harness.release(hanging, *behind)
    await settled()
    assert harness.read_ahead.wants(P0)


async def test_a_handler_that_never_waits_costs_next_to_no_tasks() -> None:
    harness = WindowHarness(at_once)
    with counting_tasks() as made:
        for _ in range(1_000):
            harness.admit()
        await settled()
    assert len(harness.ended) == 1_000
    assert len(made) <= 2
    assert harness.window.in_flight == 0


async def test_messages_of_a_handler_that_never_waits_end_in_the_order_they_came() -> None:
    harness = WindowHarness(at_once)
    jobs = [harness.admit() for _ in range(50)]
    await settled()
    assert harness.ended == jobs


async def test_every_handler_that_waits_has_a_task_of_its_own() -> None:
    harness = WindowHarness()
    jobs = [harness.admit() for _ in range(100)]
    await settled()
    assert harness.begun == jobs
    assert len({job.task for job in jobs}) == 100
    harness.release(*jobs)
    await settled()
    assert harness.window.in_flight == 0
    assert not harness.window._relays


async def test_one_that_waits_holds_up_nobody() -> None:
    async def only_the_first_waits(job: InFlightMessage) -> None:
        if job.received.offset == 0:
            await never.wait()

    never = asyncio.Event()
    harness = WindowHarness(only_the_first_waits)
    jobs = [harness.admit() for _ in range(500)]
    await settled()
    assert harness.ended == jobs[1:]
    harness.admit()
    await settled()
    assert len(harness.ended) == 500
    never.set()
    await settled()
    assert harness.window.in_flight == 0


async def test_tells_how_many_more_may_be_admitted() -> None:
    harness = WindowHarness(size=3)
    jobs = [harness.admit() for _ in range(3)]
    assert harness.window.room == 0
    await settled()
    await harness.window.wait_for_change(0.001)
    waiting = asyncio.create_task(harness.window.wait_for_change(NEVER_S))
    await settled()
    harness.release(jobs[1])
    async with asyncio.timeout(5):
        await waiting
    assert harness.window.room == 1


async def test_as_many_again_may_wait_for_the_brokers_answer_and_no_more() -> None:
    harness = WindowHarness(size=2)
    window, sent = harness.window, list[InFlightMessage]()

    async def send(job: InFlightMessage) -> None:
        sent.append(job)

    window._work = send
    first, second = harness.admit(), harness.admit()
    assert window.room == 0, "both are at work"
    await settled()
    assert (sent, window.room, window.in_flight) == ([first, second], 2, 2)
    harness.admit()
    harness.admit()
    await settled()
    assert (window.room, window.in_flight) == (0, 4)
    second.finish()
    assert window.room == 1
    second.finish()
    assert window.room == 1, "told twice, counted once"


async def test_those_given_up_take_no_place() -> None:
    harness = WindowHarness(size=2)
    harness.admit(P0)
    harness.admit(P1)
    await settled()
    assert harness.window.room == 0
    await harness.window.cancel([P0])
    assert (harness.window.room, harness.window.in_flight) == (1, 1)


async def test_an_error_of_the_machinery_is_told_and_stops_nobody_else() -> None:
    async def fail_first(job: InFlightMessage) -> None:
        if job.received.offset == 0:
            raise ZeroDivisionError

    harness = WindowHarness(fail_first)
    jobs = [harness.admit() for _ in range(3)]
    await settled()
    assert isinstance(harness.window.failure, ZeroDivisionError)
    assert harness.ended == jobs[1:]


async def test_messages_of_one_key_go_one_after_another_and_others_pass() -> None:
    harness = WindowHarness(by_key=True)
    a = [harness.admit(key=b"a") for _ in range(3)]
    b = harness.admit(key=b"b")
    keyless = [harness.admit(key=None) for _ in range(2)]
    await settled()
    assert harness.begun == [a[0], b, *keyless]
    for number in range(2):
        harness.release(a[number])
        await settled()
        assert harness.begun[-1] is a[number + 1]
    harness.release(a[2], b, *keyless)
    await settled()
    assert harness.window.in_flight == 0
    assert not harness.keys_taken


async def test_after_a_cancellation_a_key_goes_on_in_order() -> None:
    harness = WindowHarness(by_key=True)
    old = [harness.admit(P0, b"a") for _ in range(3)]
    other = [harness.admit(P1, b"b") for _ in range(2)]
    await settled()
    await harness.window.cancel([P0])
    assert harness.window.in_flight == 1
    fresh = [harness.admit(P0, b"a") for _ in range(2)]
    await settled()
    assert harness.begun == [old[0], other[0], fresh[0]]
    harness.release(fresh[0], other[0])
    await settled()
    assert harness.begun[3:] in ([fresh[1], other[1]], [other[1], fresh[1]])
    harness.release(fresh[1], other[1])
    await settled()
    assert harness.window.in_flight == 0
    assert not harness.keys_taken


async def test_a_key_that_lies_in_two_partitions_stays_in_order_when_one_goes() -> None:
    harness = WindowHarness(by_key=True)
    first = harness.admit(P0, b"a")
    harness.admit(P1, b"a")
    third = harness.admit(P0, b"a")
    await settled()
    await harness.window.cancel([P1])
    await settled()
    assert third not in harness.begun, "it began beside the one before it"
    harness.release(first)
    await settled()
    assert third in harness.begun
    harness.release(third)
    await settled()
    assert harness.window.in_flight == 0


async def test_what_is_not_due_takes_no_room_and_begins_when_it_is() -> None:
    harness = WindowHarness(size=1)
    late, soon = harness.job(), harness.job()
    harness.window.admit_delayed(late, NEVER_S)
    harness.window.admit_delayed(soon, 0.01)
    assert harness.window.room == 1
    await until(lambda: bool(harness.begun))
    assert harness.begun == [soon]
    harness.release(soon)
    await settled()
    await harness.window.cancel(None)
    assert (harness.begun, harness.window.in_flight) == ([soon], 0)


async def test_many_that_fall_due_at_once_still_keep_to_the_size() -> None:
    harness = WindowHarness(size=4)
    held = [harness.job() for _ in range(40)]
    for job in held:
        harness.window.admit_delayed(job, 0.001)
    most = 0

    def all_ended() -> bool:
        nonlocal most
        most = max(most, len(harness.working))
        harness.release(*harness.working)
        return len(harness.ended) == len(held)

    await until(all_ended)
    assert most <= 4


async def test_draining_waits_for_the_chosen_partitions_only() -> None:
    harness = WindowHarness()
    going, staying = harness.admit(P0), harness.admit(P1)
    await settled()
    draining = asyncio.create_task(harness.window.drain([P0], NEVER_S))
    await settled()
    assert not draining.done()
    harness.release(going)
    async with asyncio.timeout(5):
        await draining
    assert harness.working == {staying}
    await harness.window.cancel(None)


async def test_draining_ends_with_its_budget_and_cancels_nothing() -> None:
    harness = WindowHarness()
    job = harness.admit()
    async with asyncio.timeout(5):
        await harness.window.drain(None, 0.01)
    assert harness.working == {job}
    harness.release(job)
    await settled()
    assert harness.ended == [job]


async def test_draining_what_is_handled_leaves_out_whose_handlers_are_at_work() -> None:
    harness = WindowHarness()
    waits, written = harness.admit(), harness.admit()
    written.handled = True
    await settled()
    draining = asyncio.create_task(harness.window.drain(None, NEVER_S, handled_only=True))
    await settled()
    assert not draining.done()
    harness.release(written)
    async with asyncio.timeout(5):
        await draining
    assert harness.working == {waits}
    await harness.window.cancel(None)


async def test_draining_does_not_wait_for_what_is_not_due() -> None:
    harness = WindowHarness()
    harness.window.admit_delayed(harness.job(P0), NEVER_S)
    kept = harness.job(P1)
    harness.window.admit_delayed(kept, NEVER_S)
    async with asyncio.timeout(5):
        await harness.window.drain([P0], NEVER_S)
    await harness.window.cancel([P0])
    assert list(harness.window._not_due) == [kept]
    async with asyncio.timeout(5):
        await harness.window.drain(None, NEVER_S)
    await harness.window.cancel(None)
    assert harness.read_ahead.held == 0


async def test_draining_an_empty_window_takes_no_time() -> None:
    async with asyncio.timeout(5):
        await WindowHarness().window.drain(None, NEVER_S)
        await WindowHarness().window.drain([P0], NEVER_S)
        await WindowHarness().window.cancel(None)


async def test_cancelling_some_partitions_leaves_the_others_work_alone() -> None:
    harness = WindowHarness()
    going, staying = [harness.admit(P0) for _ in range(5)], [harness.admit(P1) for _ in range(5)]
    await settled()
    await harness.window.cancel([P0])
    assert set(harness.cancelled) == set(going)
    assert harness.working == set(staying)
    harness.release(*staying)
    await settled()
    assert harness.ended == staying
    assert harness.window.in_flight == 0


async def test_what_is_cancelled_before_it_began_never_begins() -> None:
    harness = WindowHarness()
    going, staying = harness.admit(P0), harness.admit(P1)
    await harness.window.cancel([P0])
    await settled()
    assert harness.begun == [staying]
    assert going.task is None
    harness.release(staying)
    await settled()
    assert harness.window.in_flight == 0


async def test_those_that_come_while_a_task_is_cancelled_are_not_stuck() -> None:
    harness = WindowHarness()
    harness.admit(P0)
    await settled()
    cancelling = asyncio.create_task(harness.window.cancel([P0]))
    await asyncio.sleep(0)
    fresh = [harness.admit(P1) for _ in range(3)]
    await cancelling
    await settled()
    assert harness.working == set(fresh)
    await harness.window.cancel(None)


async def test_a_handler_that_will_not_be_cancelled_does_not_keep_its_task_for_others() -> None:
    async def stubborn(job: InFlightMessage) -> None:
        try:
            await never.wait()
        except asyncio.CancelledError:
            if job.partition != P0:
                raise
            fresh.append(harness.admit(P1))

    never, fresh = asyncio.Event(), list[InFlightMessage]()
    harness = WindowHarness(stubborn)
    harness.admit(P0)
    await settled()
    async with asyncio.timeout(2):
        await harness.window.cancel([P0])
    await settled()
    assert harness.begun[1:] == fresh
    (task,) = {job.task for job in fresh}
    assert task is not None
    assert not task.cancelling(), "the next message would take its deadline for our stop"
    await harness.window.cancel(None)


async def test_an_end_told_after_the_cancellation_changes_nothing() -> None:
    harness = WindowHarness(size=5)
    gone = harness.admit(P0)
    await settled()
    await harness.window.cancel([P0])
    harness.window.mark_settled(gone)
    assert harness.window.room == 5


class Model:
    """What the window promises, said with plain lists."""

    def __init__(self, harness: WindowHarness, *, by_key: bool) -> None:
        self.harness = harness
        self.by_key = by_key
        self.live: list[InFlightMessage] = []

    def may_work(self) -> set[InFlightMessage]:
        """Those that have to be at work now: all, or the first of each key."""
        seen: set[tuple[TopicPartition, bytes]] = set()
        found = set()
        for job in self.live:
            key = (job.partition, job.received.key)
            if not self.by_key or job.received.key is None or key not in seen:
                found.add(job)
            seen.add(key)
        return found

    def agrees(self) -> None:
        assert self.harness.working == self.may_work()
        assert self.harness.window.in_flight == len(self.may_work())


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("seed", range(8))
async def test_agrees_with_plain_lists_whatever_happens(seed: int, *, by_key: bool) -> None:
    random = Random(seed)
    harness = WindowHarness(by_key=by_key, size=20)
    model = Model(harness, by_key=by_key)
    # A key lies in one partition.
    keys: dict[TopicPartition, list[bytes | None]] = {
        P0: [b"a", b"b", None],
        P1: [b"c", None],
        P2: [b"d"],
    }
    for _ in range(400):
        action = random.choices(("admit", "release", "cancel"), (12, 11, 1))[0]
        if action == "admit":
            for _ in range(random.randint(0, min(4, harness.window.room))):
                partition = random.choice((P0, P1, P2))
                model.live.append(harness.admit(partition, random.choice(keys[partition])))
        elif action == "release":
            working = sorted(harness.working, key=model.live.index)
            done = random.sample(working, random.randint(0, len(working)))
            harness.release(*done)
            model.live = [job for job in model.live if job not in done]
        else:
            going = random.sample((P0, P1, P2), random.randint(1, 3))
            await harness.window.cancel(going)
            model.live = [job for job in model.live if job.partition not in going]
        await settled()
        model.agrees()
    await harness.window.cancel(None)
    assert harness.window.in_flight == 0
    assert not harness.window._ready
    assert not harness.keys_taken


async def test_a_held_message_that_falls_due_while_others_are_fetched_takes_no_second_place() -> (
    None
):
    harness = WindowHarness(size=1)
    held = harness.job(P0)
    harness.window.admit_delayed(held, 0.0)
    assert harness.window.room == 1, "so that one is fetched"
    await until(lambda: held in harness.begun)
    fetched = harness.admit(P1)
    await settled()
    assert harness.begun == [held]
    harness.release(held)
    await until(lambda: fetched in harness.begun)
    assert harness.ended == [held]


LARGE = b"x" * 5_000


def lanes_harness() -> WindowHarness:
    return WindowHarness(size=3, queue=SizeLanes(large_bytes=5_000, max_large=1))


@pytest.mark.parametrize("at_once", [True, False])
async def test_large_messages_take_no_more_than_their_places(*, at_once: bool) -> None:
    harness = lanes_harness()
    large = [harness.job(key=b"l%d" % n, value=LARGE) for n in range(3 if at_once else 9)]
    small = [harness.job(P1, key=b"s%d" % n) for n in range(4)]
    harness.window.admit_batch(large)
    await settled()
    assert harness.working == {large[0]}
    assert harness.window.waiting == 0, "the other large ones could not start now"
    harness.window.admit_batch(small)
    await settled()
    assert harness.working == {large[0], *small[:2]}
    harness.release(large[0])
    await settled()
    assert harness.working == {large[1], *small[:2]}
    harness.release(*small)
    await settled()
    assert harness.working == {large[1]}, "places stay free for what is not large"
    harness.release(*large)
    await settled()
    assert len(harness.ended) == len(large) + len(small)
    assert harness.window.room == 3


async def test_a_cancelled_large_message_leaves_its_place_to_the_next() -> None:
    harness = lanes_harness()
    cancelled = harness.job(P0, value=LARGE)
    other = harness.job(P1, value=LARGE)
    for job in (cancelled, other):
        harness.window.admit_batch([job])
    await settled()
    assert harness.working == {cancelled}
    await harness.window.cancel([P0])
    await settled()
    assert harness.working == {other}


async def test_a_suspended_partition_keeps_its_large_messages_in_order() -> None:
    harness = lanes_harness()
    jobs = [harness.job(P0, key=b"a", value=LARGE if n % 2 else None) for n in range(8)]
    harness.window.admit_batch(jobs)
    await settled()
    begun = len(harness.begun)
    harness.window.suspend([P0])
    assert harness.window._suspended[P0] == [job for job in jobs if job not in harness.begun]
    harness.release(*jobs)
    await settled()
    assert len(harness.begun) == begun
    harness.window.resume([P0])
    await settled()
    assert len(harness.ended) == 8
