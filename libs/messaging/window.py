"""Keeps up to N messages at work, whatever their partitions, in key order or in none.

A message is at work until its handler is done, and in flight until the broker has what came of it.
Only what is at work takes one of the N places, so that waiting for the broker costs no call to a
model; at most N more may wait for the broker.

Tasks relay each other: a task works on messages one after another for as long as none of them has
to wait, and has another task standing by that takes over as soon as one does. A handler that never
waits so costs no task, and every handler that waits has one of its own.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from typing import Final

import structlog
from aiokafka import TopicPartition

from messaging.jobs import Job
from messaging.stragglers import end_tasks

log = structlog.get_logger(__name__)

CANCEL_S: Final = 2.0
"""How long a cancelled handler is waited for unless told otherwise, in seconds."""

MOST_HELD: Final = 1_000
"""Messages held in memory until they are due; with more, their partition waits as a whole."""


class Window:
    """The messages in flight.

    Args:
        work: works on one message; it returns when nothing is left to be done but to wait for
            the broker's acknowledgement.
        size: how many messages may be at work; twice as many may be in flight.
        by_key: whether messages of one key are worked on one after another.
    """

    def __init__(self, work: Callable[[Job], Awaitable[None]], *, size: int, by_key: bool) -> None:
        self._work = work
        self._size = size
        self._by_key = by_key
        self._ready: deque[Job] = deque()
        self._standing_by = False
        self._relays: set[asyncio.Task[None]] = set()
        self._at_work: set[Job] = set()
        self._jobs: dict[TopicPartition, set[Job]] = defaultdict(set)
        self._held: dict[Job, asyncio.TimerHandle] = {}
        self._overdue: deque[Job] = deque()
        self._keys: dict[tuple[TopicPartition, bytes], deque[Job]] = {}
        self._changed = asyncio.Event()
        self.in_flight = 0
        self.failure: Exception | None = None

    @property
    def room(self) -> int:
        """How many more messages may be admitted."""
        return min(self._size - len(self._at_work), 2 * self._size - self.in_flight)

    @property
    def may_hold(self) -> bool:
        """Whether one more message that is not due yet may be held."""
        return len(self._held) + len(self._overdue) < MOST_HELD

    def admit(self, job: Job, *, beyond: bool = False) -> None:
        """Start a message, or have it wait for the one of the same key before it, or for room.

        Args:
            job: the message.
            beyond: whether it starts without room as well.
        """
        self._jobs[job.partition].add(job)
        if not beyond and (self._overdue or self.room <= 0):
            self._overdue.append(job)  # what fell due during a poll took its place
        else:
            self._start(job)

    def _start(self, job: Job) -> None:
        self.in_flight += 1
        self._at_work.add(job)
        if self._by_key and job.received.key is not None:
            key = (job.partition, job.received.key)
            if key in self._keys:
                self._keys[key].append(job)
                return
            self._keys[key] = deque()
        self._enqueue(job)

    def hold(self, job: Job, delay_s: float) -> None:
        """Admit a message when it is due and there is room; until then it takes none."""
        self._jobs[job.partition].add(job)
        loop = asyncio.get_running_loop()
        self._held[job] = loop.call_later(delay_s, self._due, job)

    def ended(self, job: Job) -> None:
        """Take note that a message is settled."""
        jobs = self._jobs.get(job.partition)
        if jobs is None or job not in jobs:
            return
        jobs.discard(job)
        self.in_flight -= 1
        if self._by_key and job.received.key is not None:
            self._next_of_key((job.partition, job.received.key))
        self._make_room(job)

    async def wait_for_room(self, timeout_s: float) -> int:
        """Wait until a message ends, but not longer than ``timeout_s`` seconds; the room then."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        return self.room

    async def drain(self, partitions: Iterable[TopicPartition] | None, budget_s: float) -> None:
        """Let messages in flight end, for at most ``budget_s`` seconds.

        What is held of these partitions stays so until ``cancel`` or ``go_on``.

        Args:
            partitions: whose messages; None for all.
            budget_s: the longest wait, in seconds.
        """
        chosen = list(self._jobs) if partitions is None else list(partitions)
        with suppress(TimeoutError):
            async with asyncio.timeout(budget_s):
                while any(self.is_busy(one) for one in chosen):
                    self._changed.clear()
                    await self._changed.wait()

    def go_on(self, partitions: Iterable[TopicPartition]) -> None:
        """Have messages that are held be started again, after ``drain``."""

    def is_busy(self, partition: TopicPartition) -> bool:
        """Whether messages of a partition are in flight."""
        held = len(self._held) + len(self._overdue)
        jobs = self._jobs.get(partition, ())
        if not held or not jobs:
            return bool(jobs)
        return any(job not in self._held and job not in self._overdue for job in jobs)

    async def cancel(
        self, partitions: Iterable[TopicPartition] | None, budget_s: float = CANCEL_S
    ) -> None:
        """Stop working on messages; their offsets stay uncommitted.

        Args:
            partitions: whose messages; None for all.
            budget_s: how long handlers may take to end, in seconds. One that ignores its
                cancellation is left to itself, and named in the log.
        """
        chosen = list(self._jobs) if partitions is None else list(partitions)
        self._let_go_of_held(chosen)
        given_up = {job for one in chosen for job in self._jobs.pop(one, ())}
        self.in_flight -= len(given_up)
        self._at_work -= given_up
        self._ready = deque(job for job in self._ready if job not in given_up)
        mine = asyncio.current_task()
        tasks = {job.task: job for job in given_up if job.task not in {None, mine}}
        await end_tasks(tasks, budget_s)
        if self._by_key:
            self._forget_keys(chosen)
        self._fill_room()

    def _enqueue(self, job: Job) -> None:
        self._ready.append(job)
        if not self._standing_by:
            self._stand_by()

    def _stand_by(self) -> None:
        self._standing_by = True
        task = asyncio.create_task(self._relay())
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)

    async def _relay(self) -> None:
        self._standing_by = False
        task = asyncio.current_task()
        while self._ready:
            job = self._ready.popleft()
            if self._ready and not self._standing_by:
                self._stand_by()
            job.task = task
            try:
                await self._work(job)
            except Exception as error:
                log.exception("unsettled", topic=job.topic, offset=job.received.offset)
                self.failure = self.failure or error
            finally:
                if job.task is task:  # else it is being sent again already
                    job.task = None
                self._make_room(job)
            if task is not None and task.cancelling():
                # Somebody gave up this message, and its handler went on all the same.
                if self._ready and not self._standing_by:
                    self._stand_by()
                return

    def _make_room(self, job: Job) -> None:
        self._at_work.discard(job)
        self._fill_room()

    def _fill_room(self) -> None:
        self._changed.set()
        while self._overdue and self.room > 0:
            self._start(self._overdue.popleft())

    def _due(self, job: Job) -> None:
        if self._held.pop(job, None) is None:
            return
        self.admit(job)

    def _let_go_of_held(self, partitions: Collection[TopicPartition]) -> None:
        let_go = [one for one in self._overdue if one.partition in partitions]
        for job in [one for one in self._held if one.partition in partitions]:
            self._held.pop(job).cancel()
            let_go.append(job)
        for job in let_go:
            self._jobs[job.partition].discard(job)
        self._overdue = deque(one for one in self._overdue if one.partition not in partitions)

    def _next_of_key(self, key: tuple[TopicPartition, bytes]) -> None:
        waiting = self._keys.get(key)
        if waiting:
            self._enqueue(waiting.popleft())
        else:
            self._keys.pop(key, None)

    def _forget_keys(self, partitions: Collection[TopicPartition]) -> None:
        self._keys = {key: jobs for key, jobs in self._keys.items() if key[0] not in partitions}
