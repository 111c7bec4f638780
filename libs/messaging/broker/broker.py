"""FastStream's Kafka broker with one consumer for all subscribers, and nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from faststream.exceptions import SetupError
from faststream.kafka import KafkaBroker
from pydantic import PrivateAttr

from contracts.events import Event
from contracts.rehearsals import StageRehearsal, StageRehearsalRequest
from contracts.topics import (
    RETRY_DELAYS_S,
    Topic,
    build_dlq_topic,
    build_retry_topic,
    get_event_topic,
)
from messaging.broker.internals import ManagedPublisher, ManagedSubscriber, convert_security
from messaging.broker.producer import ReliableProducer
from messaging.broker.registrator import (
    DEADLINE_S,
    PREFIX,
    ReliableRegistrator,
    require_managed_subscribers,
)
from messaging.broker.rehearsals import RecordRehearser
from messaging.broker.results import build_event_command
from messaging.broker.routes import build_routes
from messaging.kafka.admin import create_topics
from messaging.producer.publisher import Publisher
from messaging.runtime.dependencies import CheckDependencies, skip_dependency_check
from messaging.runtime.health import ServiceHealth
from messaging.runtime.supervision import ConsumerConfig, ConsumerSupervisor
from messaging.settings import KafkaSettings, StageSettings
from messaging.stage import Stage

Resources = Callable[[], AbstractAsyncContextManager[Any]]
"""Opens what handlers need; raises ``OutageError`` while a dependency is not there."""


class _GivenSettings(KafkaSettings):
    """Settings of which the security comes from FastStream's object, not from the environment."""

    _security: dict[str, Any] = PrivateAttr(default_factory=dict)

    def client_options(self) -> dict[str, Any]:
        return super().client_options() | self._security

    def secured(self, security: Any) -> KafkaSettings:
        """Return the same with FastStream's security object."""
        self._security.update(convert_security(security))
        return self


class ReliableKafkaBroker(ReliableRegistrator, KafkaBroker):
    """FastStream Kafka broker that delivers at least once, with retries and dead letters.

    All subscribers share one member of one consumer group. Up to ``max_in_flight`` messages are
    handled at a time, whatever the partitions; a failure is decided by the branch of its error:
    tries in place, retry topics, a dead letter, or waiting out an outage.

    Args:
        bootstrap_servers: as in FastStream; ``KAFKA_BOOTSTRAP_SERVERS`` if not given.
        service: the consumer group and the stem of the retry topics and the DLQ; the subscribers'
            ``group_id`` if not given.
        settings: of the window, deadlines and retries, or what reads them when they are needed.
        kafka: how to reach the broker, or what reads it when it is needed.
        dead_letters: whether there are retry topics and a DLQ. Without them, a message that cannot
            be handled is kept, and tried again until it can.
        optional_topics: topics that the service works without while they do not exist.
        allow_auto_create_topics: whether topics that do not exist are created at the start.
        security: as in FastStream; ``KAFKA_*`` if not given.
        options: as FastStream's broker takes them. Those of its consumer and producer have no
            effect: ``KafkaSettings`` says how those are.

    Attributes:
        resources: opens what handlers need, each time the consumer begins anew.
        check_dependencies: raises ``OutageError`` if something that every message needs is not
            there; asked every few seconds while the service has nothing to do.
        notice: tells what slows the service down although it works, such as an endpoint that
            asked to be called later; empty if nothing does. Shown beside its readiness.
    """

    def __init__(  # noqa: PLR0913 - FastStream's own has 40
        self,
        bootstrap_servers: str | Iterable[str] | None = None,
        *,
        service: str = "",
        settings: StageSettings | Callable[[], StageSettings] = StageSettings,
        kafka: KafkaSettings | Callable[[], KafkaSettings] | None = None,
        dead_letters: bool = True,
        optional_topics: Iterable[Topic] = (),
        allow_auto_create_topics: bool = True,
        security: Any = None,
        logger: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            bootstrap_servers or "localhost",
            allow_auto_create_topics=allow_auto_create_topics,
            security=security,
            # FastStream logs each message twice, and errors with what they say of its content.
            logger=logger,
            **options,
        )
        self.resources: Resources = nullcontext
        self.notice: Callable[[], str] = str
        self.check_dependencies: CheckDependencies = skip_dependency_check
        self._service = service
        self._dead_letters = dead_letters
        self._optional_topics = tuple(topic.name for topic in optional_topics)
        self._creates_topics = allow_auto_create_topics
        self._read_settings = settings
        is_given = bootstrap_servers is not None or security is not None
        self._read_kafka = kafka or (
            _given(bootstrap_servers, security) if is_given else KafkaSettings
        )
        self._settings: StageSettings | None = None
        self._kafka: KafkaSettings | None = None
        self._stage: Stage | None = None
        self._is_stage_open = False
        self._rehearser: RecordRehearser | None = None
        self._supervisor: ConsumerSupervisor | None = None
        self._supervising: asyncio.Task[None] | None = None
        self._stop_requested = False
        self._own_publisher: Publisher | None = None
        self._reliable_producer = ReliableProducer(self.config)
        self.config.broker_config.producer = self._reliable_producer

    @property
    def service(self) -> str:
        """The service's name: its consumer group, and the stem of its retry topics and DLQ.

        Raises:
            SetupError: nobody says, or subscribers say different ones.
        """
        groups = {one.group_id for one in self._managed if one.group_id}
        names = {self._service} if self._service else groups
        if len(names | groups) != 1:
            said = ", ".join(sorted(names | groups)) or "none"
            raise SetupError(f"all subscribers of a broker share one group; said were: {said}")
        return str(next(iter(names)))

    @property
    def has_dead_letters(self) -> bool:
        """Whether there are retry topics and a DLQ."""
        return self._dead_letters

    @property
    def settings(self) -> StageSettings:
        """The settings of the service; read once."""
        if self._settings is None:
            read = self._read_settings
            self._settings = read if isinstance(read, StageSettings) else read()
        return self._settings

    @property
    def kafka(self) -> KafkaSettings:
        """How the broker is reached; read once."""
        if self._kafka is None:
            read = self._read_kafka
            self._kafka = read if isinstance(read, KafkaSettings) else read()
        return self._kafka

    def read_settings(self) -> None:
        """Read the settings and take them into account.

        Raises:
            ValidationError: some are wrong.
        """
        settings, kafka = self.settings, self.kafka
        self.config.broker_config.prefix = kafka.topic_prefix
        context = self.config.context
        context.set_global(PREFIX, kafka.topic_prefix)
        context.set_global(DEADLINE_S, settings.deadline_s)

    @property
    def share(self) -> float:
        """The share of the topics' partitions that this replica holds, from 0 to 1.

        What replicas have to share without talking to each other, such as an endpoint's rate
        limit, they share by it.
        """
        return self._stage.share if self._stage is not None else 1.0

    @property
    def connected_publisher(self) -> Publisher:
        """The publisher of the consumer that is being opened or is open.

        Raises:
            RuntimeError: there is none.
        """
        return self._reliable_producer.publisher

    @property
    def health(self) -> ServiceHealth:
        """Whether messages are being handled, and if not, why."""
        return self._supervisor.check_health() if self._supervisor is not None else ServiceHealth()

    @property
    def supervisor(self) -> ConsumerSupervisor | None:
        """What keeps the consumer at work, once the broker is started."""
        return self._supervisor

    async def rehearse(self, asked: StageRehearsalRequest) -> StageRehearsal | None:
        """Take a record through the handlers without effects; None while they cannot be called.

        Args:
            asked: the record, and whether models may be called.
        """
        if self._stage is None or not self._is_stage_open:
            return None
        if self._rehearser is None:
            self._rehearser = RecordRehearser(self.source, self.kafka.topic_prefix)
        return await self._rehearser.rehearse(self._stage, self.settings, asked)

    def resume(self) -> str | None:
        """Go on after the service has stopped because most messages failed.

        Returns:
            Why it had stopped, empty if it had not; None if there is no consumer to go on.
        """
        return None if self._supervisor is None else self._supervisor.resume()

    async def start(self) -> None:
        """Begin to consume; what is not there yet is waited for, and ``health`` tells of it.

        Raises:
            SetupError: a subscriber is of a kind that the shared consumer cannot serve.
            ValidationError: settings are wrong.
        """
        if self._supervising is not None:
            return
        self.read_settings()
        self._setup_logger()
        if not self.subscribers:
            await self.connect()
            return
        require_managed_subscribers(self.subscribers)
        for subscriber in self.subscribers:
            await subscriber.start()
        for publisher in self.publishers:
            await publisher.start()
        self._reliable_producer.attach(None)
        self._new_stage()  # refuses what does not fit before anything runs
        self._supervisor = ConsumerSupervisor(
            ConsumerConfig(
                self.service,
                self.source,
                self.settings,
                self.kafka,
                self._open_stage,
                check=self._check_dependencies,
            )
        )
        if self._stop_requested:
            self._supervisor.stop()
        self._supervising = asyncio.create_task(self._supervisor.run())
        self.running = True

    async def wait_closed(self) -> None:
        """Wait until the consumer has ended: after ``stop``, or for a bug that ends it."""
        if self._supervising is not None:
            await asyncio.wait({self._supervising})
            if not self._supervising.cancelled():
                self._supervising.result()

    def begin_to_stop(self) -> None:
        """Take no more messages; ``stop`` waits for those in flight."""
        self._stop_requested = True
        if self._supervisor is not None:
            self._supervisor.stop()

    async def abort(self) -> None:
        """End the consumer without waiting for what is in flight, and without committing it."""
        if self._supervising is not None:
            self._supervising.cancel()
            await asyncio.gather(self._supervising, return_exceptions=True)

    @property
    def is_stopping(self) -> bool:
        """Whether no more messages are taken."""
        return self._stop_requested

    async def stop(self, *_: Any) -> None:
        """Finish what is in flight, within ``drain_grace_s``, commit, and leave the group."""
        self.begin_to_stop()
        try:
            await self.wait_closed()
        finally:
            for subscriber in self.subscribers:
                await subscriber.stop()
            if self._own_publisher is not None:
                await self._own_publisher.__aexit__(None, None, None)
            self._own_publisher = self._supervising = None
            await self._reliable_producer.disconnect()
            self._connection, self.running, self._stop_requested = None, False, False

    async def commit_when_idle(self) -> None:
        """Wait until nothing is in flight, and commit it, without waiting for the next commit."""
        if self._supervisor is not None:
            await self._supervisor.commit_when_idle()

    async def ping(self, timeout: float | None = None) -> bool:  # noqa: ARG002, ASYNC109 - FastStream's
        """Return whether messages are being handled."""
        return self.health.ready if self._supervisor is not None else bool(self._reliable_producer)

    async def publish(self, message: Any, topic: str = "", **options: Any) -> Any:
        """Publish a message as FastStream does; an event goes to its own topic, as CloudEvents."""
        if not isinstance(message, Event):
            return await super().publish(message, topic, **options)
        cmd = build_event_command(message, self.source, more=options.pop("headers", None))
        topic = topic or self.config.prefix + get_event_topic(type(message)).name
        options.setdefault("key", cmd.key)
        return await super().publish(cmd.body, topic, headers=cmd.headers, **options)

    @property
    def source(self) -> str:
        """The CloudEvents ``source`` of what is sent."""
        return f"/onrecord/{self._service or self.service}"

    async def _connect(self) -> Any:
        self.read_settings()
        if self._supervising is None:
            publisher = Publisher(self.kafka, source=f"/onrecord/{self._service}")
            self._own_publisher = await publisher.__aenter__()
            self._reliable_producer.attach(publisher)
        return self.config.broker_config.builder

    def _new_stage(self) -> Stage:
        stage = Stage(
            self.service, dead_letters=self._dead_letters, optional_topics=self._optional_topics
        )
        stage.notice = self._get_notice
        for subscriber in self._managed:
            for route in build_routes(subscriber, self.kafka.topic_prefix):
                stage.add(route)
        return stage

    @property
    def _managed(self) -> list[ManagedSubscriber]:
        """The subscribers in the order of their declaration; FastStream keeps a set of them."""
        managed = [one for one in self.subscribers if isinstance(one, ManagedSubscriber)]
        return sorted(managed, key=lambda one: one.number)

    async def _check_dependencies(self) -> None:
        await self.check_dependencies()  # which is set later than this is handed on

    def _get_notice(self) -> str:
        return self.notice()  # which may be set later than the stage is made

    @asynccontextmanager
    async def _open_stage(self, publisher: Publisher) -> AsyncIterator[Stage]:
        if self._creates_topics:
            await create_topics(self.kafka, self._topics())
        self._reliable_producer.attach(publisher)
        try:
            async with self.resources():
                self._stage = self._new_stage()
                self._is_stage_open = True
                yield self._stage
        finally:
            self._is_stage_open = False
            self._reliable_producer.attach(None)

    def _topics(self) -> list[Topic]:
        """The topics that are created if they do not exist.

        They are those of the subscribers and of their publishers, the retry topics and the DLQ. A
        broker that creates topics by itself when they are written to is not relied on.
        """
        own = self.service
        partitions = {
            topic.name: max(1, topic.num_partitions)
            for subscriber in self._managed
            for topic in subscriber.topics
            if topic.declare
        }
        for publisher in self.publishers:
            if isinstance(publisher, ManagedPublisher) and publisher.declares_topic:
                partitions.setdefault(publisher.topic, 1)
        topics = [
            Topic(
                name.removeprefix(self.kafka.topic_prefix),
                None,
                "as its producers choose",
                (),
                (),
                f"Read or written by {own}.",
                partitions=number,
            )
            for name, number in partitions.items()
        ]
        if not self._dead_letters:
            return topics
        retries = [build_retry_topic(own, tier) for tier in range(len(RETRY_DELAYS_S))]
        return [*topics, *retries, build_dlq_topic(own)]


def _given(
    bootstrap_servers: str | Iterable[str] | None, security: Any
) -> Callable[[], KafkaSettings]:
    """Return a reader of connection settings in which FastStream's arguments take precedence."""

    def read() -> KafkaSettings:
        given: dict[str, Any] = {}
        if bootstrap_servers is not None:
            servers = bootstrap_servers
            given["bootstrap_servers"] = servers if isinstance(servers, str) else ",".join(servers)
        settings = _GivenSettings(**given)
        return settings if security is None else settings.secured(security)

    return read
