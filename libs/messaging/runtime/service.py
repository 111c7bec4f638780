"""Runs a stage as a process: health over HTTP, signals, waiting for what is not there yet."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from asgi_server import JsonResponse
from contracts.errors import ErrorCode, OutageError
from contracts.topics import ALL_TOPICS, dlq_topic
from messaging.consumer.consumer import StageConsumer
from messaging.consumer.instance_fencing import InstanceIdTakenError, require_free_instance_id
from messaging.consumer.stragglers import suspension_point
from messaging.kafka.connection_errors import silence_connection_warnings
from messaging.kafka.topic_checks import require_topics
from messaging.processing.processor import Worker
from messaging.producer.publisher import Publisher
from messaging.runtime.health import Health, serve_http
from messaging.settings import KafkaSettings, StageSettings
from messaging.stage import Stage
from telemetry.logs import configure_logs

log = structlog.get_logger(__name__)

RETRY_START_S: Final = 1.0
"""Pause before trying again to start on a dependency that does not answer, in seconds."""
RETRY_START_MAX_S: Final = 5.0
"""The pause grows up to this while the reason stays: a refused login is not to be hammered."""

FAREWELL_S: Final = 5.0
"""How long taking leave of the broker may take after what is in flight has ended, in seconds."""
LEAVE_S: Final = 1.0
"""How long what ignores its cancellation is waited for at the end of the process, in seconds."""


class BrokenError(OutageError):
    """A bug ended the consumption; it is made anew."""

    code = ErrorCode.BUG


@dataclass(frozen=True, slots=True)
class Service:
    """What a process runs.

    Attributes:
        name: the service's name.
        settings: of the stage.
        kafka: how to reach the broker.
        build: opens what the handlers need and yields the stage; it may raise ``OutageError``
            while a dependency is not there, and is then tried again.
        routes: the service's own HTTP API: Starlette's routes, or mounts of ASGI applications.
    """

    name: str
    settings: StageSettings
    kafka: KafkaSettings
    build: Callable[[Publisher], AbstractAsyncContextManager[Stage]]
    routes: Sequence[BaseRoute] = field(default=())


def run(service: Service) -> None:
    """Run a service until SIGTERM or SIGINT; a second signal ends the process at once."""
    configure_logs(service.name)
    silence_connection_warnings()
    # What is there by now stays: the collector need not look through all modules again and again.
    gc.collect()
    gc.freeze()
    asyncio.run(_run_and_leave(service))


async def _run_and_leave(service: Service) -> None:
    """Run a service, and end the process even if something in it does not end."""
    await Runner(service).run()
    left = {one for one in asyncio.all_tasks() if one is not asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        _, left = await asyncio.wait(left, timeout=LEAVE_S)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LEAVE_S):
            await loop.shutdown_default_executor()
        threads = False
    except TimeoutError:
        threads = True
    if not left and not threads:
        return
    log.error("abandoned", tasks=sorted(map(suspension_point, left)), threads=threads)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


class Runner:
    """One process's life: start, consume, drain, stop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._health = Health()
        self._stopping = asyncio.Event()
        self._consumption: StageConsumer | None = None
        self._name_was_taken = False
        self._pause_s = RETRY_START_S

    async def run(self) -> None:
        """Run until a signal asks to stop."""
        self._listen_to_signals()
        settings = self._service.settings
        http = serve_http(
            self._look,
            host=settings.http_host,
            port=settings.http_port,
            routes=(
                Route("/resume", self._resume, methods=["POST"]),
                *self._service.routes,
            ),
        )
        async with http as port:
            log.info("started", http_port=port)
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
                stopping.cancel()
                await asyncio.gather(stopping, return_exceptions=True)
            log.info("stopped")

    async def _see_the_end_of(self, working: asyncio.Task[None]) -> None:
        """Wait for what is in flight and for the farewell, but not for a broker that is frozen."""
        budget_s = self._service.settings.drain_grace_s + FAREWELL_S
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
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s):
                    await self._stopping.wait()

    async def _work(self) -> None:
        try:
            async with self._open() as consumption:
                if not self._stopping.is_set():
                    await consumption.run()
        except InstanceIdTakenError:
            self._name_was_taken = True
            raise
        except OutageError:
            raise
        except Exception as error:
            # Whatever it is, what is not committed is delivered again to a consumption made anew.
            log.exception("broken")
            raise BrokenError(f"unexpected {type(error).__name__}; see the log") from error
        finally:
            self._consumption = None

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[StageConsumer]:
        service, kafka = self._service, self._service.kafka
        async with (
            Publisher(kafka, source=f"/onrecord/{service.name}") as publisher,
            service.build(publisher) as stage,
        ):
            worker = Worker(stage, service.settings, publisher, group=kafka.topic(stage.service))
            consumption = StageConsumer(stage, service.settings, kafka, worker)
            written = {one.name for one in ALL_TOPICS if stage.service in one.producers}
            if stage.dead_letters:
                written.add(dlq_topic(stage.service).name)
            needed = {*consumption.topics, *map(kafka.topic, written)}
            # Using a topic that is not there would have the broker create it, wrongly: a DLQ made
            # by the broker forgets its letters after a week.
            await require_topics(kafka, sorted(needed))
            if self._name_was_taken:
                # Whoever took it may be gone. At the start that cannot be told: then it may be
                # this replica's own name, from before it was started again.
                await require_free_instance_id(kafka, consumption.group)
                self._name_was_taken = False
            self._consumption = consumption
            yield consumption

    def _look(self) -> Health:
        if self._stopping.is_set():
            self._health.is_waiting("stopping")
        elif self._consumption is None:
            self._health.ready = False
        elif trouble := self._consumption.trouble:
            self._health.is_waiting(trouble)
        elif not self._consumption.assigned:
            self._health.is_waiting("joining the consumer group")
        else:
            self._health.is_ready(self._consumption.detail)
        return self._health

    async def _resume(self, _: Request) -> Response:
        """Go on after the stage has stopped because most messages failed."""
        if self._consumption is None:
            return JsonResponse({"error": "not running"}, status_code=409)
        self._consumption.resume()
        return JsonResponse({"resumed": True})

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if self._stopping.is_set():
            os._exit(128 + number)
        log.info("stopping", signal=signal.Signals(number).name)
        self._stopping.set()
        if self._consumption is not None:
            self._consumption.stop()
