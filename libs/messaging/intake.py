"""Fetches a stage's messages and hands them to the window.

Polling never stops: while something holds up the whole stage, its partitions are paused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from messaging.assignment import Assignment
from messaging.client_internals import position_of
from messaging.commits import Commits
from messaging.corrupt_batches import CorruptBatchError
from messaging.jobs import Job
from messaging.offsets import LogMovedError, OffsetLedger
from messaging.unreachable import KafkaUnavailableError
from messaging.window import Window
from messaging.work import Worker

log = structlog.get_logger(__name__)

POLL_S: Final = 0.2
"""How long one poll waits for messages; also how soon a pause is noticed."""

SHORT_POLL_S: Final = 0.005
"""How long a poll waits where empty fetches are answered at once."""

HELD_BACK_S: Final = 5.0
"""Longest that a partition waits as a whole for a message that is not due, in seconds."""

NOWHERE: Final = TopicPartition("", 0)
"""A partition that no member is ever assigned."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The topics a stage reads, by the broker's names.

    Attributes:
        names: each topic's name without the prefix.
        tiers: of the retry topics among them, the tier.
    """

    names: Mapping[str, str]
    tiers: Mapping[str, int]


class Intake:
    """What one member of the group fetches.

    Args:
        window: works on what was fetched.
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
        worker: Worker,
        commits: Commits,
        assignment: Assignment,
        sources: Sources,
        *,
        idle_pause_s: float,
    ) -> None:
        self._window = window
        self._worker = worker
        self._commits = commits
        self._assignment = assignment
        self._sources = sources
        self._idle_pause_s = idle_pause_s
        self._poll_ms = int((SHORT_POLL_S if idle_pause_s else POLL_S) * 1000)
        self._held_until: dict[TopicPartition, float] = {}
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
        """The partitions of which messages are wanted now."""
        if not self._assignment.complete or self._window.room <= 0 or self._worker.trouble:
            return set()
        assigned: set[TopicPartition] = self._consumer.assignment()
        return assigned - self._held_until.keys() - self._assignment.withheld

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget what is known of partitions that went to another member."""
        for partition in partitions:
            self._held_until.pop(partition, None)

    async def _poll(self) -> None:
        if failure := self._window.failure or self._worker.failure:
            raise KafkaUnavailableError("a message could not be settled") from failure
        room, in_flight = self._window.room, self._window.in_flight
        newcomer = self._worker.wants_a_newcomer(in_flight=in_flight, room=room)
        if not newcomer and room <= 0 and (room := await self._window.wait_for_room(POLL_S)) <= 0:
            await self._show_life()
            return
        stopped = bool(self._worker.trouble)
        if newcomer:
            room, stopped = 1, False
        self._pause_and_resume(everything=stopped)
        epoch = self._assignment.epoch
        batches = await self._fetch(room)
        if epoch != self._assignment.epoch:
            self._read_again(batches)
            return
        for partition, records in batches.items():
            self._assignment.corrupt.passed(partition)
            self._admit(partition, records, beyond=newcomer)
        if newcomer:
            await asyncio.sleep(0)  # it begins, and whether another one is wanted shows
        if not batches:
            self._pass_over_what_holds_no_message()
        if not batches and self._idle_pause_s:
            await self._rest()

    async def _fetch(self, room: int) -> Mapping[TopicPartition, Sequence[Any]]:
        """Return what one poll brings; nothing if it failed in a way that another one may mend."""
        try:
            return await self._consumer.getmany(timeout_ms=self._poll_ms, max_records=room)  # type: ignore[no-any-return]  # aiokafka is untyped
        except CorruptBatchError as error:
            # What the same poll had from other partitions went with it.
            self._assignment.corrupt.note(error)
            self._assignment.begin_reading_anew()
        except KafkaError as error:
            if not error.retriable:
                # The client may have lost its group for good, or skipped a record it could not
                # read: a new one begins at what is committed.
                raise KafkaUnavailableError(f"polling failed ({type(error).__name__})") from error
            log.warning("poll_failed", error=repr(error))
            await asyncio.sleep(POLL_S)
        return {}

    def _pass_over_what_holds_no_message(self) -> None:
        """Note where reading stands: behind aborted transactions, and the markers of all."""
        for partition in self._consumer.assignment() - self._assignment.withheld:
            self._commits.pass_over(partition, position_of(self._consumer, partition))

    def _read_again(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Put back what came while the group was balanced anew: reading began anew meanwhile."""
        assigned = self._consumer.assignment() - self._assignment.withheld
        for partition, records in batches.items():
            if partition in assigned:
                known = self._commits.next_of(partition)
                self._consumer.seek(partition, known if known >= 0 else records[0].offset)

    async def _show_life(self) -> None:
        # Polling nowhere tells the group that the member lives, and keeps what is fetched already:
        # aiokafka throws away what it has of a partition that is paused.
        await self._consumer.getmany(NOWHERE, timeout_ms=0)

    async def _rest(self) -> None:
        # Fetching goes on in the background unless there is nothing to fetch from.
        self._pause_and_resume(everything=True)
        await asyncio.sleep(self._idle_pause_s)

    def _pause_and_resume(self, *, everything: bool) -> None:
        assigned = self._consumer.assignment()
        if everything:
            wanted = set(assigned)
        elif self._held_until:
            now = time.time()
            self._held_until = {tp: due for tp, due in self._held_until.items() if due > now}
            wanted = assigned & self._held_until.keys()
        else:
            wanted = set()
        wanted |= assigned & self._assignment.withheld
        paused = self._consumer.paused()
        if wanted - paused:
            self._consumer.pause(*(wanted - paused))
        if paused - wanted:
            self._consumer.resume(*(paused - wanted))

    def _admit(self, partition: TopicPartition, records: Sequence[Any], *, beyond: bool) -> None:
        ledger = self._commits.ledger(partition)
        topic = self._sources.names[partition.topic]
        tier = self._sources.tiers.get(partition.topic)
        finish = partial(self._finished, ledger)
        for received in records:
            job = Job(received, partition, topic, tier, finish)
            delay_s = job.delivery.not_before_ms / 1000 - time.time() if tier is not None else 0
            if delay_s > 0 and not self._window.may_hold:
                self._hold_back(partition, received.offset, delay_s)
                return
            if not ledger.start(received.offset):
                continue
            if delay_s > 0:
                self._window.hold(job, delay_s)
            else:
                self._window.admit(job, beyond=beyond)

    def _hold_back(self, partition: TopicPartition, offset: int, delay_s: float) -> None:
        self._consumer.seek(partition, offset)
        self._consumer.pause(partition)
        # There may be room for it before it is due, and others behind it are due earlier.
        self._held_until[partition] = time.time() + min(delay_s, HELD_BACK_S)

    def _finished(self, ledger: OffsetLedger, job: Job) -> None:
        ledger.finish(job.received.offset)
        self._window.ended(job)
