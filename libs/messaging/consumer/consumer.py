"""One member of a stage's consumer group: joins, processes until stopped, and leaves.

``fetcher`` fetches, ``commits`` commits, ``assignment`` handles rebalances, and ``broker_monitor``
checks whether the broker answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topic_access import KafkaOperation
from contracts.topics import (
    ALL_TOPICS,
    RETRY_DELAYS_S,
    WAITING_DECISIONS,
    build_dlq_topic,
    build_retry_topic,
)
from messaging.consumer import batch_reader, corrupt_batches
from messaging.consumer.assignment import AssignmentListener
from messaging.consumer.commits import OffsetCommitter
from messaging.consumer.decision_reader import WaitingDecisionReader
from messaging.consumer.fetcher import Fetcher
from messaging.consumer.instance_fencing import InstanceIdGuard
from messaging.consumer.lag import LagMonitor
from messaging.consumer.prefetch import PrefetchBudget
from messaging.consumer.retry_topics import SubscribedTopics
from messaging.consumer.size_lanes import SizeLanes
from messaging.consumer.window import InFlightWindow
from messaging.kafka.access_checks import explain_denial
from messaging.kafka.aiokafka_internals import describe_fetched_records
from messaging.kafka.broker_monitor import (
    REQUEST_MARGIN_S,
    BrokerMonitor,
    DoublingStallTimeout,
    TopicExistenceChecker,
)
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.kafka.topic_checks import describe_missing_topics
from messaging.processing.processor import MessageProcessor
from messaging.settings import KafkaSettings, StageSettings
from messaging.stage import Stage
from telemetry import metrics

log = structlog.get_logger(__name__)

SHUTDOWN_TIMEOUT_S: Final = 5.0
"""How long the last commit and leaving the group may take at shutdown, in seconds each."""

SETTLING_S: Final = 5.0
"""How long what came of messages may take to be acknowledged where their handlers are not waited
for, in seconds."""

FETCH_BYTES: Final = 16 * 1024 * 1024
"""Most bytes of one fetch; a single larger batch still arrives."""

METADATA_AGE_MS: Final = 10_000
"""Age at which topic metadata is refreshed: how soon an added partition is noticed."""

FETCH_WAIT_MS: Final = 200
"""How long a fetch waits at the broker for something new, in milliseconds. aiokafka asks each
broker one thing at a time: a partition that runs dry waits for the answer about the others."""


class StageConsumer:
    """Kafka consumer of all topics of one service, as a member of its consumer group.

    Args:
        stage: what is read and handled.
        settings: window, graces, intervals.
        kafka: how to reach the broker.
        worker: works on single messages, and knows what holds up the stage.
        replica: identifies this replica among the group's members.
        patience: how long a partition with unread records may deliver none; kept by whoever
            replaces the consumer.

    Attributes:
        stage: what is read and handled.
        client: aiokafka's consumer; None before ``run``.
        window: the messages that are queued or in flight.
        committer: the ledger of each partition, and the commits.
        assignment: the partitions that are this member's.
        fetcher: the poll loop.
        topic_presence: the topics that have to exist, and those that do not.
        monitor: whether the broker still answers.
        lag: how far this member is behind.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        stage: Stage,
        settings: StageSettings,
        kafka: KafkaSettings,
        worker: MessageProcessor,
        *,
        replica: str,
        patience: DoublingStallTimeout,
    ) -> None:
        self._replica = replica
        self._patience = patience
        self.stage = stage
        self.client: Any = None
        self._settings = settings
        self._kafka = kafka
        self._worker = worker
        self._tiers = {
            kafka.topic(build_retry_topic(stage.service, tier).name): tier
            for tier in range(len(RETRY_DELAYS_S) if stage.dead_letters else 0)
        }
        for name in self.topics:
            metrics.TOPICS.register(name)
            metrics.TOPICS.register(name.removeprefix(kafka.topic_prefix))
        self._names = {name: name.removeprefix(kafka.topic_prefix) for name in self.topics}
        read_ahead = PrefetchBudget(settings.read_ahead, settings.read_ahead_bytes)
        self.window = InFlightWindow(
            worker.work,
            size=settings.max_in_flight,
            size_bytes=settings.max_in_flight_bytes,
            by_key=settings.order == "key",
            read_ahead=read_ahead,
            may_start=lambda: not worker.trouble,
            queue=SizeLanes(settings.large_message_bytes, settings.max_large_in_flight)
            if settings.max_large_in_flight
            else None,
            batches=worker if any(one.handle_many for one in stage.routes) else None,
        )
        self.committer = OffsetCommitter()
        self.assignment = AssignmentListener(
            stage,
            kafka,
            window=self.window,
            commits=self.committer,
            drain=lambda going: self._drain(going, settings.revoke_drain_s),
            forget=self._forget,
            replica=replica,
        )
        self.fetcher = Fetcher(
            self.window,
            read_ahead,
            worker,
            commits=self.committer,
            assignment=self.assignment,
            sources=SubscribedTopics(self._names, self._tiers),
            decisions=worker.decisions,
            idle_pause_s=kafka.idle_pause_ms / 1000,
        )
        # Only services of the pipeline have it; without it, what waits is tried when it is due.
        decided = [WAITING_DECISIONS.name] * (stage.service in WAITING_DECISIONS.consumers)
        self._decided = [*map(kafka.topic, decided)]
        self._decision_reader = WaitingDecisionReader(
            stage.service, kafka, worker.decisions, self._hasten
        )
        self.topic_presence = TopicExistenceChecker(
            needed={*self.topics, *map(kafka.topic, _written_topics(stage)), *self._decided},
            optional=[*map(kafka.topic, stage.optional_topics), *self._decided],
        )
        self.monitor = BrokerMonitor(
            self.fetcher.fetching, self.committer, self.topic_presence, patience
        )
        self.lag = LagMonitor(self.committer)
        self._gauges: list[Callable[[], None]] = []
        self._stopping = asyncio.Event()

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics the stage reads, by the broker's names: its own, then its retry topics."""
        own = (self._kafka.topic(route.topic) for route in self.stage.routes)
        return (*own, *self._tiers)

    @property
    def topic_access(self) -> dict[str, set[KafkaOperation]]:
        """What the stage has to be allowed to do with each topic, by the broker's names."""
        access: dict[str, set[KafkaOperation]] = {
            name: {KafkaOperation.READ} for name in (*self.topics, *self._decided)
        }
        for name in map(self._kafka.topic, _written_topics(self.stage)):
            access.setdefault(name, set()).add(KafkaOperation.WRITE)
        return access

    @property
    def group(self) -> str:
        """The consumer group, by the broker's name."""
        return self._kafka.topic(self.stage.service)

    @property
    def assigned(self) -> bool:
        """Whether the group has assigned this member its partitions, which may be none."""
        return self.assignment.complete

    @property
    def trouble(self) -> str:
        """The reason why the whole stage is held up, for people; empty if it is not."""
        return self._worker.trouble or self.monitor.silence or self.assignment.corrupt.reason

    @property
    def detail(self) -> str:
        """What delays single messages although the stage works, for people; may be empty."""
        missing = self.topic_presence.missing
        absence = describe_missing_topics(missing) if missing else ""
        return "; ".join(filter(None, (self.stage.notice(), self._worker.detail, absence)))

    @property
    def in_flight(self) -> int:
        """How many messages are in flight."""
        return self.window.in_flight

    def describe(self) -> dict[str, Any]:
        """Return what the member holds, by name, to find out why it makes no progress."""
        if self.client is None:
            return {"trouble": self.trouble}
        return {
            "trouble": self.trouble,
            "assigned": self.client.assignment(),
            "paused": self.client.paused(),
            "fetched": describe_fetched_records(self.client),
            "in_flight": self.window.in_flight,
            "queued": self.window.waiting,
            "deferred": self.fetcher.retries.deferred,
            "unfinished": {
                partition: self.committer.ledger(partition).first_unfinished
                for partition in self.committer.partitions
            },
        }

    def stop(self) -> None:
        """Ask ``run`` to fetch no more, finish what is in flight, and return."""
        self._stopping.set()

    def resume(self) -> str:
        """Continue after the failure rate breaker has stopped the stage.

        Returns:
            Why it had; empty if it had not.
        """
        return self._worker.breaker.resume()

    async def run(self) -> None:
        """Consume until ``stop``.

        Raises:
            KafkaUnavailableError: no broker answers at the start, or polling fails in a way that
                polling again does not mend.
        """
        if not await self._read_decisions():
            return
        self.client = self._new_consumer()
        self.assignment.follow(self.client)
        there = [topic for topic in self.topics if topic not in self.topic_presence.missing]
        self.client.subscribe(there, listener=self.assignment)
        if not await self._join():
            await self._decision_reader.close()
            return
        self._show_gauges()
        try:
            await self._until_stopped(
                self.fetcher.run(self.client),
                self._commit_regularly(),
                self.monitor.run(self.client),
                self.lag.run(self.client),
                self._decision_reader.run(),
                InstanceIdGuard(self._kafka, self.group, self._replica).run(self.client),
            )
            await self._drain(None, self._settings.drain_grace_s)
        finally:
            self._hide_gauges()
            await self._decision_reader.close()
            await self.window.cancel(None)
            await self._worker.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(SHUTDOWN_TIMEOUT_S):
                    # During a rebalance the group accepts no commit.
                    await self.assignment.wait_until_complete()
                    await self.commit()
            await self.assignment.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(SHUTDOWN_TIMEOUT_S):
                    await self.client.stop()

    def _show_gauges(self) -> None:
        """Show on the metrics page how far this member is, until ``_hide_gauges``."""
        service = self.stage.service
        self._gauges = [
            metrics.MESSAGES_IN_FLIGHT.add(service, read=lambda: self.window.in_flight),
            metrics.COMMIT_DELAY_SECONDS.add(service, read=lambda: self.committer.delay_s),
        ]
        for topic, name in self._names.items():
            self._gauges += [
                metrics.LAG_MESSAGES.add(service, name, read=partial(self.lag.messages, topic)),
                metrics.LAG_SECONDS.add(service, name, read=partial(self.lag.age_s, topic)),
                metrics.PARTITIONS_HELD.add(service, name, read=partial(self._count_held, topic)),
            ]

    def _hide_gauges(self) -> None:
        """Remove this member's gauges from the metrics page: partitions move to others."""
        for remove in self._gauges:
            remove()

    def _count_held(self, topic: str) -> int:
        return sum(one.topic == topic for one in self.assignment.mine)

    async def _read_decisions(self) -> bool:
        """Read all decisions before the first message; return False if asked to stop meanwhile."""
        if not {*self._decided} - self.topic_presence.missing:
            return True
        started = False
        try:
            started = await self._until_stopped(self._decision_reader.start())
        finally:
            if not started:
                await self._decision_reader.close()
        return started

    def _hasten(self, topic: str, partition: int, offsets: Collection[int]) -> None:
        place = TopicPartition(self._kafka.topic(topic), partition)
        self.fetcher.retries.hasten(place, offsets)

    async def _join(self) -> bool:
        """Connect and wait for the first assignment; return False if asked to stop meanwhile."""
        joined = False
        try:
            joined = await self._until_stopped(self.client.start())
        except KafkaError as error:
            if denied := explain_denial(self._kafka, error):
                raise denied from error
            raise KafkaUnavailableError(
                f"no broker answers ({type(error).__name__}); check KAFKA_BOOTSTRAP_SERVERS"
            ) from error
        finally:
            if not joined:
                await self.client.stop()
        return joined

    async def _until_stopped(self, *work: Coroutine[Any, Any, None]) -> bool:
        """Run coroutines until one of them ends or fails, or until asked to stop.

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
        batch_reader.install_bounded_batch_reader(self._kafka.max_batch_bytes)
        corrupt_batches.install_corrupt_batch_detection()
        return AIOKafkaConsumer(
            **self._kafka.client_options(),
            group_id=self.group,
            group_instance_id=self._kafka.group_instance_id or None,
            enable_auto_commit=False,
            # start_offsets decides where to start without a commit, deleted_records where to
            # continue when records were deleted; the client would skip them silently.
            auto_offset_reset="none",
            session_timeout_ms=self._kafka.session_timeout_ms,
            heartbeat_interval_ms=max(300, self._kafka.session_timeout_ms // 4),
            rebalance_timeout_ms=self._kafka.rebalance_timeout_ms,
            max_poll_interval_ms=self._kafka.max_poll_interval_ms,
            fetch_max_bytes=FETCH_BYTES,
            partition_assignment_strategy=(self.assignment.assignor,),
            isolation_level="read_committed",
            metadata_max_age_ms=METADATA_AGE_MS,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            # A fetch that is waited for must not be cut off by the client.
            request_timeout_ms=round(1000 * (self._patience.timeout_s + REQUEST_MARGIN_S)),
        )

    async def commit(self) -> None:
        """Commit every partition up to its first unfinished message, with the rest as metadata."""
        await self.committer.commit(self.client)

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval_s)
            await self.commit()

    async def _drain(self, partitions: Collection[TopicPartition] | None, grace_s: float) -> None:
        """Wait until messages in flight are settled, up to a time limit; start no others.

        While the stage is held up, handlers only wait, so a grace would be in vain for them. But a
        message whose letter the broker may have by now would be handled once more, beside it.
        """
        if not self._worker.trouble:
            await self.window.drain(partitions, grace_s)
        else:
            settling_s = min(grace_s, SETTLING_S) if self._worker.can_publish else 0
            await self.window.drain(partitions, settling_s, handled_only=True)

    def _forget(self, partitions: Iterable[TopicPartition]) -> None:
        self.fetcher.forget(partitions)


def _written_topics(stage: Stage) -> Iterator[str]:
    """Yield the names of the topics that a stage writes, without prefix."""
    yield from (topic.name for topic in ALL_TOPICS if stage.service in topic.producers)
    if stage.dead_letters:
        yield build_dlq_topic(stage.service).name
