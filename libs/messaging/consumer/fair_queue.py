"""A fair queue of waiting messages, so that no interview delays another.

The subject (the interview) with the fewest messages being processed comes first; among equals, the
one served longest ago. Within a subject, messages keep their order of arrival. Retried messages
that are due and fresh ones alternate while there are both::

    processing    0    subject C ── c1, c2
                  1    subject B ── b7
                 31    subject A ── a40, a41, … a1560
    order         c1, then b7, c2, and so on until all three have equally many in processing
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection
from typing import Final

from aiokafka import TopicPartition

from messaging.processing.inflight import InFlightMessage, Subject

RETRIED: Final = 0
FRESH: Final = 1
KINDS: Final = (RETRIED, FRESH)


class FairQueue:
    """Queue of waiting messages that serves interviews in turn, so that none blocks another.

    Attributes:
        waiting: how many there are.
    """

    def __init__(self) -> None:
        self._at_work: dict[Subject, int] = {}
        # By kind: each subject's messages, in order; and the subjects that have some, grouped by
        # number in processing, and within a group in the order of last service. So the next
        # subject is found without a search over all of them.
        self._queues: tuple[dict[Subject, deque[InFlightMessage]], ...] = ({}, {})
        self._levels: tuple[dict[int, OrderedDict[Subject, None]], ...] = ({}, {})
        self._next_kind = RETRIED
        self.waiting = 0

    def may_all_start(self, jobs: Collection[InFlightMessage]) -> bool:
        """Return whether messages may be started without passing through the queue: always."""
        del jobs
        return True

    def put(self, job: InFlightMessage, *, first: bool = False) -> None:
        """Add a message.

        Args:
            job: the message.
            first: whether it goes before the others of its subject.
        """
        kind = FRESH if job.tier is None else RETRIED
        queue = self._queues[kind].get(job.subject)
        if queue is None:
            self._queues[kind][job.subject] = deque((job,))
            self._enter(kind, job.subject, self._at_work.get(job.subject, 0))
        elif first:
            queue.appendleft(job)
        else:
            queue.append(job)
        self.waiting += 1

    def take(self) -> InFlightMessage:
        """Remove and return the next message, which counts as being processed from then on.

        Raises:
            LookupError: none is waiting.
        """
        kind = self._next_kind if self._levels[self._next_kind] else 1 - self._next_kind
        levels = self._levels[kind]
        if not levels:
            raise LookupError("no message is waiting")
        self._next_kind = 1 - kind
        at_work = min(levels)
        level = levels[at_work]
        subject, _ = level.popitem(last=False)
        if not level:
            del levels[at_work]
        queue = self._queues[kind][subject]
        job = queue.popleft()
        self.waiting -= 1
        if queue:
            self._enter(kind, subject, at_work + 1)
        else:
            del self._queues[kind][subject]
        self._at_work[subject] = at_work + 1
        if subject in self._queues[1 - kind]:
            self._move(1 - kind, subject, at_work, at_work + 1)
        return job

    def mark_started(self, job: InFlightMessage) -> None:
        """Count a message as being processed that did not pass through the queue."""
        self._change(job.subject, 1)

    def mark_ended(self, job: InFlightMessage) -> None:
        """Record that a message is no longer being processed."""
        self._change(job.subject, -1)

    def partitions(self) -> set[TopicPartition]:
        """Return the partitions of the waiting messages."""
        queues = (queue for kind in KINDS for queue in self._queues[kind].values())
        return {job.partition for queue in queues for job in queue}

    def remove(self, partitions: Collection[TopicPartition]) -> list[InFlightMessage]:
        """Remove and return the waiting messages of some partitions, in order within a subject."""
        removed: list[InFlightMessage] = []
        for kind in KINDS:
            for subject, queue in list(self._queues[kind].items()):
                staying = deque(job for job in queue if job.partition not in partitions)
                if len(staying) == len(queue):
                    continue
                removed += (job for job in queue if job.partition in partitions)
                self._queues[kind][subject] = staying
                if not staying:
                    self._leave(kind, subject, self._at_work.get(subject, 0))
                    del self._queues[kind][subject]
        self.waiting -= len(removed)
        return removed

    def _change(self, subject: Subject, by: int) -> None:
        before = self._at_work.get(subject, 0)
        now = before + by
        if now:
            self._at_work[subject] = now
        else:
            del self._at_work[subject]
        if self.waiting:
            for kind in KINDS:
                if subject in self._queues[kind]:
                    self._move(kind, subject, before, now)

    def _move(self, kind: int, subject: Subject, before: int, now: int) -> None:
        self._leave(kind, subject, before)
        self._enter(kind, subject, now)

    def _enter(self, kind: int, subject: Subject, at_work: int) -> None:
        levels = self._levels[kind]
        level = levels.get(at_work)
        if level is None:
            level = levels[at_work] = OrderedDict()
        level[subject] = None

    def _leave(self, kind: int, subject: Subject, at_work: int) -> None:
        levels = self._levels[kind]
        level = levels[at_work]
        del level[subject]
        if not level:
            del levels[at_work]
