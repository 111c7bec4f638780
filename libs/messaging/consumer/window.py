"""The in-flight window: up to N messages processed at once, whatever their partitions.

::

             admit           take              handler done           acknowledged
    fetched ──────▶ waiting ───────▶ processing ────────────▶ sending ────────────▶ settled
                    FairQueue,       takes one of             at most N             ledger
                    KeyOrdering      the N places             more here             advances

Waiting messages take no place: they wait for their turn (``fair_queue``) and in key order for those
of their key before them (``key_order``). Processing and sending together are "in flight". Only
processing takes one of the N places, so that waiting for the broker costs no call to a model; at
most N messages more may wait for the broker.

A task per message would cost more than a handler that never awaits. So a relay task processes
messages one after another while none of them suspends, and keeps another relay standing by that
takes over as soon as one does: handlers that never wait share one task, and every handler that
waits has one of its own. Where a handler takes many records at once, a relay processes those of
one partition together that are ready.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog
from aiokafka import TopicPartition

from messaging.consumer.fair_queue import FairQueue
from messaging.consumer.key_order import KeyOrdering
from messaging.consumer.prefetch import PrefetchBudget
from messaging.consumer.size_lanes import SizeLanes
from messaging.consumer.stragglers import cancel_tasks
from messaging.processing.inflight import InFlightMessage

log = structlog.get_logger(__name__)

MAX_TOGETHER: Final = 256
"""Most messages that are processed together."""

CANCEL_S: Final = 2.0
"""How long a cancelled handler is waited for by default, in seconds."""


class BatchWorker(Protocol):
    """Interface of what processes messages together, where their handlers take many at once."""

    def may_work_together(self, job: InFlightMessage) -> bool:
        """Return whether a message may be processed together with others."""

    async def work_together(self, jobs: Sequence[InFlightMessage]) -> bool:
        """Process messages of one partition; False if each has to be processed by itself."""


class InFlightWindow:
    """Window of messages in flight, which limits their number and their total bytes.

    Args:
        work: processes one message; it returns when only the broker's acknowledgement is
            outstanding.
        size: how many messages may be processed at once; twice as many may be in flight.
        size_bytes: no message is started while those in flight have this many bytes or more.
        by_key: whether messages of one key are processed one after another.
        read_ahead: the budget for what is held.
        may_start: whether messages may be started now; called before each one.
        queue: what orders the waiting messages; by default, a ``FairQueue``.
        batches: processes messages together; None if all are processed one by one.
    """

    def __init__(  # noqa: PLR0913 - its limits
        self,
        work: Callable[[InFlightMessage], Awaitable[None]],
        *,
        size: int,
        size_bytes: int,
        by_key: bool,
        read_ahead: PrefetchBudget,
        may_start: Callable[[], bool] = lambda: True,
        queue: FairQueue | SizeLanes | None = None,
        batches: BatchWorker | None = None,
    ) -> None:
        self._work = work
        self._size = size
        self._size_bytes = size_bytes
        self._read_ahead = read_ahead
        self._may_start = may_start
        self._batches = batches
        self._ready: deque[InFlightMessage] = deque()
        self._standing_by = False
        self._relays: set[asyncio.Task[None]] = set()
        self._processing: set[InFlightMessage] = set()
        self._jobs: dict[TopicPartition, set[InFlightMessage]] = defaultdict(set)
        self._queue = FairQueue() if queue is None else queue
        self._keys = KeyOrdering() if by_key else None
        self._not_due: dict[InFlightMessage, asyncio.TimerHandle] = {}
        self._suspended: dict[TopicPartition, list[InFlightMessage]] = {}
        self._changed = asyncio.Event()
        self._bytes_in_flight = 0
        self.in_flight = 0
        self.failure: Exception | None = None

    @property
    def room(self) -> int:
        """How many more messages may be started."""
        if self._bytes_in_flight >= self._size_bytes:
            return 0
        return min(self._size - len(self._processing), 2 * self._size - self.in_flight)

    @property
    def waiting(self) -> int:
        """How many messages are queued and could start at once."""
        return self._queue.waiting

    def admit(self, job: InFlightMessage) -> None:
        """Queue a message; ``fill`` starts it when there is room."""
        self._read_ahead.add(job)
        self._enter(job)

    def admit_batch(self, jobs: Sequence[InFlightMessage]) -> None:
        """Queue messages of one partition, in order, and start those that may start."""
        simple = not self._suspended and self._keys is None
        fits = simple and not self._queue.waiting and len(jobs) <= self.room
        if fits and self._queue.may_all_start(jobs) and self._may_start():
            for job in jobs:  # there is room for all: no need to queue
                self._queue.mark_started(job)
                self._start(job)
        elif jobs:
            self._read_ahead.add_all(jobs)
            enter = self._queue.put if simple else self._enter
            for job in jobs:
                enter(job)
            self.fill()

    def admit_delayed(self, job: InFlightMessage, delay_s: float) -> None:
        """Hold a message that is not due yet; it is queued when it is."""
        self._read_ahead.add(job)
        self._read_ahead.mark_delayed(job)
        loop = asyncio.get_running_loop()
        self._not_due[job] = loop.call_later(delay_s, self._on_due, job)

    def hasten(self, partition: TopicPartition, offsets: Collection[int]) -> None:
        """Queue held messages of a partition that are not due, as if they were."""
        for job in [one for one in self._not_due if one.partition == partition]:
            if job.received.offset in offsets:
                self._not_due[job].cancel()
                self._on_due(job)

    def fill(self) -> None:
        """Start messages while there is room and they may be started."""
        queue = self._queue
        if not queue.waiting or not self._may_start():
            return
        for _ in range(min(self.room, queue.waiting)):
            if self._bytes_in_flight >= self._size_bytes:
                return
            self._start_next()

    def start_one(self) -> bool:
        """Start a message even if starting is not allowed now, as a probe.

        Returns:
            Whether a message was waiting.
        """
        if not self._queue.waiting:
            return False
        self._start_next()
        return True

    def _start_next(self) -> None:
        job = self._queue.take()
        self._read_ahead.remove(job)
        self._start(job)

    def _start(self, job: InFlightMessage) -> None:
        self._jobs[job.partition].add(job)
        self.in_flight += 1
        self._bytes_in_flight += job.size
        self._processing.add(job)
        self._ready.append(job)
        if not self._standing_by:
            self._stand_by()

    def mark_settled(self, job: InFlightMessage) -> None:
        """Record that a message is settled: its results or its dead letter are acknowledged."""
        jobs = self._jobs.get(job.partition)
        if jobs is None or job not in jobs:
            return
        jobs.discard(job)
        self.in_flight -= 1
        self._bytes_in_flight -= job.size
        if self._keys is not None and (following := self._keys.leave(job)) is not None:
            self._enqueue(following, first=True)
        self._changed.set()
        if job in self._processing:
            self._release_place(job)
        elif self._queue.waiting and not self._ready:
            self.fill()

    async def wait_for_change(self, timeout_s: float) -> None:
        """Wait until a message ends or becomes due, for at most ``timeout_s`` seconds."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()

    async def drain(
        self,
        partitions: Iterable[TopicPartition] | None,
        budget_s: float,
        *,
        handled_only: bool = False,
    ) -> None:
        """Wait until messages in flight are settled, up to a time limit; start no others.

        Held messages of these partitions stay held until ``cancel`` or ``resume``.

        Args:
            partitions: whose messages; None for all.
            budget_s: the longest wait, in seconds.
            handled_only: whether to wait only for messages that their handlers are done with.
        """
        chosen = self._partitions() if partitions is None else set(partitions)
        self.suspend(chosen)
        with suppress(TimeoutError):
            async with asyncio.timeout(budget_s):
                while any(
                    job.handled or not handled_only
                    for one in chosen
                    for job in self._jobs.get(one, ())
                ):
                    self._changed.clear()
                    await self._changed.wait()

    def suspend(self, partitions: Collection[TopicPartition]) -> None:
        """Start no message of some partitions until ``resume``; those in flight continue."""
        for partition in partitions:
            self._suspended.setdefault(partition, [])
        for job in self._queue.remove(partitions):
            self._suspended[job.partition].append(job)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Start held messages of some partitions again, after ``suspend`` or ``drain``."""
        for partition in partitions:
            for job in self._suspended.pop(partition, ()):
                self._enqueue(job)
        self.fill()

    def is_busy(self, partition: TopicPartition) -> bool:
        """Return whether messages of a partition are in flight."""
        return bool(self._jobs.get(partition))

    async def cancel(
        self, partitions: Iterable[TopicPartition] | None, budget_s: float = CANCEL_S
    ) -> None:
        """Cancel processing and drop held messages; their offsets stay uncommitted.

        Args:
            partitions: whose messages; None for all.
            budget_s: how long handlers may take to end, in seconds. One that ignores its
                cancellation is left running, and logged.
        """
        chosen = self._partitions() if partitions is None else set(partitions)
        self._drop(chosen)
        given_up = {job for one in chosen for job in self._jobs.pop(one, ())}
        self.in_flight -= len(given_up)
        self._bytes_in_flight -= sum(job.size for job in given_up)
        for job in given_up & self._processing:
            self._processing.discard(job)
            self._queue.mark_ended(job)
        self._ready = deque(job for job in self._ready if job not in given_up)
        # A caller that itself runs in one of these tasks must not cancel and await itself.
        mine = asyncio.current_task()
        tasks = {job.task: job for job in given_up if job.task not in {None, mine}}
        await cancel_tasks(tasks, budget_s)
        self._changed.set()
        self.fill()

    def _partitions(self) -> set[TopicPartition]:
        """Return all partitions of which there are messages."""
        return {
            *self._jobs,
            *self._queue.partitions(),
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
            # Start the next ones and have a relay ready before this one suspends: until the
            # handler's first await no other task runs.
            if not self._ready:
                self.fill()
            if self._ready and not self._standing_by:
                self._stand_by()
            if self._batches is not None and self._batches.may_work_together(job):
                await self._work_together(self._batches, job, task)
            else:
                await self._work_alone(job, task)
            if task is not None and task.cancelling():
                # ``cancel`` gave up this message and waits for this task to end, although the
                # handler ignored its cancellation: it must not take another message.
                if self._ready and not self._standing_by:
                    self._stand_by()
                return

    async def _work_alone(self, job: InFlightMessage, task: asyncio.Task[None] | None) -> None:
        job.task = task
        try:
            await self._work(job)
        except Exception as error:
            log.exception("unsettled", topic=job.topic, offset=job.received.offset)
            self.failure = self.failure or error
        finally:
            if job.task is task:  # else its results are being sent again, in another task
                job.task = None
            if job in self._processing:
                self._release_place(job)

    async def _work_together(
        self, batches: BatchWorker, first: InFlightMessage, task: asyncio.Task[None] | None
    ) -> None:
        """Process a message with those of its partition that are ready, too."""
        jobs = [first, *self._take_ready(batches, first)]
        for job in jobs:
            job.task = task
        is_done = True
        try:
            is_done = await batches.work_together(jobs)
        except Exception as error:
            log.exception("unsettled", topic=first.topic, offset=first.received.offset)
            self.failure = self.failure or error
        finally:
            for job in jobs:
                job.task = None
            # Those that were cancelled meanwhile are nobody's to process any more.
            mine = [job for job in jobs if job in self._processing]
            if is_done:
                for job in mine:
                    self._release_place(job)
            else:
                self._ready.extendleft(reversed(mine))

    def _take_ready(self, batches: BatchWorker, first: InFlightMessage) -> list[InFlightMessage]:
        """Take the messages off ``_ready`` that may be processed together with one."""
        taken: list[InFlightMessage] = []
        others: deque[InFlightMessage] = deque()
        for job in self._ready:
            joins = len(taken) < MAX_TOGETHER - 1 and job.partition == first.partition
            (taken if joins and batches.may_work_together(job) else others).append(job)
        self._ready = others
        return taken

    def _release_place(self, job: InFlightMessage) -> None:
        self._processing.discard(job)
        self._queue.mark_ended(job)
        # While some are ready, more would only wait behind them.
        if self._queue.waiting and not self._ready:
            self.fill()

    def _on_due(self, job: InFlightMessage) -> None:
        if self._not_due.pop(job, None) is None:
            return
        self._read_ahead.mark_due(job)
        job.fetched_at = time.monotonic()  # what it waits from here on is for its turn
        self._enter(job)
        self._changed.set()
        self.fill()

    def _enter(self, job: InFlightMessage) -> None:
        if self._keys is None or self._keys.enter(job):
            self._enqueue(job)

    def _enqueue(self, job: InFlightMessage, *, first: bool = False) -> None:
        if self._suspended and job.partition in self._suspended:
            self._suspended[job.partition].append(job)
        else:
            self._queue.put(job, first=first)

    def _drop(self, partitions: Collection[TopicPartition]) -> None:
        """Drop the held messages of some partitions."""
        held = self._queue.remove(partitions)
        if self._keys is not None:
            held += self._keys.forget(partitions)
        for partition in partitions:
            held += self._suspended.pop(partition, ())
        for job in [one for one in self._not_due if one.partition in partitions]:
            self._not_due.pop(job).cancel()
            self._read_ahead.mark_due(job)
            held.append(job)
        for job in held:
            self._read_ahead.remove(job)
