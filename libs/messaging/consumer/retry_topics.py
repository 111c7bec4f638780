"""Takes in what comes from retry topics: held until due, or remembered and fetched again then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiokafka import TopicPartition

from messaging.consumer.commits import Commits
from messaging.consumer.deferred_retries import Deferred
from messaging.consumer.offsets import OffsetLedger
from messaging.consumer.prefetch import ReadAhead
from messaging.consumer.window import Window
from messaging.processing.inflight import Job

MOST_DEFERRED: Final = 100_000
"""Most messages remembered by their offsets; with more, their partitions wait as a whole."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The topics a stage reads, by the broker's names.

    Attributes:
        names: each topic's name without the prefix.
        tiers: of the retry topics among them, the tier.
    """

    names: Mapping[str, str]
    tiers: Mapping[str, int]


class Retries:
    """The partitions of a stage's retry topics.

    Args:
        window: holds messages until they are due, and works on them.
        read_ahead: says how much may be held.
        commits: the accounts of the partitions.
        sources: what is read.
        clock: seconds since the epoch, as messages say until when they wait.
        now: a monotonic clock, in seconds.
    """

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        window: Window,
        read_ahead: ReadAhead,
        commits: Commits,
        sources: Sources,
        *,
        clock: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window = window
        self._read_ahead = read_ahead
        self._commits = commits
        self._sources = sources
        self._clock = clock
        self._now = now
        self._deferred: dict[TopicPartition, Deferred] = {}

    @property
    def deferred(self) -> int:
        """How many messages are remembered by their offsets."""
        return sum(map(len, self._deferred.values()))

    def wanted(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Return those of some partitions that are to be fetched from now."""
        may_remember = self.deferred < MOST_DEFERRED
        return [
            one
            for one in partitions
            if self._is_going_back(one) or (may_remember and self._commits.may_read_on(one))
        ]

    def next_due_in_s(self) -> float:
        """Return in how many seconds the next remembered message is due; infinite if none is."""
        now = self._now()
        waits = (one.next_due - now for one in self._deferred.values())
        return min((wait for wait in waits if wait > 0), default=float("inf"))

    def forget(self, partition: TopicPartition) -> None:
        """Forget what is known of a partition that went to another member."""
        self._deferred.pop(partition, None)

    def go_back(self, partitions: Iterable[TopicPartition], consumer: Any, epoch: int) -> None:
        """Seek to remembered messages that are due, as far as there is room for them.

        Args:
            partitions: of retry topics, assigned.
            consumer: aiokafka's.
            epoch: of the assignment; a rebalance in between has moved where reading stands.
        """
        for partition in partitions:
            deferred = self._deferred.get(partition)
            if deferred is None:
                continue
            deferred.begin_epoch(epoch)
            room = self._read_ahead.room_to_go_back()
            if deferred.is_going_back or room <= 0:
                continue
            if (offset := deferred.go_back(self._now(), room)) is not None:
                consumer.seek(partition, offset)

    def forget_before(self, partition: TopicPartition, start: int) -> int | None:
        """Enter that messages were deleted before they were due; the caller reports them.

        Args:
            partition: of any topic.
            start: the first offset of the log that is still there.

        Returns:
            Where to read on; None if nothing is known of the partition.
        """
        deferred = self._deferred.get(partition)
        if deferred is None:
            return None
        ledger = self._commits.ledger(partition)
        for offset in deferred.forget_before(start):
            ledger.finish(offset)
        return deferred.seek_to(-1)

    def take(
        self, partition: TopicPartition, records: Sequence[Any], consumer: Any, epoch: int
    ) -> None:
        """Take in what was fetched of a partition.

        Args:
            partition: of a retry topic.
            records: in order, as aiokafka hands them out; at least one.
            consumer: aiokafka's, which is made to go on where that is needed next.
            epoch: of the assignment that they were fetched in.

        Raises:
            LogMovedError: a message that was looked for is not where it was.
        """
        ledger = self._commits.ledger(partition)
        deferred = self._deferred.setdefault(partition, Deferred())
        deferred.begin_epoch(epoch)
        topic, tier = self._sources.names[partition.topic], self._sources.tiers[partition.topic]
        finish = partial(finished, self._window, ledger)
        for received in records:
            is_new = deferred.is_new(received.offset)
            if deferred.take(received.offset):
                self._window.admit(Job(received, partition, topic, tier, finish))
            elif is_new and ledger.start(received.offset):
                self._take_new(Job(received, partition, topic, tier, finish), deferred)
        target = deferred.seek_to(records[-1].offset + 1)
        if target is not None:
            consumer.seek(partition, target)

    def _take_new(self, job: Job, deferred: Deferred) -> None:
        delay_s = job.delivery.wait_s(self._clock())
        if self._must_wait(job, due=delay_s <= 0):
            cost = self._read_ahead.cost(job.size)
            deferred.remember(job.received.offset, cost, self._now() + max(0.0, delay_s))
        elif delay_s > 0:
            self._window.hold(job, delay_s)
        else:
            self._window.admit(job)

    def _must_wait(self, job: Job, *, due: bool) -> bool:
        """Whether a message is to be remembered: there is no room, or others are before it."""
        if not self._read_ahead.fits_retried(job.size, due=due):
            return True
        now = self._now()
        return due and any(one.waits_for_room(now) for one in self._deferred.values())

    def _is_going_back(self, partition: TopicPartition) -> bool:
        deferred = self._deferred.get(partition)
        return deferred is not None and deferred.is_going_back


def finished(window: Window, ledger: OffsetLedger, job: Job) -> None:
    """Enter in a partition's account that a message needs no more work."""
    ledger.finish(job.received.offset)
    window.ended(job)
