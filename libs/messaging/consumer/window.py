"""Keeps up to N messages at work, whatever their partitions, in key order or in none.

Admitted messages wait until it is their turn (``turns.py``), and in key order until those of their
key before them are settled (``key_order.py``); meanwhile they take no place. A message is at work
until its handler is done, and in flight until the broker has what came of it. Only what is at work
takes one of the N places, so that waiting for the broker costs no call to a model; at most N more
may wait for the broker.

Tasks relay each other: a task works on messages one after another for as long as none of them has
to wait, and has another task standing by that takes over as soon as one does. A handler that never
waits so costs no task, and every handler that waits has one of its own.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Final

import structlog
from aiokafka import TopicPartition

from messaging.consumer.fair_queue import Turns
from messaging.consumer.key_order import KeyOrder
from messaging.consumer.prefetch import ReadAhead
from messaging.consumer.stragglers import end_tasks
from messaging.processing.inflight import Job

log = structlog.get_logger(__name__)

CANCEL_S: Final = 2.0
"""How long a cancelled handler is waited for unless told otherwise, in seconds."""


class Window:
    """The messages that are held, and those in flight.

    Args:
        work: works on one message; it returns when nothing is left to be done but to wait for
            the broker's acknowledgement.
        size: how many messages may be at work; twice as many may be in flight.
        size_bytes: none is started while those in flight have so many bytes or more.
        by_key: whether messages of one key are worked on one after another.
        read_ahead: the account of what is held.
        may_start: whether messages may be started now; asked before each one.
    """

    def __init__(  # noqa: PLR0913 - its limits
        self,
        work: Callable[[Job], Awaitable[None]],
        *,
        size: int,
        size_bytes: int,
        by_key: bool,
        read_ahead: ReadAhead,
        may_start: Callable[[], bool] = lambda: True,
    ) -> None:
        self._work = work
        self._size = size
        self._size_bytes = size_bytes
        self._read_ahead = read_ahead
        self._may_start = may_start
        self._ready: deque[Job] = deque()
        self._standing_by = False
        self._relays: set[asyncio.Task[None]] = set()
        self._at_work: set[Job] = set()
        self._jobs: dict[TopicPartition, set[Job]] = defaultdict(set)
        self._turns = Turns()
        self._keys = KeyOrder() if by_key else None
        self._not_due: dict[Job, asyncio.TimerHandle] = {}
        self._suspended: dict[TopicPartition, list[Job]] = {}
        self._changed = asyncio.Event()
        self._bytes_in_flight = 0
        self.in_flight = 0
        self.failure: Exception | None = None

    @property
    def room(self) -> int:
        """How many more messages may be started."""
        if self._bytes_in_flight >= self._size_bytes:
            return 0
        return min(self._size - len(self._at_work), 2 * self._size - self.in_flight)

    @property
    def waiting(self) -> int:
        """How many messages wait for nothing but their turn."""
        return self._turns.waiting

    def admit(self, job: Job) -> None:
        """Have a message wait for its turn; ``fill`` starts it when there is room."""
        self._read_ahead.add(job)
        self._enter(job)

    def admit_all(self, jobs: Sequence[Job]) -> None:
        """Admit messages of one partition, in order, and start what may be started."""
        simple = not self._suspended and self._keys is None
        if simple and not self._turns.waiting and len(jobs) <= self.room and self._may_start():
            for job in jobs:  # there is room for all: no need for turns
                self._turns.begin(job)
                self._start(job)
        elif jobs:
            self._read_ahead.add_all(jobs)
            enter = self._turns.put if simple else self._enter
            for job in jobs:
                enter(job)
            self.fill()

    def hold(self, job: Job, delay_s: float) -> None:
        """Admit a message that is not due yet; it begins to wait for its turn when it is."""
        self._read_ahead.add(job)
        self._read_ahead.wait_begins(job)
        loop = asyncio.get_running_loop()
        self._not_due[job] = loop.call_later(delay_s, self._is_due, job)

    def fill(self) -> None:
        """Start messages while there is room and they may be started."""
        turns = self._turns
        if not turns.waiting or not self._may_start():
            return
        for _ in range(min(self.room, turns.waiting)):
            if self._bytes_in_flight >= self._size_bytes:
                return
            self._start_next()

    def start_one(self) -> bool:
        """Start a message even if none may be started, to see whether they may again.

        Returns:
            Whether one was waiting.
        """
        if not self._turns.waiting:
            return False
        self._start_next()
        return True

    def _start_next(self) -> None:
        job = self._turns.take()
        self._read_ahead.remove(job)
        self._start(job)

    def _start(self, job: Job) -> None:
        self._jobs[job.partition].add(job)
        self.in_flight += 1
        self._bytes_in_flight += job.size
        self._at_work.add(job)
        self._ready.append(job)
        if not self._standing_by:
            self._stand_by()

    def ended(self, job: Job) -> None:
        """Take note that a message is settled."""
        jobs = self._jobs.get(job.partition)
        if jobs is None or job not in jobs:
            return
        jobs.discard(job)
        self.in_flight -= 1
        self._bytes_in_flight -= job.size
        if self._keys is not None and (following := self._keys.leave(job)) is not None:
            self._wait_for_turn(following, first=True)
        self._changed.set()
        if job in self._at_work:
            self._at_work_no_more(job)
        elif self._turns.waiting and not self._ready:
            self.fill()

    async def wait_for_change(self, timeout_s: float) -> None:
        """Wait until a message ends or becomes due, for at most ``timeout_s`` seconds."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()

    async def drain(self, partitions: Iterable[TopicPartition] | None, budget_s: float) -> None:
        """Let messages in flight end, for at most ``budget_s`` seconds; no other is started.

        What is held of these partitions stays so until ``cancel`` or ``go_on``.

        Args:
            partitions: whose messages; None for all.
            budget_s: the longest wait, in seconds.
        """
        chosen = self._partitions() if partitions is None else set(partitions)
        self.suspend(chosen)
        with suppress(TimeoutError):
            async with asyncio.timeout(budget_s):
                while any(self.is_busy(one) for one in chosen):
                    self._changed.clear()
                    await self._changed.wait()

    def suspend(self, partitions: Collection[TopicPartition]) -> None:
        """Start no message of some partitions until ``go_on``; those in flight go on."""
        for partition in partitions:
            self._suspended.setdefault(partition, [])
        for job in self._turns.remove(partitions):
            self._suspended[job.partition].append(job)

    def go_on(self, partitions: Iterable[TopicPartition]) -> None:
        """Have messages that are held be started again, after ``suspend`` or ``drain``."""
        for partition in partitions:
            for job in self._suspended.pop(partition, ()):
                self._wait_for_turn(job)
        self.fill()

    def is_busy(self, partition: TopicPartition) -> bool:
        """Whether messages of a partition are in flight."""
        return bool(self._jobs.get(partition))

    async def cancel(
        self, partitions: Iterable[TopicPartition] | None, budget_s: float = CANCEL_S
    ) -> None:
        """Stop working on messages, and let go of those held; their offsets stay uncommitted.

        Args:
            partitions: whose messages; None for all.
            budget_s: how long handlers may take to end, in seconds. One that ignores its
                cancellation is left to itself, and named in the log.
        """
        chosen = self._partitions() if partitions is None else set(partitions)
        self._let_go(chosen)
        given_up = {job for one in chosen for job in self._jobs.pop(one, ())}
        self.in_flight -= len(given_up)
        self._bytes_in_flight -= sum(job.size for job in given_up)
        for job in given_up & self._at_work:
            self._at_work.discard(job)
            self._turns.end(job)
        self._ready = deque(job for job in self._ready if job not in given_up)
        mine = asyncio.current_task()
        tasks = {job.task: job for job in given_up if job.task not in {None, mine}}
        await end_tasks(tasks, budget_s)
        self._changed.set()
        self.fill()

    def _partitions(self) -> set[TopicPartition]:
        """All partitions of which there are messages."""
        return {
            *self._jobs,
            *self._turns.partitions(),
            *(self._keys.partitions() if self._keys is not None else ()),
            *(job.partition for job in self._not_due),
            *self._suspended,
        }

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
            if not self._ready:
                self.fill()
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
                if job in self._at_work:
                    self._at_work_no_more(job)
            if task is not None and task.cancelling():
                # Somebody gave up this message, and its handler went on all the same.
                if self._ready and not self._standing_by:
                    self._stand_by()
                return

    def _at_work_no_more(self, job: Job) -> None:
        self._at_work.discard(job)
        self._turns.end(job)
        # While some are ready to begin, more would only wait behind them.
        if self._turns.waiting and not self._ready:
            self.fill()

    def _is_due(self, job: Job) -> None:
        if self._not_due.pop(job, None) is None:
            return
        self._read_ahead.wait_ends(job)
        self._enter(job)
        self._changed.set()
        self.fill()

    def _enter(self, job: Job) -> None:
        if self._keys is None or self._keys.enter(job):
            self._wait_for_turn(job)

    def _wait_for_turn(self, job: Job, *, first: bool = False) -> None:
        if self._suspended and job.partition in self._suspended:
            self._suspended[job.partition].append(job)
        else:
            self._turns.put(job, first=first)

    def _let_go(self, partitions: Collection[TopicPartition]) -> None:
        """Forget what is held of some partitions."""
        held = self._turns.remove(partitions)
        if self._keys is not None:
            held += self._keys.forget(partitions)
        for partition in partitions:
            held += self._suspended.pop(partition, ())
        for job in [one for one in self._not_due if one.partition in partitions]:
            self._not_due.pop(job).cancel()
            self._read_ahead.wait_ends(job)
            held.append(job)
        for job in held:
            self._read_ahead.remove(job)
