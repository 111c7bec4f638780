"""Fetches a stage's messages, hands them to the window, and commits what is finished.

``commits.py`` commits, ``assignment.py`` follows the group's rebalances, ``broker_watch.py`` looks
whether the broker answers. Polling never stops: while something holds up the whole stage, its
partitions are paused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import RETRY_DELAYS_S, retry_topic
from messaging import header_names
from messaging.assignment import Assignment
from messaging.broker_watch import BrokerWatch
from messaging.commits import Commits
from messaging.jobs import Job
from messaging.offsets import OffsetLedger
from messaging.settings import KafkaSettings, StageSettings
from messaging.stage import Stage
from messaging.unreachable import KafkaUnavailableError
from messaging.window import Window
from messaging.work import Worker

log = structlog.get_logger(__name__)

POLL_S: Final = 0.2
"""How long one poll waits for messages; also how soon a pause is noticed."""

BROKER_PATIENCE_S: Final = 5.0
"""How long a farewell waits for a broker that does not answer, in seconds."""

HELD_BACK_S: Final = 5.0
"""Longest that a partition waits as a whole for a message that is not due, in seconds."""

SHORT_POLL_MS: Final = 5
"""How long a poll waits where empty fetches are answered at once."""

NOWHERE: Final = TopicPartition("", 0)
"""A partition that no member is ever assigned."""

FETCH_BYTES: Final = 16 * 1024 * 1024
"""Most bytes of one fetch; a single larger record still arrives."""


class Consumption:
    """One member of a stage's consumer group.

    Args:
        stage: what is read and handled.
        settings: window, graces, intervals.
        kafka: how to reach the broker.
        worker: works on single messages, and knows what holds up the stage.
    """

    def __init__(
        self, stage: Stage, settings: StageSettings, kafka: KafkaSettings, worker: Worker
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._kafka = kafka
        self._worker = worker
        self._tiers = {
            kafka.topic(retry_topic(stage.service, tier).name): tier
            for tier in range(len(RETRY_DELAYS_S) if stage.dead_letters else 0)
        }
        self._names = {name: name.removeprefix(kafka.topic_prefix) for name in self.topics}
        self._window = Window(
            worker.work, size=settings.max_in_flight, by_key=settings.order == "key"
        )
        self._commits = Commits()
        self._assignment = Assignment(
            stage,
            kafka,
            window=self._window,
            commits=self._commits,
            drain_s=settings.revoke_drain_s,
            forget=self._forget,
        )
        self._watch = BrokerWatch(self._fetching)
        self._held_until: dict[TopicPartition, float] = {}
        self._poll_ms = SHORT_POLL_MS if kafka.idle_pause_ms else int(POLL_S * 1000)
        self._stopping = asyncio.Event()

    @property
    def topics(self) -> tuple[str, ...]:
        """Everything the stage reads, by the broker's names: its topics, then its retry topics."""
        own = (self._kafka.topic(route.topic) for route in self._stage.routes)
        return (*own, *self._tiers)

    @property
    def group(self) -> str:
        """The consumer group, by the broker's name."""
        return self._kafka.topic(self._stage.service)

    @property
    def assigned(self) -> bool:
        """Whether the group has given this member its share, which may be nothing."""
        return self._assignment.complete

    @property
    def trouble(self) -> str:
        """What holds up the stage, for people; empty while nothing is known to."""
        return self._worker.trouble or self._watch.silence

    @property
    def in_flight(self) -> int:
        """How many messages are being worked on."""
        return self._window.in_flight

    def stop(self) -> None:
        """Ask ``run`` to take no more, to finish what is in flight, and to return."""
        self._stopping.set()

    def resume(self) -> None:
        """Go on after the stage has stopped because most messages died of one cause."""
        self._worker.stoppage.resume()

    async def run(self) -> None:
        """Consume until ``stop``.

        Raises:
            KafkaUnavailableError: no broker answers at the start, or polling fails in a way that
                polling again does not mend.
        """
        self._consumer = self._new_consumer()
        self._assignment.follow(self._consumer)
        self._consumer.subscribe(self.topics, listener=self._assignment)
        if not await self._join():
            return
        try:
            await self._until_stopped(
                self._poll_on(), self._commit_regularly(), self._watch.run(self._consumer)
            )
            # What waits for a dependency that is down would wait in vain.
            grace_s = 0 if self._worker.trouble else self._settings.drain_grace_s
            await self._window.drain(None, grace_s)
        finally:
            await self._window.cancel(None)
            await self._worker.close()
            await self.commit()
            with suppress(TimeoutError):
                async with asyncio.timeout(BROKER_PATIENCE_S):
                    await self._consumer.stop()

    async def _join(self) -> bool:
        """Connect and wait for this member's share; False if asked to stop meanwhile."""
        joined = False
        try:
            joined = await self._until_stopped(self._consumer.start())
        except KafkaError as error:
            raise KafkaUnavailableError(
                f"no broker answers ({type(error).__name__}); check KAFKA_BOOTSTRAP_SERVERS"
            ) from error
        finally:
            if not joined:
                await self._consumer.stop()
        return joined

    async def _until_stopped(self, *work: Coroutine[Any, Any, None]) -> bool:
        """Do the work until a part of it ends or fails, or until asked to stop.

        Returns:
            Whether a part ended; False if asked to stop before.
        """
        working = [asyncio.ensure_future(one) for one in work]
        stopping = asyncio.ensure_future(self._stopping.wait())
        everything: tuple[asyncio.Future[Any], ...] = (*working, stopping)
        try:
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            ended = [one for one in working if one.done()]
            for one in ended:
                one.result()
            return bool(ended)
        finally:
            for future in everything:
                future.cancel()
            await asyncio.gather(*everything, return_exceptions=True)

    def _new_consumer(self) -> Any:
        header_names.install()
        return AIOKafkaConsumer(
            **self._kafka.client_options(),
            group_id=self.group,
            group_instance_id=self._kafka.group_instance_id or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=self._kafka.session_timeout_ms,
            heartbeat_interval_ms=max(300, self._kafka.session_timeout_ms // 4),
            rebalance_timeout_ms=self._kafka.rebalance_timeout_ms,
            max_poll_interval_ms=self._kafka.max_poll_interval_ms,
            fetch_max_bytes=FETCH_BYTES,
        )

    # Fetching

    async def _poll_on(self) -> None:
        while True:
            await self._poll()

    async def _poll(self) -> None:
        if self._window.failure is not None:
            raise KafkaUnavailableError("a message could not be settled") from self._window.failure
        room = self._window.room
        if room <= 0 and (room := await self._window.wait_for_room(POLL_S)) <= 0:
            await self._show_life()
            return
        stopped = bool(self._worker.trouble)
        if self._worker.wants_a_probe and not self._window.in_flight:
            room, stopped = 1, False
        self._pause_and_resume(everything=stopped)
        try:
            batches = await self._consumer.getmany(timeout_ms=self._poll_ms, max_records=room)
        except KafkaError as error:
            if not error.retriable:
                # The client may have lost its group for good, or skipped a record it could not
                # read: a new one begins at what is committed.
                raise KafkaUnavailableError(f"polling failed ({type(error).__name__})") from error
            log.warning("poll_failed", error=repr(error))
            await asyncio.sleep(POLL_S)
            return
        if batches and not self._assignment.complete:
            # What an earlier owner has finished beyond its commits is still being asked for.
            epoch = self._assignment.epoch
            await self._assignment.wait_until_complete()
            if epoch != self._assignment.epoch:
                return  # taken away meanwhile; whoever owns them now begins at what is committed
        for partition, records in batches.items():
            self._admit(partition, records)
        if not batches and self._kafka.idle_pause_ms:
            await self._rest()

    async def _show_life(self) -> None:
        # Polling nowhere tells the group that the member lives, and keeps what is fetched already:
        # aiokafka throws away what it has of a partition that is paused.
        await self._consumer.getmany(NOWHERE, timeout_ms=0)

    async def _rest(self) -> None:
        # Fetching goes on in the background unless there is nothing to fetch from.
        self._pause_and_resume(everything=True)
        await asyncio.sleep(self._kafka.idle_pause_ms / 1000)

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
        paused = self._consumer.paused()
        if wanted - paused:
            self._consumer.pause(*(wanted - paused))
        if paused - wanted:
            self._consumer.resume(*(paused - wanted))

    def _admit(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        ledger = self._commits.ledger(partition)
        topic, tier = self._names[partition.topic], self._tiers.get(partition.topic)
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
                self._window.admit(job)

    def _hold_back(self, partition: TopicPartition, offset: int, delay_s: float) -> None:
        self._consumer.seek(partition, offset)
        self._consumer.pause(partition)
        # There may be room for it before it is due, and others behind it are due earlier.
        self._held_until[partition] = time.time() + min(delay_s, HELD_BACK_S)

    def _finished(self, ledger: OffsetLedger, job: Job) -> None:
        ledger.finish(job.received.offset)
        self._window.ended(job)

    # Committing

    async def commit(self) -> None:
        """Commit every partition up to its first unfinished message, with what is done beyond."""
        await self._commits.commit(self._consumer)

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval_s)
            await self.commit()

    def _fetching(self) -> set[TopicPartition]:
        """Return the partitions of which messages are wanted now."""
        if not self._assignment.complete or self._window.room <= 0 or self._worker.trouble:
            return set()
        assigned: set[TopicPartition] = self._consumer.assignment()
        return assigned - self._held_until.keys()

    def _forget(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self._held_until.pop(partition, None)
