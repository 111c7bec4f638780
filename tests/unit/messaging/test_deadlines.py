from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from random import Random
from typing import Any, cast

import pytest

from messaging.processing.deadlines import DeadlineTimer


class Timer:
    """A timer of ``Clock``, as far as it is asked of an event loop's."""

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self._when = when
        self.call = call
        self.cancelled = False

    def __lt__(self, other: Timer) -> bool:
        return self._when < other._when

    def when(self) -> float:
        return self._when

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """An event loop's clock and timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made = 0
        self._timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        timer = Timer(when, call)
        self.made += 1
        heapq.heappush(self._timers, timer)
        return timer

    @property
    def running(self) -> int:
        return sum(not timer.cancelled for timer in self._timers)

    def move_to(self, now: float) -> None:
        while self._timers and self._timers[0]._when <= now:
            timer = heapq.heappop(self._timers)
            self.now = max(self.now, timer._when)
            if not timer.cancelled:
                timer.call()
        self.now = now

    def sleep_until(self, now: float) -> None:
        """As for a process that was stopped: timers are due before, and run only now."""
        self.now = now
        self.move_to(now)


class Task:
    """Counts how often it is cancelled."""

    def __init__(self) -> None:
        self.cancellations = 0

    def cancel(self) -> None:
        self.cancellations += 1


class Work:
    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.expired = False
        self.own = Task()
        self.task: asyncio.Task[None] | None = cast(Any, self.own)

    @property
    def is_over(self) -> bool:
        """Whether its time was called; ``expired`` and the cancellation go together."""
        assert self.own.cancellations == int(self.expired)
        return self.expired


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deadlines(clock: Clock) -> DeadlineTimer:
    return DeadlineTimer(cast(Any, clock))


def begin(deadlines: DeadlineTimer, *at: float) -> list[Work]:
    works = [Work(when) for when in at]
    for work in works:
        deadlines.begin(work)
    return works


def test_only_what_is_overdue_is_cancelled(clock: Clock, deadlines: DeadlineTimer) -> None:
    works = begin(deadlines, 1, 2, 3)
    clock.move_to(2)
    assert [work.is_over for work in works] == [True, True, False]
    clock.move_to(2.9)
    assert not works[2].is_over
    clock.move_to(3)
    assert works[2].is_over


def test_what_has_ended_is_left_alone(clock: Clock, deadlines: DeadlineTimer) -> None:
    ended, other = begin(deadlines, 1, 1)
    deadlines.end(ended)
    clock.move_to(5)
    assert (ended.is_over, other.is_over) == (False, True)


def test_ending_twice_or_after_the_deadline_is_no_matter(
    clock: Clock, deadlines: DeadlineTimer
) -> None:
    (work,) = begin(deadlines, 1)
    clock.move_to(1)
    deadlines.end(work)
    deadlines.end(work)
    clock.move_to(9)
    assert work.is_over


def test_very_many_deadlines_share_one_timer(clock: Clock, deadlines: DeadlineTimer) -> None:
    works = begin(deadlines, *(120 + n / 1_000 for n in range(10_000)))
    assert (clock.running, clock.made) == (1, 1)
    for work in works[:-1]:
        deadlines.end(work)
    clock.move_to(120 + 9.998)
    assert not any(work.is_over for work in works)
    assert clock.running == 1
    clock.move_to(200)
    assert works[-1].is_over


def test_a_nearer_deadline_of_its_own_is_kept_too(clock: Clock, deadlines: DeadlineTimer) -> None:
    usual, soon, later = begin(deadlines, 10, 2, 11)
    assert clock.running == 1
    clock.move_to(2)
    assert (usual.is_over, soon.is_over, later.is_over) == (False, True, False)
    clock.move_to(10)
    assert (usual.is_over, later.is_over) == (True, False)
    clock.move_to(11)
    assert later.is_over


def test_a_deadline_that_has_passed_already_is_called_at_once(
    clock: Clock, deadlines: DeadlineTimer
) -> None:
    clock.move_to(5)
    (work,) = begin(deadlines, 4)
    clock.move_to(5)
    assert work.is_over


def test_after_a_rest_the_next_deadline_counts_again(
    clock: Clock, deadlines: DeadlineTimer
) -> None:
    (first,) = begin(deadlines, 1)
    deadlines.end(first)
    clock.move_to(3)
    (second,) = begin(deadlines, 4)
    clock.move_to(4)
    assert (first.is_over, second.is_over) == (False, True)


def test_closing_stops_every_watch(clock: Clock, deadlines: DeadlineTimer) -> None:
    works = begin(deadlines, 1, 2)
    deadlines.close()
    assert clock.running == 0
    clock.move_to(9)
    assert not any(work.is_over for work in works)


def test_work_without_a_task_only_expires(clock: Clock, deadlines: DeadlineTimer) -> None:
    work = Work(1)
    work.task = None
    deadlines.begin(work)
    clock.move_to(1)
    assert work.expired


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_a_look_at_every_deadline(
    seed: int, clock: Clock, deadlines: DeadlineTimer
) -> None:
    random, watched = Random(seed), dict[Work, bool]()
    for _ in range(500):
        match random.choice(("begin", "begin", "end", "move")):
            case "begin":
                usual = clock.now + 10
                near = clock.now + random.uniform(0.1, 9)
                (work,) = begin(deadlines, near if random.random() < 0.2 else usual)
                watched[work] = False
            case "end" if watched:
                work = random.choice(list(watched))
                deadlines.end(work)
                assert work.is_over is watched.pop(work)
            case "move":
                clock.move_to(clock.now + random.uniform(0, 3))
                watched = {work: work.deadline <= clock.now for work in watched}
        assert clock.running <= 1
        assert {work: work.is_over for work in watched} == watched


async def test_on_a_real_loop_it_is_the_waiting_task_that_is_cancelled() -> None:
    loop = asyncio.get_running_loop()
    deadlines, never = DeadlineTimer(loop), asyncio.Event()
    works = [Work(loop.time() + 0.01), Work(loop.time() + 3_600)]
    for work in works:
        work.task = asyncio.create_task(cast(Any, never.wait()))
        deadlines.begin(work)
    late, early = (cast(Any, work.task) for work in works)
    async with asyncio.timeout(5):
        await asyncio.wait([late])
    assert late.cancelled()
    assert not early.done()
    never.set()
    await early
    deadlines.close()


def test_a_process_that_did_not_run_gives_its_handlers_time_when_it_wakes(
    clock: Clock, deadlines: DeadlineTimer
) -> None:
    works = begin(deadlines, 10, 12, 130)
    clock.sleep_until(100)
    assert not any(work.is_over for work in works)
    clock.move_to(109.9)
    assert not any(work.is_over for work in works)
    clock.move_to(110)
    assert [work.is_over for work in works] == [True, True, False]
    clock.move_to(130)
    assert works[2].is_over


def test_a_timer_that_is_a_little_late_is_no_sleep(clock: Clock, deadlines: DeadlineTimer) -> None:
    (work,) = begin(deadlines, 10)
    clock.sleep_until(14)
    assert work.is_over


def test_a_deadline_that_has_passed_already_is_no_sleep(
    clock: Clock, deadlines: DeadlineTimer
) -> None:
    clock.move_to(3_600)
    late, other = begin(deadlines, 1, 3_600.3)
    clock.move_to(3_600)
    assert late.is_over
    clock.move_to(3_600.3)
    assert other.is_over
