"""A queue of waiting messages in which large ones never take all places."""

from __future__ import annotations

from collections.abc import Collection

from aiokafka import TopicPartition

from messaging.consumer.fair_queue import FairQueue
from messaging.processing.inflight import InFlightMessage


class SizeLanes:
    """Pair of fair queues: one for large messages, one for all others.

    Large messages go first, but only so many of them are processed at the same time. The other
    places are left to messages that are not large, so neither kind holds up the other.

    Args:
        large_bytes: the size in memory from which a message is large, in bytes.
        max_large: how many large messages may be processed at the same time.
    """

    def __init__(self, large_bytes: int, max_large: int) -> None:
        self._large_bytes = large_bytes
        self._max_large = max_large
        self._large = FairQueue()
        self._others = FairQueue()
        self._large_at_work = 0

    @property
    def waiting(self) -> int:
        """How many messages wait and could be started now, given enough places."""
        return self._others.waiting + min(self._large.waiting, self._large_places)

    @property
    def _large_places(self) -> int:
        return max(0, self._max_large - self._large_at_work)

    def may_all_start(self, jobs: Collection[InFlightMessage]) -> bool:
        """Return whether messages may be started without passing through the queue."""
        large = sum(self._is_large(job) for job in jobs)
        return large <= self._large_places and not (large and self._large.waiting)

    def put(self, job: InFlightMessage, *, first: bool = False) -> None:
        """Add a message; see ``FairQueue.put``."""
        self._lane(job).put(job, first=first)

    def take(self) -> InFlightMessage:
        """Remove and return the next message, which counts as being processed from then on.

        Raises:
            LookupError: none is waiting that may be started.
        """
        if self._large.waiting and self._large_places:
            self._large_at_work += 1
            return self._large.take()
        return self._others.take()

    def mark_started(self, job: InFlightMessage) -> None:
        """Count a message as being processed that did not pass through the queue."""
        self._large_at_work += self._is_large(job)
        self._lane(job).mark_started(job)

    def mark_ended(self, job: InFlightMessage) -> None:
        """Record that a message is no longer being processed."""
        self._large_at_work -= self._is_large(job)
        self._lane(job).mark_ended(job)

    def partitions(self) -> set[TopicPartition]:
        """Return the partitions of the waiting messages."""
        return self._large.partitions() | self._others.partitions()

    def remove(self, partitions: Collection[TopicPartition]) -> list[InFlightMessage]:
        """Remove and return the waiting messages of some partitions.

        Messages of a partition are returned by offset, as those of a subject may be in both queues.
        """
        removed = self._large.remove(partitions) + self._others.remove(partitions)
        return sorted(removed, key=lambda job: (job.partition, job.received.offset))

    def _is_large(self, job: InFlightMessage) -> bool:
        return job.size >= self._large_bytes

    def _lane(self, job: InFlightMessage) -> FairQueue:
        return self._large if self._is_large(job) else self._others
