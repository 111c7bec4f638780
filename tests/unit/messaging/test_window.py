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
from messaging.consumer.window import Window
from messaging.processing.inflight import Job
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


class Desk:
    """Admits jobs, remembers what began and what ended, and lets the test end them."""

    def __init__(
        self,
        handler: Callable[[Job], Awaitable[None]] | None = None,
        *,
        size: int = 1_000,
        size_bytes: int = 1 << 30,
        by_key: bool = False,
    ) -> None:
        self.read_ahead = PrefetchBudget(10_000, 1 << 30)
        self.window = Window(
            self._work,
            size=size,
            size_bytes=size_bytes,
            by_key=by_key,
            read_ahead=self.read_ahead,
        )
        self._handler = handler or self._until_released
        self._offsets: Counter[TopicPartition] = Counter()
        self._release: dict[Job, asyncio.Event] = defaultdict(asyncio.Event)
        self.begun: list[Job] = []
        self.ended: list[Job] = []
        self.cancelled: list[Job] = []

    def job(self, partition: TopicPartition = P0, key: bytes | None = None) -> Job:
        received = Received(self._offsets[partition], key)
        self._offsets[partition] += 1
        return Job(received, partition, partition.topic, None, self._finish)

    def admit(self, partition: TopicPartition = P0, key: bytes | None = None) -> Job:
        job = self.job(partition, key)
        self.window.admit(job)
        self.window.fill()
        return job

    def release(self, *jobs: Job) -> None:
        for job in jobs:
            self._release[job].set()

    @property
    def working(self) -> set[Job]:
        return set(self.begun) - set(self.ended) - set(self.cancelled)

    @property
    def keys_taken(self) -> set[TopicPartition]:
        keys = self.window._keys
        return keys.partitions() if keys is not None else set()

    async def _work(self, job: Job) -> None:
        self.begun.append(job)
        try:
            await self._handler(job)
        except asyncio.CancelledError:
            self.cancelled.append(job)
            raise
        job.finish()

    async def _until_released(self, job: Job) -> None:
        await self._release[job].wait()

    def _finish(self, job: Job) -> None:
        self.ended.append(job)
        self.window.mark_settled(job)


async def at_once(_: Job) -> None:
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


async def test_a_handler_that_never_waits_costs_next_to_no_tasks() -> None:
    desk = Desk(at_once)
    with counting_tasks() as made:
        for _ in range(1_000):
            desk.admit()
        await settled()
    assert len(desk.ended) == 1_000
    assert len(made) <= 2
    assert desk.window.in_flight == 0


async def test_messages_of_a_handler_that_never_waits_end_in_the_order_they_came() -> None:
    desk = Desk(at_once)
    jobs = [desk.admit() for _ in range(50)]
    await settled()
    assert desk.ended == jobs


async def test_every_handler_that_waits_has_a_task_of_its_own() -> None:
    desk = Desk()
    jobs = [desk.admit() for _ in range(100)]
    await settled()
    assert desk.begun == jobs
    assert len({job.task for job in jobs}) == 100
    desk.release(*jobs)
    await settled()
    assert desk.window.in_flight == 0
    assert not desk.window._relays


async def test_one_that_waits_holds_up_nobody() -> None:
    async def only_the_first_waits(job: Job) -> None:
        if job.received.offset == 0:
            await never.wait()

    never = asyncio.Event()
    desk = Desk(only_the_first_waits)
    jobs = [desk.admit() for _ in range(500)]
    await settled()
    assert desk.ended == jobs[1:]
    desk.admit()
    await settled()
    assert len(desk.ended) == 500
    never.set()
    await settled()
    assert desk.window.in_flight == 0


async def test_tells_how_many_more_may_be_admitted() -> None:
    desk = Desk(size=3)
    jobs = [desk.admit() for _ in range(3)]
    assert desk.window.room == 0
    await settled()
    await desk.window.wait_for_change(0.001)
    waiting = asyncio.create_task(desk.window.wait_for_change(NEVER_S))
    await settled()
    desk.release(jobs[1])
    async with asyncio.timeout(5):
        await waiting
    assert desk.window.room == 1


async def test_as_many_again_may_wait_for_the_brokers_answer_and_no_more() -> None:
    desk = Desk(size=2)
    window, sent = desk.window, list[Job]()

    async def send(job: Job) -> None:
        sent.append(job)

    window._work = send
    first, second = desk.admit(), desk.admit()
    assert window.room == 0, "both are at work"
    await settled()
    assert (sent, window.room, window.in_flight) == ([first, second], 2, 2)
    desk.admit()
    desk.admit()
    await settled()
    assert (window.room, window.in_flight) == (0, 4)
    second.finish()
    assert window.room == 1
    second.finish()
    assert window.room == 1, "told twice, counted once"


async def test_those_given_up_take_no_place() -> None:
    desk = Desk(size=2)
    desk.admit(P0)
    desk.admit(P1)
    await settled()
    assert desk.window.room == 0
    await desk.window.cancel([P0])
    assert (desk.window.room, desk.window.in_flight) == (1, 1)


async def test_an_error_of_the_machinery_is_told_and_stops_nobody_else() -> None:
    async def fail_first(job: Job) -> None:
        if job.received.offset == 0:
            raise ZeroDivisionError

    desk = Desk(fail_first)
    jobs = [desk.admit() for _ in range(3)]
    await settled()
    assert isinstance(desk.window.failure, ZeroDivisionError)
    assert desk.ended == jobs[1:]


async def test_messages_of_one_key_go_one_after_another_and_others_pass() -> None:
    desk = Desk(by_key=True)
    a = [desk.admit(key=b"a") for _ in range(3)]
    b = desk.admit(key=b"b")
    keyless = [desk.admit(key=None) for _ in range(2)]
    await settled()
    assert desk.begun == [a[0], b, *keyless]
    for number in range(2):
        desk.release(a[number])
        await settled()
        assert desk.begun[-1] is a[number + 1]
    desk.release(a[2], b, *keyless)
    await settled()
    assert desk.window.in_flight == 0
    assert not desk.keys_taken


async def test_after_a_cancellation_a_key_goes_on_in_order() -> None:
    desk = Desk(by_key=True)
    old = [desk.admit(P0, b"a") for _ in range(3)]
    other = [desk.admit(P1, b"b") for _ in range(2)]
    await settled()
    await desk.window.cancel([P0])
    assert desk.window.in_flight == 1
    fresh = [desk.admit(P0, b"a") for _ in range(2)]
    await settled()
    assert desk.begun == [old[0], other[0], fresh[0]]
    desk.release(fresh[0], other[0])
    await settled()
    assert desk.begun[3:] in ([fresh[1], other[1]], [other[1], fresh[1]])
    desk.release(fresh[1], other[1])
    await settled()
    assert desk.window.in_flight == 0
    assert not desk.keys_taken


async def test_a_key_that_lies_in_two_partitions_stays_in_order_when_one_goes() -> None:
    desk = Desk(by_key=True)
    first = desk.admit(P0, b"a")
    desk.admit(P1, b"a")
    third = desk.admit(P0, b"a")
    await settled()
    await desk.window.cancel([P1])
    await settled()
    assert third not in desk.begun, "it began beside the one before it"
    desk.release(first)
    await settled()
    assert third in desk.begun
    desk.release(third)
    await settled()
    assert desk.window.in_flight == 0


async def test_what_is_not_due_takes_no_room_and_begins_when_it_is() -> None:
    desk = Desk(size=1)
    late, soon = desk.job(), desk.job()
    desk.window.admit_delayed(late, NEVER_S)
    desk.window.admit_delayed(soon, 0.01)
    assert desk.window.room == 1
    await until(lambda: bool(desk.begun))
    assert desk.begun == [soon]
    desk.release(soon)
    await settled()
    await desk.window.cancel(None)
    assert (desk.begun, desk.window.in_flight) == ([soon], 0)


async def test_many_that_fall_due_at_once_still_keep_to_the_size() -> None:
    desk = Desk(size=4)
    held = [desk.job() for _ in range(40)]
    for job in held:
        desk.window.admit_delayed(job, 0.001)
    most = 0

    def all_ended() -> bool:
        nonlocal most
        most = max(most, len(desk.working))
        desk.release(*desk.working)
        return len(desk.ended) == len(held)

    await until(all_ended)
    assert most <= 4


async def test_draining_waits_for_the_chosen_partitions_only() -> None:
    desk = Desk()
    going, staying = desk.admit(P0), desk.admit(P1)
    await settled()
    draining = asyncio.create_task(desk.window.drain([P0], NEVER_S))
    await settled()
    assert not draining.done()
    desk.release(going)
    async with asyncio.timeout(5):
        await draining
    assert desk.working == {staying}
    await desk.window.cancel(None)


async def test_draining_ends_with_its_budget_and_cancels_nothing() -> None:
    desk = Desk()
    job = desk.admit()
    async with asyncio.timeout(5):
        await desk.window.drain(None, 0.01)
    assert desk.working == {job}
    desk.release(job)
    await settled()
    assert desk.ended == [job]


async def test_draining_does_not_wait_for_what_is_not_due() -> None:
    desk = Desk()
    desk.window.admit_delayed(desk.job(P0), NEVER_S)
    kept = desk.job(P1)
    desk.window.admit_delayed(kept, NEVER_S)
    async with asyncio.timeout(5):
        await desk.window.drain([P0], NEVER_S)
    await desk.window.cancel([P0])
    assert list(desk.window._not_due) == [kept]
    async with asyncio.timeout(5):
        await desk.window.drain(None, NEVER_S)
    await desk.window.cancel(None)
    assert desk.read_ahead.held == 0


async def test_draining_an_empty_window_takes_no_time() -> None:
    async with asyncio.timeout(5):
        await Desk().window.drain(None, NEVER_S)
        await Desk().window.drain([P0], NEVER_S)
        await Desk().window.cancel(None)


async def test_cancelling_some_partitions_leaves_the_others_work_alone() -> None:
    desk = Desk()
    going, staying = [desk.admit(P0) for _ in range(5)], [desk.admit(P1) for _ in range(5)]
    await settled()
    await desk.window.cancel([P0])
    assert set(desk.cancelled) == set(going)
    assert desk.working == set(staying)
    desk.release(*staying)
    await settled()
    assert desk.ended == staying
    assert desk.window.in_flight == 0


async def test_what_is_cancelled_before_it_began_never_begins() -> None:
    desk = Desk()
    going, staying = desk.admit(P0), desk.admit(P1)
    await desk.window.cancel([P0])
    await settled()
    assert desk.begun == [staying]
    assert going.task is None
    desk.release(staying)
    await settled()
    assert desk.window.in_flight == 0


async def test_those_that_come_while_a_task_is_cancelled_are_not_stuck() -> None:
    desk = Desk()
    desk.admit(P0)
    await settled()
    cancelling = asyncio.create_task(desk.window.cancel([P0]))
    await asyncio.sleep(0)
    fresh = [desk.admit(P1) for _ in range(3)]
    await cancelling
    await settled()
    assert desk.working == set(fresh)
    await desk.window.cancel(None)


async def test_a_handler_that_will_not_be_cancelled_does_not_keep_its_task_for_others() -> None:
    async def stubborn(job: Job) -> None:
        try:
            await never.wait()
        except asyncio.CancelledError:
            if job.partition != P0:
                raise
            fresh.append(desk.admit(P1))

    never, fresh = asyncio.Event(), list[Job]()
    desk = Desk(stubborn)
    desk.admit(P0)
    await settled()
    async with asyncio.timeout(2):
        await desk.window.cancel([P0])
    await settled()
    assert desk.begun[1:] == fresh
    (task,) = {job.task for job in fresh}
    assert task is not None
    assert not task.cancelling(), "the next message would take its deadline for our stop"
    await desk.window.cancel(None)


async def test_an_end_told_after_the_cancellation_changes_nothing() -> None:
    desk = Desk(size=5)
    gone = desk.admit(P0)
    await settled()
    await desk.window.cancel([P0])
    desk.window.mark_settled(gone)
    assert desk.window.room == 5


class Model:
    """What the window promises, said with plain lists."""

    def __init__(self, desk: Desk, *, by_key: bool) -> None:
        self.desk = desk
        self.by_key = by_key
        self.live: list[Job] = []

    def may_work(self) -> set[Job]:
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
        assert self.desk.working == self.may_work()
        assert self.desk.window.in_flight == len(self.may_work())


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("seed", range(8))
async def test_agrees_with_plain_lists_whatever_happens(seed: int, *, by_key: bool) -> None:
    random = Random(seed)
    desk = Desk(by_key=by_key, size=20)
    model = Model(desk, by_key=by_key)
    # A key lies in one partition.
    keys: dict[TopicPartition, list[bytes | None]] = {
        P0: [b"a", b"b", None],
        P1: [b"c", None],
        P2: [b"d"],
    }
    for _ in range(400):
        action = random.choices(("admit", "release", "cancel"), (12, 11, 1))[0]
        if action == "admit":
            for _ in range(random.randint(0, min(4, desk.window.room))):
                partition = random.choice((P0, P1, P2))
                model.live.append(desk.admit(partition, random.choice(keys[partition])))
        elif action == "release":
            working = sorted(desk.working, key=model.live.index)
            done = random.sample(working, random.randint(0, len(working)))
            desk.release(*done)
            model.live = [job for job in model.live if job not in done]
        else:
            going = random.sample((P0, P1, P2), random.randint(1, 3))
            await desk.window.cancel(going)
            model.live = [job for job in model.live if job.partition not in going]
        await settled()
        model.agrees()
    await desk.window.cancel(None)
    assert desk.window.in_flight == 0
    assert not desk.window._ready
    assert not desk.keys_taken


async def test_a_held_message_that_falls_due_while_others_are_fetched_takes_no_second_place() -> (
    None
):
    desk = Desk(size=1)
    held = desk.job(P0)
    desk.window.admit_delayed(held, 0.0)
    assert desk.window.room == 1, "so that one is fetched"
    await until(lambda: held in desk.begun)
    fetched = desk.admit(P1)
    await settled()
    assert desk.begun == [held]
    desk.release(held)
    await until(lambda: fetched in desk.begun)
    assert desk.ended == [held]
