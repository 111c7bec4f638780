"""Fetches a stage's messages, keeps up to N of them in flight, and commits what is finished.

Offsets are committed explicitly, partition by partition, and only up to the first unfinished
message; ``offsets.OffsetLedger`` keeps that account. Polling never stops: while the stage may take
no more, its partitions are paused.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from contracts.topics import RETRY_DELAYS_S, retry_topic
from messaging.delivery import Delivery, Origin, Record, read_history, split
from messaging.offsets import OffsetLedger
from messaging.publisher import KafkaUnavailableError
from messaging.settings import KafkaSettings, StageSettings
from messaging.stage import Stage
from messaging.work import Worker

log = structlog.get_logger(__name__)

POLL_S: Final = 0.2
"""How long one poll waits for messages; also how soon a stop or a pause is noticed."""

BROKER_PATIENCE_S: Final = 5.0
"""How long a commit or a farewell waits for a broker that does not answer, in seconds."""

SHORT_POLL_MS: Final = 5
"""How long a poll waits where empty fetches are answered at once."""

FETCH_BYTES: Final = 16 * 1024 * 1024
"""Most bytes of one fetch; a single larger record still arrives."""


class Consumption(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """One member of a stage's consumer group.

    Args:
        stage: what is read and handled.
        settings: window, deadlines, graces.
        kafka: how to reach the broker.
        worker: settles single messages, and knows of outages.
    """

    def __init__(
        self,
        stage: Stage,
        settings: StageSettings,
        kafka: KafkaSettings,
        worker: Worker,
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._kafka = kafka
        self._worker = worker
        self._tiers = {
            kafka.topic(retry_topic(stage.service, tier).name): tier
            for tier in range(len(RETRY_DELAYS_S) if stage.dead_letters else 0)
        }
        self._ledgers: dict[TopicPartition, OffsetLedger] = {}
        self._tasks: dict[TopicPartition, set[asyncio.Task[None]]] = defaultdict(set)
        self._held_until: dict[TopicPartition, float] = {}
        self._chains: dict[tuple[str, bytes], asyncio.Task[None]] = {}
        self._in_flight = 0
        self._poll_ms = SHORT_POLL_MS if kafka.idle_pause_ms else int(POLL_S * 1000)
        self._room = asyncio.Event()
        self._stopping = asyncio.Event()
        self.assigned = False

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
    def outage(self) -> str:
        """Which dependency is down and holds up the stage; empty while none is known to be."""
        return self._worker.outage

    @property
    def in_flight(self) -> int:
        """How many messages are being worked on."""
        return self._in_flight

    def stop(self) -> None:
        """Ask ``run`` to take no more, to finish what is in flight, and to return."""
        self._stopping.set()
        self._room.set()

    async def run(self) -> None:
        """Consume until ``stop``.

        Raises:
            KafkaUnavailableError: no broker answers at the start, or polling fails in a way that
                polling again does not mend.
        """
        self._consumer = self._new_consumer()
        self._consumer.subscribe(self.topics, listener=self)
        if not await self._join():
            return
        committing = asyncio.create_task(self._commit_regularly())
        try:
            await self._until_stopped(self._poll_on())
            # What waits for a dependency that is down would wait in vain.
            grace_s = 0 if self._worker.outage else self._settings.drain_grace_s
            await self._settle_all(self._tasks, grace_s)
        finally:
            committing.cancel()
            await self._cancel(self._tasks)
            await self.commit()
            with suppress(TimeoutError):
                async with asyncio.timeout(BROKER_PATIENCE_S):
                    await self._consumer.stop()

    async def _join(self) -> bool:
        """Connect and wait for this member's share; False if asked to stop meanwhile."""
        try:
            if await self._until_stopped(self._consumer.start()):
                return True
        except KafkaError as error:
            await self._consumer.stop()
            raise KafkaUnavailableError(
                f"no broker answers ({type(error).__name__}); check KAFKA_BOOTSTRAP_SERVERS"
            ) from error
        await self._consumer.stop()
        return False

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do ``work``, which may wait long for the group, until asked to stop; whether it ended."""
        working = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            return False
        finally:
            working.cancel()
            stopping.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    def _new_consumer(self) -> Any:
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
        room = self._settings.max_in_flight - self._in_flight
        if room <= 0:
            room = await self._wait_for_room()
        self._pause_and_resume(everything=room <= 0 or bool(self._worker.outage))
        try:
            # While full, polling only shows that the member lives: room must not wait for it.
            batches = await self._consumer.getmany(
                timeout_ms=self._poll_ms if room > 0 else 0, max_records=max(1, room)
            )
        except KafkaError as error:
            if not error.retriable:
                # The client may have lost its group for good, or skipped a record it could not
                # read: a new one begins at what is committed.
                raise KafkaUnavailableError(f"polling failed ({type(error).__name__})") from error
            log.warning("poll_failed", error=repr(error))
            await asyncio.sleep(POLL_S)
            return
        for partition, records in batches.items():
            self._admit(partition, records)
        if not batches and self._kafka.idle_pause_ms:
            await self._rest()

    async def _rest(self) -> None:
        # Fetching goes on in the background unless there is nothing to fetch from.
        self._pause_and_resume(everything=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._kafka.idle_pause_ms / 1000):
                await self._stopping.wait()

    async def _wait_for_room(self) -> int:
        self._room.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._room.wait()
        return self._settings.max_in_flight - self._in_flight

    def _pause_and_resume(self, *, everything: bool) -> None:
        now = time.time()
        self._held_until = {tp: due for tp, due in self._held_until.items() if due > now}
        assigned = self._consumer.assignment()
        wanted = set(assigned) if everything else assigned & self._held_until.keys()
        paused = self._consumer.paused()
        if wanted - paused:
            self._consumer.pause(*(wanted - paused))
        if paused - wanted:
            self._consumer.resume(*(paused - wanted))

    def _admit(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        ledger = self._ledgers.setdefault(partition, OffsetLedger())
        for received in records:
            record, delivery = self._read(received)
            if delivery.not_before_ms > time.time() * 1000:
                self._hold(partition, record.offset, delivery.not_before_ms / 1000)
                return
            ledger.start(record.offset)
            self._start(partition, ledger, record, delivery)

    def _hold(self, partition: TopicPartition, offset: int, until: float) -> None:
        # Later records of a retry topic are due later, so the partition waits as a whole.
        self._consumer.seek(partition, offset)
        self._consumer.pause(partition)
        self._held_until[partition] = until

    def _read(self, received: Any) -> tuple[Record, Delivery]:
        tier = self._tiers.get(received.topic)
        # Only our own retry topics speak for us; elsewhere such headers are the producer's.
        original, added = split(received.headers) if tier is not None else (received.headers, ())
        topic = received.topic.removeprefix(self._kafka.topic_prefix)
        here = Origin(topic, received.partition, received.offset)
        delivery = (
            Delivery(origin=here) if tier is None else read_history(added, fallback=here, tier=tier)
        )
        record = Record(
            topic=topic,
            partition=received.partition,
            offset=received.offset,
            key=received.key,
            value=received.value,
            headers=tuple(original),
            timestamp_ms=received.timestamp,
        )
        return record, delivery

    # Working

    def _start(
        self, partition: TopicPartition, ledger: OffsetLedger, record: Record, delivery: Delivery
    ) -> None:
        self._in_flight += 1
        before = self._predecessor(record)
        task = asyncio.create_task(self._settle(ledger, record, delivery, before))
        if self._settings.order == "key" and record.key is not None:
            self._chains[(record.topic, record.key)] = task
        tasks = self._tasks[partition]
        tasks.add(task)
        task.add_done_callback(lambda done: self._ended(tasks, record, done))

    def _predecessor(self, record: Record) -> asyncio.Task[None] | None:
        if self._settings.order == "none" or record.key is None:
            return None
        return self._chains.get((record.topic, record.key))

    async def _settle(
        self,
        ledger: OffsetLedger,
        record: Record,
        delivery: Delivery,
        before: asyncio.Task[None] | None,
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        await self._worker.settle(record, delivery)
        ledger.finish(record.offset)

    def _ended(
        self, tasks: set[asyncio.Task[None]], record: Record, task: asyncio.Task[None]
    ) -> None:
        tasks.discard(task)
        self._in_flight -= 1
        self._room.set()
        if record.key is not None and self._chains.get((record.topic, record.key)) is task:
            del self._chains[(record.topic, record.key)]
        if not task.cancelled() and (error := task.exception()) is not None:
            # The offset stays uncommitted: the message will be delivered again.
            log.error("unsettled", topic=record.topic, offset=record.offset, exc_info=error)

    # Committing

    async def commit(self) -> None:
        """Commit every partition up to its first unfinished message."""
        assigned = self._consumer.assignment()
        # The ledgers are held on to: a rebalance may take their partitions away meanwhile.
        due = [
            (partition, ledger, offset)
            for partition, ledger in self._ledgers.items()
            if partition in assigned and (offset := ledger.uncommitted()) is not None
        ]
        if not due:
            return
        offsets = {partition: OffsetAndMetadata(offset, "") for partition, _, offset in due}
        try:
            async with asyncio.timeout(BROKER_PATIENCE_S):
                await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("commit_refused", error=repr(error))  # another member has the partitions
        except (KafkaError, TimeoutError) as error:
            log.warning("commit_failed", error=repr(error))  # the next one says it again
        else:
            for _, ledger, offset in due:
                ledger.committed(offset)

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval_s)
            await self.commit()

    # Rebalancing

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish what can be finished of the partitions that go, commit, and cancel the rest."""
        self.assigned = False
        going = {partition: self._tasks.pop(partition, set()) for partition in revoked}
        await self._settle_all(going, self._settings.revoke_drain_s)
        await self.commit()
        await self._cancel(going)
        for partition in going:
            self._ledgers.pop(partition, None)
            self._held_until.pop(partition, None)

    async def on_partitions_assigned(self, _assigned: Iterable[TopicPartition]) -> None:
        """Note that the group has given this member its share, which may be nothing."""
        self.assigned = True

    async def _settle_all(
        self, tasks: dict[TopicPartition, set[asyncio.Task[None]]], budget_s: float
    ) -> None:
        waiting = [task for group in tasks.values() for task in group]
        if waiting:
            await asyncio.wait(waiting, timeout=budget_s)

    async def _cancel(self, tasks: dict[TopicPartition, set[asyncio.Task[None]]]) -> None:
        left = [task for group in tasks.values() for task in group]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
