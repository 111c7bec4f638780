"""Hands out waiting messages by turns, so that no interview holds up another.

The subject (the interview) with the fewest messages at work comes first; among equals, the one
whose turn was longest ago. Within a subject, messages keep the order in which they came. Messages
whose wait in a retry topic is over and fresh ones alternate, for as long as there are both::

    at work   0    subject C ── c1, c2
              1    subject B ── b7
             31    subject A ── a40, a41, … a1560
    hands out c1, then b7, c2, and so on until all three have as many at work
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection
from typing import Final

from aiokafka import TopicPartition

from messaging.jobs import Job, Subject

RETRIED: Final = 0
FRESH: Final = 1


class _Queue:
    """The messages of one subject.

    Attributes:
        at_work: how many of them are at work.
        waiting: those that are not, retried and fresh ones apart.
    """

    __slots__ = ("at_work", "waiting")

    def __init__(self) -> None:
        self.at_work = 0
        self.waiting: tuple[deque[Job], deque[Job]] = (deque(), deque())


_Level = OrderedDict[_Queue, None]


class Turns:
    """The messages that wait for a place in the window.

    Attributes:
        waiting: how many there are.
    """

    def __init__(self) -> None:
        self._queues: dict[Subject, _Queue] = {}
        # By kind: the queues with messages waiting, by how many of their subject are at work.
        self._levels: tuple[dict[int, _Level], dict[int, _Level]] = ({}, {})
        self._next_kind = RETRIED
        self.waiting = 0

    def put(self, job: Job, *, first: bool = False) -> None:
        """Have a message wait for its turn.

        Args:
            job: the message.
            first: whether it goes before the others of its subject.
        """
        queue = self._queues.get(job.subject)
        if queue is None:
            queue = self._queues[job.subject] = _Queue()
        kind = FRESH if job.tier is None else RETRIED
        waiting = queue.waiting[kind]
        if not waiting:
            self._enter(queue, kind)
        if first:
            waiting.appendleft(job)
        else:
            waiting.append(job)
        self.waiting += 1

    def take(self) -> Job:
        """Hand out the message whose turn it is; from then on it is at work.

        Raises:
            LookupError: none is waiting.
        """
        kind = self._next_kind if self._levels[self._next_kind] else 1 - self._next_kind
        levels = self._levels[kind]
        if not levels:
            raise LookupError("no message is waiting")
        self._next_kind = 1 - kind
        queue = next(iter(levels[min(levels)]))
        self._leave(queue)
        job = queue.waiting[kind].popleft()
        queue.at_work += 1
        self._enter_all(queue)
        self.waiting -= 1
        return job

    def end(self, job: Job) -> None:
        """Note that a message that was handed out is no longer at work."""
        queue = self._queues[job.subject]
        self._leave(queue)
        queue.at_work -= 1
        self._enter_all(queue)
        if not queue.at_work:
            self._drop_if_idle(job.subject, queue)

    def remove(self, partitions: Collection[TopicPartition]) -> list[Job]:
        """Take out the waiting messages of some partitions, in order within each subject."""
        removed: list[Job] = []
        for subject, queue in list(self._queues.items()):
            self._leave(queue)
            for waiting in queue.waiting:
                going = [job for job in waiting if job.partition in partitions]
                if going:
                    staying = [job for job in waiting if job.partition not in partitions]
                    waiting.clear()
                    waiting.extend(staying)
                    removed += going
            self._enter_all(queue)
            self._drop_if_idle(subject, queue)
        self.waiting -= len(removed)
        return removed

    def partitions(self) -> set[TopicPartition]:
        """The partitions of the waiting messages."""
        queues = self._queues.values()
        return {job.partition for queue in queues for kind in queue.waiting for job in kind}

    def _enter_all(self, queue: _Queue) -> None:
        retried, fresh = queue.waiting
        if fresh:
            self._enter(queue, FRESH)
        if retried:
            self._enter(queue, RETRIED)

    def _enter(self, queue: _Queue, kind: int) -> None:
        levels = self._levels[kind]
        level = levels.get(queue.at_work)
        if level is None:
            level = levels[queue.at_work] = OrderedDict()
        level[queue] = None

    def _leave(self, queue: _Queue) -> None:
        for waiting, levels in zip(queue.waiting, self._levels, strict=True):
            if waiting:
                level = levels[queue.at_work]
                del level[queue]
                if not level:
                    del levels[queue.at_work]

    def _drop_if_idle(self, subject: Subject, queue: _Queue) -> None:
        if not queue.at_work and not any(queue.waiting):
            del self._queues[subject]
