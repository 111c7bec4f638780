"""A memory budget for messages that are fetched and not yet being processed.

A quarter of the bytes is for retry topics, at most half of it for messages that are not due. The
rest is for the stage's own topics: half of it is divided evenly among their partitions, the other
half is shared on demand, so that one partition with a huge interview can be read far ahead and the
others still have room::

    limit  ├─ partitions: own shares ────────┬─ partitions: on demand ────────┬ not due ┬ due ┤
           0                               3/8                              3/4       7/8     1
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aiokafka import TopicPartition

from messaging.processing.inflight import InFlightMessage


class PrefetchBudget:
    """Limit on the memory taken by messages that are fetched but not yet started.

    A message counts with its bytes, but at least ``limit_bytes / limit``, so that one counter
    enforces both limits. A partition of which nothing is held accepts a message of any size, while
    all partitions together hold less than the limit: else each of them could hold a huge one.

    Args:
        limit: how many messages may be held.
        limit_bytes: how many bytes they may have together.
    """

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._least = max(1, limit_bytes // limit)
        self._for_retries = limit_bytes // 4
        self._for_sources = limit_bytes - self._for_retries
        self._held: dict[TopicPartition, int] = {}
        self._sources: Collection[TopicPartition] = ()
        self._share = self._for_sources // 2
        self._full: set[TopicPartition] = set()
        self.retried = 0
        self.not_due = 0

    @property
    def held(self) -> int:
        """Bytes in use."""
        return sum(self._held.values()) + self.retried

    def set_partitions(self, sources: Collection[TopicPartition]) -> None:
        """Divide the budget among the stage's own partitions anew.

        Args:
            sources: the assigned partitions of the stage's own topics.
        """
        if sources != self._sources:
            self._sources = frozenset(sources)
            self._share = self._for_sources // 2 // max(1, len(sources))
            self._full.clear()

    def add(self, job: InFlightMessage) -> None:
        """Add a message that is held."""
        self.add_all((job,))

    def add_all(self, jobs: Sequence[InFlightMessage]) -> None:
        """Add messages of one partition that are held; at least one."""
        least = self._least
        cost = sum([max(least, job.size) for job in jobs])
        partition = jobs[0].partition
        if jobs[0].tier is None:
            self._held[partition] = self._held.get(partition, 0) + cost
        else:
            self.retried += cost

    def remove(self, job: InFlightMessage) -> None:
        """Remove a message that was started or given up."""
        cost = max(self._least, job.size)
        if job.tier is not None:
            self.retried -= cost
        elif (left := self._held[job.partition] - cost) > 0:
            self._held[job.partition] = left
        else:
            del self._held[job.partition]

    def room(self, partition: TopicPartition) -> int:
        """Return how many more bytes of a source partition may be held; may be negative."""
        # What a partition holds beyond its own share comes out of the half that all share.
        share = self._share
        common = sum(used - share for used in self._held.values() if used > share)
        own = max(0, share - self._held.get(partition, 0))
        return own + self._for_sources // 2 - common

    def holds(self, partition: TopicPartition) -> bool:
        """Return whether anything is held of a source partition."""
        return partition in self._held

    def wants(self, partition: TopicPartition) -> bool:
        """Return whether more of a source partition is to be fetched.

        After it was full, it is fetched again only when a quarter of its room is free: fetching
        many messages at once is cheaper than one by one.
        """
        used = self._held.get(partition, 0)
        # Whoever holds nothing may fetch, even if others have used up the shared half: a single
        # message larger than a share would never be read otherwise. Only what is larger than
        # shares takes all partitions together to the limit; then they wait until one is started.
        if not used:
            self._full.discard(partition)
            return sum(self._held.values()) < self._limit
        room = self.room(partition)
        # A message takes no less. To fetch one that does not fit means to seek back to it, and the
        # client discards all it has fetched of the partition.
        if room < self._least:
            self._full.add(partition)
        elif partition in self._full and 4 * room >= used + room:
            self._full.discard(partition)
        return partition not in self._full

    def is_full(self, partition: TopicPartition) -> None:
        """Record that the next message of a source partition did not fit."""
        self._full.add(partition)

    def has_room_for_retry(self, size: int, *, due: bool) -> bool:
        """Return whether a message from a retry topic may be held."""
        cost = self.cost(size)
        if due:
            due_ones = self.retried - self.not_due
            return due_ones == 0 or self.retried + cost <= self._for_retries
        return self.not_due == 0 or self.not_due + cost <= self._for_retries // 2

    def refetch_room(self) -> int:
        """Return how many bytes of remembered messages that are due may be fetched again now.

        0 while some are held and less than a quarter of the room is free: seeking back discards
        what was fetched already, so it has to be worth it. At least 1 while none is held.
        """
        room, due = self._for_retries - self.retried, self.retried - self.not_due
        if not due:
            return max(1, room)
        return room if 4 * room >= due + room else 0

    def mark_delayed(self, job: InFlightMessage) -> None:
        """Record that a held message is not due yet."""
        self.not_due += self.cost(job.size)

    def mark_due(self, job: InFlightMessage) -> None:
        """Record that a message became due, or was given up."""
        self.not_due -= self.cost(job.size)

    def cost(self, size: int) -> int:
        """Return how many bytes of the budget a message of ``size`` bytes uses."""
        return max(size, self._least)
