"""Fetches a stage's messages and has the window hold them until it is their turn.

It reads ahead of what is worked on, within the limits of ``read_ahead.py``, so that a message is
reached behind thousands of others that wait. Retry topics are polled first. Their messages are
held until they are due; what does not fit is remembered by its offset and fetched again then
(``deferred.py``).

Polling never stops: while something holds up the whole stage, its partitions are paused. A
partition that is read far enough ahead is left out, which keeps what is fetched of it already:
aiokafka throws away what it has of a partition that is paused.
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

from messaging.consumer.assignment import Assignment
from messaging.consumer.commits import Commits
from messaging.consumer.corrupt_batches import CorruptBatchError
from messaging.consumer.deleted_records import DeletedRecords
from messaging.consumer.offsets import LogMovedError
from messaging.consumer.prefetch import ReadAhead
from messaging.consumer.retry_topics import Retries, Sources, finished
from messaging.consumer.window import Window
from messaging.kafka.aiokafka_internals import get_position
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.processing.inflight import Job
from messaging.processing.processor import Worker

log = structlog.get_logger(__name__)

POLL_S: Final = 0.2
"""How long one poll waits for messages; also how soon a pause is noticed."""

SHORT_POLL_S: Final = 0.005
"""How long a poll waits where empty fetches are answered at once."""

FULL_POLL_S: Final = 0.02
"""How long a poll waits while a partition is left out; how soon it is asked again when it may."""

MOST_POLLED: Final = 500
"""Most messages of one poll; the event loop has other work between two."""

NOWHERE: Final = TopicPartition("", 0)
"""A partition that no member is ever assigned."""

Batches = dict[TopicPartition, Sequence[Any]]
"""Fetched records by partition, in order."""


class Intake:
    """What one member of the group fetches.

    Args:
        window: holds what was fetched, and works on it.
        read_ahead: says how much may be held.
        worker: knows what holds up the stage.
        commits: the accounts of the partitions; messages are entered as they are fetched.
        assignment: the partitions that are this member's.
        sources: what is read.
        idle_pause_s: the rest between looks at idle topics, in seconds; 0 where the broker keeps an
            empty fetch waiting.
    """

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        window: Window,
        read_ahead: ReadAhead,
        worker: Worker,
        *,
        commits: Commits,
        assignment: Assignment,
        sources: Sources,
        idle_pause_s: float,
    ) -> None:
        self._window = window
        self._read_ahead = read_ahead
        self._worker = worker
        self._commits = commits
        self._assignment = assignment
        self._sources = sources
        self._retries = Retries(window, read_ahead, commits, sources)
        self._deleted = DeletedRecords(commits, self._retries, assignment)
        self._idle_pause_s = idle_pause_s
        self._poll_s = SHORT_POLL_S if idle_pause_s else POLL_S
        self._largest: dict[TopicPartition, int] = {}
        self._consumer: Any = None

    async def run(self, consumer: Any) -> None:
        """Fetch for ever.

        Args:
            consumer: aiokafka's, which has joined the group.

        Raises:
            KafkaUnavailableError: polling fails in a way that polling again does not mend, or a
                message could not be settled.
        """
        self._consumer = consumer
        while True:
            try:
                await self._poll()
            except LogMovedError as error:
                log.warning("log_moved", error=str(error))
                raise KafkaUnavailableError("a log has begun anew while it was read") from error

    def fetching(self) -> set[TopicPartition]:
        """Return the partitions of which messages are wanted now."""
        if self._consumer is None or not self._assignment.complete or self._worker.trouble:
            return set()
        retries, own = self._assigned()
        return {*self._retries.wanted(retries), *self._wanted(own)}

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget what is known of partitions that went to another member."""
        for partition in partitions:
            self._largest.pop(partition, None)
            self._retries.forget(partition)

    async def _poll(self) -> None:
        if failure := self._window.failure or self._worker.failure:
            raise KafkaUnavailableError("a message could not be settled") from failure
        window = self._window
        window.fill()
        newcomer = self._worker.wants_a_newcomer(in_flight=window.in_flight, room=window.room)
        if newcomer and window.start_one():
            await asyncio.sleep(0)  # it begins, and whether another one is wanted shows
            return
        stopped = bool(self._worker.trouble) and not newcomer
        self._pause_and_resume(everything=stopped)
        found = not stopped and await self._read_on(1 if newcomer else MOST_POLLED)
        if stopped:
            await self._take_in((), self._poll_s, 1)  # all are paused
        if found:
            await asyncio.sleep(0)  # else nothing else runs while there is more to fetch
            return
        self._pass_over_what_holds_no_message()
        if self._idle_pause_s:
            await self._rest()

    async def _read_on(self, most: int) -> bool:
        """Fetch at most so many messages of each kind of topic, those of retry topics first.

        Returns:
            Whether there were any.
        """
        retries, own = self._assigned()
        wanted = self._wanted(own)
        self._retries.go_back(retries, self._consumer, self._assignment.epoch)
        retries = self._retries.wanted(retries)
        if not retries and not wanted:
            await self._window.wait_for_change(POLL_S)
            await self._show_life()
            return False
        if retries and wanted and await self._take_in(retries, 0, most):
            await self._take_in(wanted, 0, self._most(wanted, most))
            return True
        timeout_s = FULL_POLL_S if len(wanted) < len(own) else self._poll_s
        timeout_s = min(timeout_s, self._retries.next_due_in_s())
        return await self._take_in([*retries, *wanted], timeout_s, self._most(wanted, most))

    async def _take_in(
        self, partitions: Sequence[TopicPartition], timeout_s: float, most: int
    ) -> bool:
        """Fetch from some partitions, or from all if none is named, and take in what comes.

        Returns:
            Whether anything came.
        """
        epoch = self._assignment.epoch
        batches = await self._fetch(partitions, timeout_s, most)
        if epoch != self._assignment.epoch:
            self._read_again(batches)
            return False
        for partition, records in batches.items():
            self._assignment.corrupt.passed(partition)
            if partition.topic in self._sources.tiers:
                self._retries.take(partition, records, self._consumer, epoch)
            else:
                self._take(partition, records)
        self._window.fill()
        return bool(batches)

    async def _fetch(
        self, partitions: Sequence[TopicPartition], timeout_s: float, most: int
    ) -> Batches:
        """Return what one poll brings; nothing if it failed in a way that another one may mend."""
        try:
            return await self._consumer.getmany(  # type: ignore[no-any-return]  # aiokafka is untyped
                *partitions, timeout_ms=ceil(timeout_s * 1000), max_records=most
            )
        except CorruptBatchError as error:
            # What the same poll had from other partitions went with it.
            self._assignment.corrupt.note(error)
            self._assignment.begin_reading_anew()
        except OffsetOutOfRangeError as error:
            await self._deleted.pass_over(self._consumer, error.args[0])
        except KafkaError as error:
            if isinstance(error, NoOffsetForPartitionError) and not self._is_read(error.args[0]):
                return {}  # where to begin with it is being looked up, or it is gone
            if not error.retriable:
                # The client may have lost its group for good, or skipped a record it could not
                # read: a new one begins at what is committed.
                raise KafkaUnavailableError(f"polling failed ({type(error).__name__})") from error
            log.warning("poll_failed", error=repr(error))
            await asyncio.sleep(POLL_S)
        return {}

    def _is_read(self, partition: TopicPartition) -> bool:
        return partition in self._consumer.assignment() - self._assignment.withheld

    def _pass_over_what_holds_no_message(self) -> None:
        """Note where reading stands: behind aborted transactions, and the markers of all."""
        for partition in self._consumer.assignment() - self._assignment.withheld:
            self._commits.pass_over(partition, get_position(self._consumer, partition))

    def _read_again(self, batches: Batches) -> None:
        """Put back what came while the group was balanced anew: reading began anew meanwhile."""
        assigned = self._consumer.assignment() - self._assignment.withheld
        for partition, records in batches.items():
            if partition in assigned:
                known = self._commits.next_of(partition)
                self._consumer.seek(partition, known if known >= 0 else records[0].offset)

    def _assigned(self) -> tuple[list[TopicPartition], list[TopicPartition]]:
        """Return the partitions of retry topics, and of the stage's own topics."""
        assigned = self._consumer.assignment() - self._assignment.withheld
        tiers = self._sources.tiers
        retries = [one for one in assigned if one.topic in tiers]
        own = [one for one in assigned if one.topic not in tiers]
        self._read_ahead.share_among(frozenset(own))
        return retries, own

    def _wanted(self, own: Iterable[TopicPartition]) -> list[TopicPartition]:
        may_read_on, wants = self._commits.may_read_on, self._read_ahead.wants
        return [one for one in own if wants(one) and may_read_on(one)]

    def _most(self, partitions: Iterable[TopicPartition], most: int) -> int:
        """Return how many messages may be taken, if they are like the largest of late."""
        for one in partitions:
            if largest := self._largest.get(one):
                most = min(most, max(1, self._read_ahead.room(one) // largest))
        return most

    def _take(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        """Have messages of the stage's own topics wait for their turn."""
        ledger = self._commits.ledger(partition)
        finish = partial(finished, self._window, ledger)
        topic = self._sources.names[partition.topic]
        jobs: list[Job] = []
        room, least = self._read_ahead.room(partition), self._read_ahead.cost(0)
        largest = least
        for received in records:
            job = Job(received, partition, topic, None, finish)
            cost = max(job.size, least)
            if cost > room and (jobs or self._read_ahead.holds(partition)):
                self._consumer.seek(partition, received.offset)
                self._read_ahead.is_full(partition)
                break
            if ledger.start(received.offset):
                jobs.append(job)
                room -= cost
                largest = max(largest, cost)
        self._largest[partition] = largest
        self._window.admit_all(jobs)

    async def _show_life(self) -> None:
        # Polling nowhere tells the group that the member lives, and keeps what is fetched already.
        await self._consumer.getmany(NOWHERE, timeout_ms=0)

    async def _rest(self) -> None:
        # Fetching goes on in the background unless there is nothing to fetch from.
        self._pause_and_resume(everything=True)
        await asyncio.sleep(self._idle_pause_s)

    def _pause_and_resume(self, *, everything: bool) -> None:
        assigned, paused = self._consumer.assignment(), self._consumer.paused()
        wanted = assigned if everything else assigned & self._assignment.withheld
        if to_pause := wanted - paused:
            self._consumer.pause(*to_pause)
        if to_resume := paused - wanted:
            self._consumer.resume(*to_resume)
