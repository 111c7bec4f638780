"""Supervision of a consumer: opens its resources, waits out outages, restarts it, drains it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import uuid4

import structlog

from contracts.errors import ErrorCode, OutageError
from messaging.consumer.consumer import StageConsumer
from messaging.consumer.instance_fencing import InstanceIdTakenError, require_free_instance_id
from messaging.kafka.broker_monitor import DoublingStallTimeout
from messaging.kafka.topic_checks import require_topics
from messaging.processing.processor import MessageProcessor
from messaging.producer.publisher import Publisher
from messaging.runtime.dependencies import (
    CheckDependencies,
    DependencyMonitor,
    skip_dependency_check,
)
from messaging.runtime.health import ServiceHealth
from messaging.settings import KafkaSettings, StageSettings
from messaging.stage import Stage
from messaging.stage_metrics import classify_pause
from telemetry.label_bounds import OTHER
from telemetry.metrics import PAUSE_REASONS, SERVICES, STAGE_PAUSED

log = structlog.get_logger(__name__)

RETRY_START_S: Final = 1.0
"""Pause before trying again to start on a dependency that does not answer, in seconds."""
RETRY_START_MAX_S: Final = 5.0
"""The pause grows up to this while the reason stays: a refused login is not to be hammered."""

IDLE_POLL_S: Final = 0.001
"""Pause between checks whether anything is in flight, in seconds."""

FAREWELL_S: Final = 5.0
"""How long taking leave of the broker may take after what is in flight has ended, in seconds."""


class ConsumerCrashedError(OutageError):
    """Raised when an unexpected exception ended the Kafka consumer, which is then restarted."""

    code = ErrorCode.BUG


@dataclass(frozen=True, slots=True)
class ConsumerConfig:
    """Configuration of a consumer that a ``ConsumerSupervisor`` runs.

    Attributes:
        service: its name.
        source: CloudEvents ``source`` of what is sent, such as ``/onrecord/ingestion``.
        settings: of the stage.
        kafka: how to reach the broker.
        build: opens what the handlers need and yields the stage; it may raise ``OutageError``
            while a dependency is not there, and is then tried again.
        check: raises ``OutageError`` if a dependency of every message is not there.
    """

    service: str
    source: str
    settings: StageSettings
    kafka: KafkaSettings
    build: Callable[[Publisher], AbstractAsyncContextManager[Stage]]
    check: CheckDependencies = skip_dependency_check


class ConsumerSupervisor:
    """Supervisor that runs a consumer, restarts it after outages, and stops it gracefully.

    Args:
        consumer: what is kept at work.
    """

    def __init__(self, consumer: ConsumerConfig) -> None:
        self._consumer = consumer
        self._health = ServiceHealth()
        self._stopping = asyncio.Event()
        self._consumption: StageConsumer | None = None
        self._dependencies = DependencyMonitor(consumer.check, lambda: not self.is_busy)
        self._name_was_taken = False
        self._replica = uuid4().hex
        self._pause_s = RETRY_START_S
        self._outage: OutageError | None = None
        self._patience = DoublingStallTimeout()

    @property
    def consumption(self) -> StageConsumer | None:
        """The consumer that is at work now, if one is."""
        return self._consumption

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping.is_set()

    @property
    def is_busy(self) -> bool:
        """Whether messages are in flight."""
        return self._consumption is not None and self._consumption.in_flight > 0

    def stop(self) -> None:
        """Ask ``run`` to take no more, to finish what is in flight, and to return."""
        self._stopping.set()
        if self._consumption is not None:
            self._consumption.stop()

    def resume(self) -> str | None:
        """Go on after the stage has stopped because most messages failed.

        Returns:
            Why it had stopped, empty if it had not; None if there is no consumer to go on.
        """
        return None if self._consumption is None else self._consumption.resume()

    async def commit_when_idle(self) -> None:
        """Wait until nothing is in flight, and commit."""
        if (consumption := self._consumption) is not None:
            while consumption.in_flight:  # noqa: ASYNC110 - the window tells nobody when it is empty
                await asyncio.sleep(IDLE_POLL_S)
            await consumption.commit()

    def check_health(self) -> ServiceHealth:
        """Return whether messages are being handled, and if not, why."""
        if self._stopping.is_set():
            self._health.is_waiting("stopping")
        elif self._consumption is None:
            self._health.ready = False
        elif (trouble := self._consumption.trouble) or (trouble := self._dependencies.trouble):
            self._health.is_waiting(trouble)
        elif not self._consumption.assigned:
            self._health.is_waiting("joining the consumer group")
        else:
            self._health.is_ready(self._consumption.detail)
        return self._health

    async def run(self) -> None:
        """Consume until ``stop``; return when all is drained, or its time is over."""
        service = self._consumer.service
        SERVICES.register(service)
        gauges = [
            STAGE_PAUSED.add(service, reason, read=partial(self._is_paused_for, reason))
            for reason in (*PAUSE_REASONS, OTHER)
        ]
        working = asyncio.create_task(self._work_until_stopped())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await self._see_the_end_of(working)
        except asyncio.CancelledError:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            raise
        finally:
            for remove in gauges:
                remove()
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)

    def _is_paused_for(self, reason: str) -> bool:
        """Return whether nothing is handled now, and for what the metrics name so."""
        health = self.check_health()
        if health.ready or self._stopping.is_set():
            return False
        outage = self._outage
        if outage is not None and health.reason == str(outage):
            code = outage.code.value
        else:
            code = classify_pause(health.reason)
        return reason == (code if code in PAUSE_REASONS else OTHER)

    async def _see_the_end_of(self, working: asyncio.Task[None]) -> None:
        """Wait for what is in flight and for the farewell, but not for a broker that is frozen."""
        budget_s = self._consumer.settings.drain_grace_s + FAREWELL_S
        ended, _ = await asyncio.wait({working}, timeout=budget_s)
        if ended:
            working.result()
            return
        # What is not committed is delivered again; to whom it is said does not answer.
        log.error("farewell_cut_short", after_s=budget_s)

    async def _work_until_stopped(self) -> None:
        while not self._stopping.is_set():
            await self._work_or_wait()

    async def _work_or_wait(self) -> None:
        try:
            await self._work()
        except OutageError as outage:
            if self._health.reason == str(outage):
                self._pause_s = min(2 * self._pause_s, RETRY_START_MAX_S)
            else:
                self._pause_s = RETRY_START_S
                log.warning("waiting", code=outage.code.value, reason=str(outage))
            self._health.is_waiting(str(outage))
            self._outage = outage
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s):
                    await self._stopping.wait()

    async def _work(self) -> None:
        try:
            async with self._open() as consumption:
                if not self._stopping.is_set():
                    checking = asyncio.create_task(self._dependencies.run())
                    try:
                        await consumption.run()
                    finally:
                        checking.cancel()
                        await asyncio.gather(checking, return_exceptions=True)
        except InstanceIdTakenError:
            self._name_was_taken = True
            raise
        except OutageError:
            raise
        except Exception as error:
            # Whatever it is, what is not committed is delivered again to a consumption made anew.
            log.exception("broken")
            raise ConsumerCrashedError(f"unexpected {type(error).__name__}; see the log") from error
        finally:
            self._consumption = None

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[StageConsumer]:
        consumer, kafka = self._consumer, self._consumer.kafka
        async with (
            Publisher(kafka, source=consumer.source) as publisher,
            consumer.build(publisher) as stage,
        ):
            worker = MessageProcessor(
                stage, consumer.settings, publisher, group=kafka.topic(stage.service)
            )
            consumption = StageConsumer(
                stage,
                consumer.settings,
                kafka,
                worker,
                replica=self._replica,
                patience=self._patience,
            )
            # Using a topic that is not there would have the broker create it, wrongly: a DLQ made
            # by the broker forgets its letters after a week.
            topics = consumption.topic_presence
            topics.missing = await require_topics(
                kafka,
                sorted(topics.needed),
                optional=topics.optional,
                access=consumption.topic_access,
            )
            if self._name_was_taken:
                # Whoever took it may be gone. At the start that cannot be told: then it may be
                # this replica's own name, from before it was started again.
                await require_free_instance_id(kafka, consumption.group, self._replica)
                self._name_was_taken = False
            self._consumption = consumption
            yield consumption
