"""Reading of retry topics: messages are held until due, or remembered and fetched again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiokafka import TopicPartition

from messaging.consumer.commits import OffsetCommitter
from messaging.consumer.deferred_retries import DeferredRetries
from messaging.consumer.offsets import OffsetLedger
from messaging.consumer.prefetch import PrefetchBudget
from messaging.consumer.window import InFlightWindow
from messaging.processing.inflight import InFlightMessage
from messaging.processing.waiting_decisions import WaitingDecisions
from messaging.stage_metrics import StageMetrics

MAX_DEFERRED: Final = 100_000
"""Most messages remembered by their offsets; with more, their partitions wait as a whole."""


@dataclass(frozen=True, slots=True)
class SubscribedTopics:
    """Topics that a service subscribes to, by their full names on the broker.

    Attributes:
        names: each topic's name without the prefix.
        tiers: of the retry topics among them, the tier.
    """

    names: Mapping[str, str]
    tiers: Mapping[str, int]


class RetryTopicReader:
    """Reader of retry topics, which holds each message back until its retry is due.

    Args:
        window: holds messages until they are due, and works on them.
        read_ahead: the memory budget for what is held.
        commits: the partitions' ledgers.
        sources: the subscribed topics.
        decisions: what operators decided about messages that wait.
        metrics: counts what is fetched.
        clock: seconds since the epoch, as in the messages' ``onrecord-not-before``.
        now: a monotonic clock, in seconds.
    """

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        window: InFlightWindow,
        read_ahead: PrefetchBudget,
        commits: OffsetCommitter,
        sources: SubscribedTopics,
        *,
        decisions: WaitingDecisions,
        metrics: StageMetrics,
        clock: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window = window
        self._read_ahead = read_ahead
        self._commits = commits
        self._sources = sources
        self._decisions = decisions
        self._metrics = metrics
        self._clock = clock
        self._now = now
        self._deferred: dict[TopicPartition, DeferredRetries] = {}

    @property
    def deferred(self) -> int:
        """How many messages are remembered by their offsets."""
        return sum(map(len, self._deferred.values()))

    def wanted(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Return those of some partitions that are to be fetched now."""
        # A partition whose remembered messages are due is read whatever the limits: reading is what
        # makes them fewer.
        may_remember = self.deferred < MAX_DEFERRED
        return [
            one
            for one in partitions
            if self._is_refetching(one) or (may_remember and self._commits.may_read_more(one))
        ]

    def next_due_in_s(self) -> float:
        """Return the seconds until the next remembered message is due; infinite without any."""
        now = self._now()
        waits = (one.next_due - now for one in self._deferred.values())
        return min((wait for wait in waits if wait > 0), default=float("inf"))

    def forget(self, partition: TopicPartition) -> None:
        """Forget a partition that was assigned to another member."""
        self._deferred.pop(partition, None)

    def hasten(self, partition: TopicPartition, offsets: Collection[int]) -> None:
        """Have messages begun that are not due, as an operator decided about them.

        Args:
            partition: of a retry topic; nothing happens if it is another member's.
            offsets: of messages in it; those that are in flight or finished are passed over.
        """
        self._window.hasten(partition, offsets)
        if (deferred := self._deferred.get(partition)) is not None:
            deferred.hasten(offsets, self._now())

    def refetch_due(self, partitions: Iterable[TopicPartition], consumer: Any, epoch: int) -> None:
        """Seek to remembered messages that are due, as far as there is room for them.

        Args:
            partitions: of retry topics, assigned.
            consumer: aiokafka's.
            epoch: of the assignment; a rebalance in between has reset the position.
        """
        for partition in partitions:
            deferred = self._deferred.get(partition)
            if deferred is None:
                continue
            deferred.set_epoch(epoch)
            room = self._read_ahead.refetch_room()
            if deferred.is_refetching or room <= 0:
                continue
            if (offset := deferred.refetch_due(self._now(), room)) is not None:
                consumer.seek(partition, offset)

    def drop_before(self, partition: TopicPartition, start: int) -> int | None:
        """Mark messages as finished that were deleted before they were due; the caller logs them.

        Args:
            partition: of any topic.
            start: the first offset of the log that is still there.

        Returns:
            The offset to read next; None if nothing is remembered of the partition.
        """
        deferred = self._deferred.get(partition)
        if deferred is None:
            return None
        ledger = self._commits.ledger(partition)
        dropped = deferred.drop_before(start)
        for offset in dropped:
            ledger.finish(offset)
        self._metrics.discarded(len(dropped))
        return deferred.seek_to(-1)

    def take(
        self, partition: TopicPartition, records: Sequence[Any], consumer: Any, epoch: int
    ) -> None:
        """Enter the fetched messages of a partition.

        Args:
            partition: of a retry topic.
            records: in order, as aiokafka hands them out; at least one.
            consumer: aiokafka's consumer, which is made to seek where necessary.
            epoch: of the assignment that they were fetched in.

        Raises:
            OffsetWentBackError: a remembered message is not at its offset.
        """
        ledger = self._commits.ledger(partition)
        deferred = self._deferred.setdefault(partition, DeferredRetries())
        deferred.set_epoch(epoch)
        topic, tier = self._sources.names[partition.topic], self._sources.tiers[partition.topic]
        finish = partial(mark_message_finished, self._window, ledger)
        taken = 0
        for received in records:
            # Between a seek back and the frontier, three kinds of messages arrive: the one that is
            # due, others that were entered before (neither new nor due: skipped), and new ones.
            is_new = deferred.is_new(received.offset)
            if deferred.take(received.offset):
                self._window.admit(InFlightMessage(received, partition, topic, tier, finish))
            elif is_new and ledger.start(received.offset, received.timestamp):
                job = InFlightMessage(received, partition, topic, tier, finish)
                ledger.set_timestamp(received.offset, _waits_since_ms(job))
                self._take_new(job, deferred)
                taken += 1
        self._metrics.received(topic, taken)
        target = deferred.seek_to(records[-1].offset + 1)
        if target is not None:
            consumer.seek(partition, target)

    def _take_new(self, job: InFlightMessage, deferred: DeferredRetries) -> None:
        delay_s = job.delivery.wait_s(self._clock())
        if self._decisions.must_be_done(job.delivery):
            delay_s = 0.0  # what is decided is done at once, and a hold written down
        if self._must_wait(job, due=delay_s <= 0):
            # By the monotonic clock from here on: a change of the wall clock must not delay it.
            cost = self._read_ahead.cost(job.size)
            deferred.remember(job.received.offset, cost, self._now() + max(0.0, delay_s))
        elif delay_s > 0:
            self._window.admit_delayed(job, delay_s)
        else:
            self._window.admit(job)

    def _must_wait(self, job: InFlightMessage, *, due: bool) -> bool:
        """Return whether a message is to be remembered only: no room, or others come first."""
        if not self._read_ahead.has_room_for_retry(job.size, due=due):
            return True
        # A message that is due must not overtake remembered ones that are due too: they were first.
        now = self._now()
        return due and any(one.has_due(now) for one in self._deferred.values())

    def _is_refetching(self, partition: TopicPartition) -> bool:
        deferred = self._deferred.get(partition)
        return deferred is not None and deferred.is_refetching


def _waits_since_ms(job: InFlightMessage) -> int:
    """Return since when a message of a retry topic waits, in milliseconds since the epoch.

    Since it was first read's own timestamp; one that was replayed, since it was put there: what it
    waited for before, as a dead letter, is nothing that the stage is late with.
    """
    origin_ms = job.delivery.origin.timestamp_ms
    own_ms = int(job.received.timestamp)
    return origin_ms if origin_ms > 0 and not (job.delivery.replays or job.tier == 0) else own_ms


def mark_message_finished(
    window: InFlightWindow, ledger: OffsetLedger, job: InFlightMessage
) -> None:
    """Mark a message as finished in its partition's offset ledger and in the in-flight window."""
    ledger.finish(job.received.offset)
    window.mark_settled(job)
