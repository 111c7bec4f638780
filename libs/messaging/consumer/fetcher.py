"""Fetching of a stage's messages, ahead of processing and within the prefetch budget.

Reading ahead lets a message start although thousands of others wait in front of it. Retry topics
are polled first; their messages are held until due, and what does not fit is remembered by its
offset and fetched again (``deferred_retries``).

Polling never stops, as a member that does not poll is dropped from the group. While the whole stage
is held up, its partitions are paused. A partition that has used its prefetch budget is only left
out of polls, not paused: aiokafka discards what it has buffered of a paused partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from math import ceil
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from messaging.consumer.assignment import AssignmentListener
from messaging.consumer.commits import OffsetCommitter
from messaging.consumer.corrupt_batches import CorruptBatchError
from messaging.consumer.deleted_records import DeletedRecordsHandler
from messaging.consumer.offsets import OffsetWentBackError
from messaging.consumer.prefetch import PrefetchBudget
from messaging.consumer.retry_topics import (
    RetryTopicReader,
    SubscribedTopics,
    mark_message_finished,
)
from messaging.consumer.window import InFlightWindow
from messaging.kafka.aiokafka_internals import get_position
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.processing.inflight import InFlightMessage
from messaging.processing.processor import MessageProcessor
from messaging.processing.waiting_decisions import WaitingDecisions

log = structlog.get_logger(__name__)

POLL_S: Final = 0.2
"""How long one poll waits for messages, in seconds; also how soon a pause takes effect."""

SHORT_POLL_S: Final = 0.005
"""How long a poll waits where the broker answers empty fetches at once, in seconds."""

FULL_POLL_S: Final = 0.02
"""How long a poll waits while a partition is left out, in seconds: how soon it is read again."""

MAX_POLL_RECORDS: Final = 500
"""Most messages of one poll; between two polls the event loop runs other tasks."""

NO_PARTITION: Final = TopicPartition("", 0)
"""A partition that does not exist: polling it alone fetches nothing."""

Batches = dict[TopicPartition, Sequence[Any]]
"""Fetched records by partition, in order."""


class Fetcher:
    """Fetcher that polls Kafka for records and adds them to the messages in flight.

    Args:
        window: holds and processes what was fetched.
        read_ahead: the memory budget for what is held.
        worker: knows what holds up the stage.
        commits: the partitions' ledgers; messages are entered as they are fetched.
        assignment: the partitions that are this member's.
        sources: the subscribed topics.
        decisions: what operators decided about messages that wait.
        idle_pause_s: the rest between looks at idle topics, in seconds; 0 where the broker keeps an
            empty fetch waiting.

    Attributes:
        prefetch: the memory budget for what is held.
        retries: reads the retry topics.
    """

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        window: InFlightWindow,
        read_ahead: PrefetchBudget,
        worker: MessageProcessor,
        *,
        commits: OffsetCommitter,
        assignment: AssignmentListener,
        sources: SubscribedTopics,
        decisions: WaitingDecisions,
        idle_pause_s: float,
    ) -> None:
        self._window = window
        self.prefetch = read_ahead
        self._worker = worker
        self._commits = commits
        self._assignment = assignment
        self._sources = sources
        self.retries = RetryTopicReader(
            window, read_ahead, commits, sources, decisions=decisions, metrics=worker.metrics
        )
        self._deleted = DeletedRecordsHandler(commits, self.retries, assignment)
        self._idle_pause_s = idle_pause_s
        self._poll_s = SHORT_POLL_S if idle_pause_s else POLL_S
        self._largest: dict[TopicPartition, int] = {}
        self._consumer: Any = None

    async def run(self, consumer: Any) -> None:
        """Fetch until cancelled.

        Args:
            consumer: aiokafka's, which has joined the group.

        Raises:
            KafkaUnavailableError: polling fails in a way that polling again does not mend, or a
                message could not be settled.
        """
        self._consumer = consumer
        while True:
            try:
                await self.poll()
            except OffsetWentBackError as error:
                log.warning("log_moved", error=str(error))
                raise KafkaUnavailableError("a log was replaced while it was read") from error

    def fetching(self) -> set[TopicPartition]:
        """Return the partitions of which messages are wanted at present."""
        if self._consumer is None or not self._assignment.complete or self._worker.trouble:
            return set()
        retries, own = self._assigned()
        return {*self.retries.wanted(retries), *self._wanted(own)}

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget partitions that were assigned to another member."""
        for partition in partitions:
            self._largest.pop(partition, None)
            self.retries.forget(partition)

    async def poll(self) -> None:
        """Fetch once, and start what may be started.

        Raises:
            KafkaUnavailableError: a message could not be settled.
        """
        if failure := self._window.failure or self._worker.failure:
            raise KafkaUnavailableError("a message could not be settled") from failure
        window = self._window
        window.fill()
        newcomer = self._worker.admits_newcomer(in_flight=window.in_flight, room=window.room)
        if newcomer and window.start_one():
            await asyncio.sleep(0)  # let it start: that decides whether another is wanted
            return
        stopped = bool(self._worker.trouble) and not newcomer
        self._pause_and_resume(everything=stopped)
        found = not stopped and await self._read_on(1 if newcomer else MAX_POLL_RECORDS)
        if stopped:
            await self._take_in((), self._poll_s, 1)  # polls for liveness: all are paused
        if found:
            await asyncio.sleep(0)  # else other tasks starve while there is more to fetch
            return
        self._skip_non_messages()
        if self._idle_pause_s:
            await self._rest()

    async def _read_on(self, most: int) -> bool:
        """Fetch at most ``most`` messages of each kind of topic, retry topics first.

        Returns:
            Whether there were any.
        """
        retries, own = self._assigned()
        wanted = self._wanted(own)
        self.retries.refetch_due(retries, self._consumer, self._assignment.epoch)
        retries = self.retries.wanted(retries)
        if not retries and not wanted:
            await self._window.wait_for_change(POLL_S)
            await self._poll_for_liveness()
            return False
        if retries and wanted and await self._take_in(retries, 0, most):
            await self._take_in(wanted, 0, self._most(wanted, most))
            return True
        timeout_s = FULL_POLL_S if len(wanted) < len(own) else self._poll_s
        timeout_s = min(timeout_s, self.retries.next_due_in_s())
        return await self._take_in([*retries, *wanted], timeout_s, self._most(wanted, most))

    async def _take_in(
        self, partitions: Sequence[TopicPartition], timeout_s: float, most: int
    ) -> bool:
        """Fetch from some partitions, or from all if none is named, and hand the messages over.

        Returns:
            Whether anything came.
        """
        epoch = self._assignment.epoch
        batches = await self._fetch(partitions, timeout_s, most)
        if epoch != self._assignment.epoch:
            self._discard_and_seek_back(batches)
            return False
        for partition, records in batches.items():
            self._assignment.corrupt.mark_passed(partition)
            if partition.topic in self._sources.tiers:
                self.retries.take(partition, records, self._consumer, epoch)
            else:
                self._take(partition, records)
        self._window.fill()
        return bool(batches)

    async def _fetch(
        self, partitions: Sequence[TopicPartition], timeout_s: float, most: int
    ) -> Batches:
        """Return one poll's records; none if it failed in a way that the next poll may mend."""
        try:
            return await self._consumer.getmany(  # type: ignore[no-any-return]  # aiokafka is untyped
                *partitions, timeout_ms=ceil(timeout_s * 1000), max_records=most
            )
        except CorruptBatchError as error:
            # aiokafka lost what the same poll had from other partitions, too.
            self._assignment.corrupt.add(error)
            self._assignment.rewind()
        except OffsetOutOfRangeError as error:
            await self._deleted.skip_deleted(self._consumer, error.args[0])
        except KafkaError as error:
            if isinstance(error, NoOffsetForPartitionError) and not self._is_read(error.args[0]):
                return {}  # its start is still being looked up, or it was revoked
            if not error.retriable:
                # The client may have left its group for good, or skipped a record it could not
                # parse: a new client starts at the committed offsets.
                raise KafkaUnavailableError(f"polling failed ({type(error).__name__})") from error
            log.warning("poll_failed", error=repr(error))
            await asyncio.sleep(POLL_S)
        return {}

    def _is_read(self, partition: TopicPartition) -> bool:
        return partition in self._consumer.assignment() - self._assignment.withheld

    def _skip_non_messages(self) -> None:
        """Advance ledgers past aborted transactions and transaction markers."""
        for partition in self._consumer.assignment() - self._assignment.withheld:
            self._commits.skip_to(partition, get_position(self._consumer, partition))

    def _discard_and_seek_back(self, batches: Batches) -> None:
        """Discard records that arrived during a rebalance, and seek back to them."""
        assigned = self._consumer.assignment() - self._assignment.withheld
        for partition, records in batches.items():
            if partition in assigned:
                known = self._commits.next_offset(partition)
                self._consumer.seek(partition, known if known >= 0 else records[0].offset)

    def _assigned(self) -> tuple[list[TopicPartition], list[TopicPartition]]:
        """Return the partitions of retry topics, and of the stage's own topics."""
        assigned = self._consumer.assignment() - self._assignment.withheld
        tiers = self._sources.tiers
        retries = [one for one in assigned if one.topic in tiers]
        own = [one for one in assigned if one.topic not in tiers]
        self.prefetch.set_partitions(frozenset(own))
        return retries, own

    def _wanted(self, own: Iterable[TopicPartition]) -> list[TopicPartition]:
        may_read_more, wants = self._commits.may_read_more, self.prefetch.wants
        return [one for one in own if wants(one) and may_read_more(one)]

    def _most(self, partitions: Iterable[TopicPartition], most: int) -> int:
        """Return how many messages fit the budget, if they are as large as the largest of late."""
        for one in partitions:
            if largest := self._largest.get(one):
                most = min(most, max(1, self.prefetch.room(one) // largest))
        return most

    def _take(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        """Enter messages of the stage's own topics and queue them."""
        ledger = self._commits.ledger(partition)
        finish = partial(mark_message_finished, self._window, ledger)
        topic = self._sources.names[partition.topic]
        jobs: list[InFlightMessage] = []
        room, least = self.prefetch.room(partition), self.prefetch.cost(0)
        largest = least
        for received in records:
            job = InFlightMessage(received, partition, topic, None, finish)
            cost = max(job.size, least)
            if cost > room and (jobs or self.prefetch.holds(partition)):
                self._consumer.seek(partition, received.offset)
                self.prefetch.is_full(partition)
                break
            if ledger.start(received.offset, received.timestamp):
                jobs.append(job)
                room -= cost
                largest = max(largest, cost)
        self._largest[partition] = largest
        self._worker.metrics.received(topic, len(jobs))
        self._window.admit_batch(jobs)

    async def _poll_for_liveness(self) -> None:
        # A poll of no partition keeps the membership alive, and keeps what is buffered already.
        await self._consumer.getmany(NO_PARTITION, timeout_ms=0)

    async def _rest(self) -> None:
        # aiokafka goes on fetching in the background unless all partitions are paused.
        self._pause_and_resume(everything=True)
        await asyncio.sleep(self._idle_pause_s)

    def _pause_and_resume(self, *, everything: bool) -> None:
        assigned, paused = self._consumer.assignment(), self._consumer.paused()
        wanted = assigned if everything else assigned & self._assignment.withheld
        if to_pause := wanted - paused:
            self._consumer.pause(*to_pause)
        if to_resume := paused - wanted:
            self._consumer.resume(*to_resume)
