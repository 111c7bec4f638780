"""A service as a FastStream application under uvicorn: health, metrics, its API, signals."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

import structlog
from faststream.asgi import AsgiFastStream
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

import asgi_server
from asgi_server import (
    JsonResponse,
    ProblemResponse,
    RequestGuard,
    RequestPolicy,
    build_allowed_hosts,
)
from configuration.settings_errors import exit_on_settings_errors
from contracts.rehearsals import MAX_REHEARSAL_BODY, REHEARSAL_PATH, StageRehearsalRequest
from messaging.broker.broker import ReliableKafkaBroker
from messaging.broker.operator_token import (
    create_operator_token_file,
    refuse_without_operator_token,
)
from messaging.broker.specification import AsyncApiDocumentBuilder
from messaging.consumer.stragglers import find_suspension_point
from messaging.kafka.connection_errors import silence_connection_warnings
from messaging.runtime.health import build_health_routes
from telemetry.logs import configure_logs

log = structlog.get_logger(__name__)

LEAVE_S: Final = 1.0
"""How long what ignores its cancellation is waited for at the end of the process, in seconds."""

GC_THRESHOLD: Final = 50_000
"""How many new objects there may be until the collector looks for cycles among them."""


class ServiceApplication(AsgiFastStream):
    """FastStream application of one service, which serves health and metrics over HTTP.

    Whatever it serves but health and metrics is behind ``asgi_server.RequestGuard``.

    Args:
        broker: with all handlers.
        lifespan: opens what handlers need, each time the consumer begins anew, and puts it into
            the context. While it raises ``OutageError``, the service waits and is not ready.
        settings: reads the service's settings, once and before anything is opened; what it
            returns is ``settings`` in the context.
        routes: the service's own HTTP API: Starlette's routes, or mounts of ASGI applications.
        navigable_paths: paths of it to which pages of another site may send a browser.
        on_startup: called once, before anything is opened.
        larger_bodies: returns paths whose bodies may be larger than the settings' limit, with the
            most bytes of each.
        options: as FastStream's ``AsgiFastStream`` takes them.
    """

    def __init__(  # noqa: PLR0913 - one parameter an option
        self,
        broker: ReliableKafkaBroker,
        *,
        lifespan: Any = None,
        settings: Callable[[], Any] | None = None,
        routes: Sequence[BaseRoute] = (),
        navigable_paths: frozenset[str] = frozenset(),
        on_startup: Sequence[Callable[..., Any]] = (),
        larger_bodies: Callable[[], Mapping[str, int]] = dict,
        **options: Any,
    ) -> None:
        options.setdefault("logger", None)
        hooks = (self.read_settings, *on_startup)
        options.setdefault("specification", AsyncApiDocumentBuilder())
        super().__init__(broker, lifespan=lifespan, on_startup=hooks, **options)
        self.service = broker
        self._read_settings = settings
        self._larger_bodies = larger_bodies
        if lifespan is not None:
            # FastStream's application runs it once and ends where it fails; the broker's
            # supervisor waits and tries again.
            broker.resources, self.lifespan_context = self.lifespan_context, _nothing
        self._listens_on = ""
        self._navigable_paths = navigable_paths
        self._guarded = RequestGuard(super().__call__, self._policy)
        health_routes = build_health_routes(lambda: broker.health)
        own_routes = [
            Route("/resume", self._resume, methods=["POST"]),
            *([Route(REHEARSAL_PATH, self._rehearse, methods=["POST"])] * broker.has_dead_letters),
            *routes,
        ]
        self._health = asgi_server.create_application(health_routes)
        self._own = asgi_server.create_application(own_routes)
        self._web = asgi_server.create_application([*health_routes, *own_routes])

    def read_settings(self) -> None:
        """Read all settings, once.

        Raises:
            ValidationError: some are wrong.
        """
        self.service.read_settings()
        read, self._read_settings = self._read_settings, None
        if read is not None:
            self.context.set_global("settings", read())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request that comes from this service's own pages, or from no page at all."""
        await self._guarded(scope, receive, send)

    async def not_found(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve what FastStream has no route for: health, metrics, the service's own API."""
        if scope["type"] == "http":
            has_own_port = self.service.settings.health_port is not None
            web = self._own if has_own_port else self._web
            await web(scope, receive, send)
        else:
            await super().not_found(scope, receive, send)

    async def run(
        self,
        log_level: int = logging.INFO,  # noqa: ARG002 - FastStream's signature
        run_extra_options: dict[str, Any] | None = None,
    ) -> None:
        """Serve and consume until SIGTERM or SIGINT; a second signal ends the process at once.

        Args:
            log_level: has no effect: the log is what ``configure_logs`` makes it.
            run_extra_options: ``host`` and ``port`` in place of the settings'.
        """
        options = run_extra_options or {}
        with exit_on_settings_errors():
            self.read_settings()
        settings = self.service.settings
        stop_on_signals(self.service)
        host = str(options.get("host") or settings.http_host)
        port = int(options.get("port") or settings.http_port)
        self._listens_on = host
        if settings.operator_token_file is not None:
            create_operator_token_file(settings.operator_token_file)

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                raise NotImplementedError  # what the lifespan begins and ends, this method does
            await self(scope, receive, send)

        async with (
            asgi_server.serve(answer, host=host, port=port) as listening_on,
            self._serve_health(host) as health_port,
        ):
            log.info("started", http_port=listening_on, **health_port)
            async with self.start_lifespan_context():
                # Drained before the server closes, so that whoever asks hears of it.
                await self.service.wait_closed()
        log.info("stopped")

    @asynccontextmanager
    async def _serve_health(self, host: str) -> AsyncIterator[dict[str, int]]:
        """Serve health and metrics where the settings say, if not beside everything else.

        Yields:
            The port as ``health_port``; nothing if they have none of their own.
        """
        settings = self.service.settings
        if settings.health_port is None:
            yield {}
            return

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                raise NotImplementedError  # it has none
            await self._health(scope, receive, send)

        health_host, port = settings.health_host or host, settings.health_port
        async with asgi_server.serve(answer, host=health_host, port=port) as listening_on:
            yield {"health_port": listening_on}

    def exit(self) -> None:
        """Stop as after SIGTERM."""
        self.service.begin_to_stop()

    def _policy(self) -> RequestPolicy:
        """Return what requests are taken, by the settings."""
        settings = self.service.settings
        return RequestPolicy(
            allowed_hosts=build_allowed_hosts(
                self._listens_on or settings.http_host, settings.http_allowed_hosts
            ),
            max_body_bytes=settings.http_max_body_bytes,
            hosts_setting=self._name_setting("HTTP_ALLOWED_HOSTS"),
            larger_bodies={REHEARSAL_PATH: MAX_REHEARSAL_BODY, **self._larger_bodies()},
            navigable_paths=self._navigable_paths,
        )

    def _name_setting(self, name: str) -> str:
        return f"{type(self.service.settings).model_config.get('env_prefix', '')}{name}"

    def _refuse(self, request: Request) -> Response | None:
        """Return the answer to a request without the operators' token; None if it has it."""
        file = self.service.settings.operator_token_file
        return refuse_without_operator_token(
            request, file, self._name_setting("OPERATOR_TOKEN_FILE")
        )

    async def _rehearse(self, request: Request) -> Response:
        """Take a record through the handlers without effects, and answer what became of it."""
        if refusal := self._refuse(request):
            return refusal
        body = await asgi_server.read_body(request, MAX_REHEARSAL_BODY)
        try:
            asked = StageRehearsalRequest.model_validate_json(body)
        except ValidationError as error:
            return ProblemResponse(400, f"{error.error_count()} fields of the request are wrong")
        async with asgi_server.cancel_on_disconnect(request.receive):
            found = await self.service.rehearse(asked)
        if found is None:
            return ProblemResponse(503, "the service handles no messages now; see /readyz")
        return JsonResponse(found.model_dump(mode="json"))

    async def _resume(self, request: Request) -> Response:
        """Go on after the service has stopped because most messages failed.

        The answer says whether it had and why, and what it waits for all the same: an outage, say,
        which nobody's request ends.
        """
        if refusal := self._refuse(request):
            return refusal
        stopped = self.service.resume()
        waits_for = self.service.health.reason
        if stopped is None:
            return ProblemResponse(
                409, f"the service consumes nothing now: {waits_for}; see /readyz"
            )
        log.info(
            "resumed_by_operator",
            address=request.client.host if request.client else "",
            had_stopped=bool(stopped),
        )
        return JsonResponse(
            {
                "resumed": True,
                "had_stopped": bool(stopped),
                "reason": stopped,
                "waits_for": waits_for,
            }
        )


def _nothing(*_: Any, **__: Any) -> Any:
    return nullcontext()


def stop_on_signals(broker: ReliableKafkaBroker) -> None:
    """Stop a broker on SIGTERM or SIGINT; a second signal exits at once."""

    def on_signal(number: int) -> None:
        if broker.is_stopping:
            os._exit(128 + number)
        log.info("stopping", signal=signal.Signals(number).name)
        broker.begin_to_stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


def run_service(app: ServiceApplication) -> None:
    """Run a service until SIGTERM or SIGINT; exit with code 2 if its settings are invalid."""
    with exit_on_settings_errors():
        app.read_settings()
    configure_logs(app.service.service)
    silence_connection_warnings()
    configure_garbage_collector()
    asyncio.run(_run_and_leave(app))


def configure_garbage_collector() -> None:
    """Configure Python's garbage collector to scan long-lived objects less often.

    What is there by now stays for ever: it is not looked through again. Messages that were fetched
    stay for seconds, thousands at a time, and make no cycles; with Python's threshold of 700 new
    objects, looking through them takes a tenth of the time of a handler that does little.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])


async def _run_and_leave(app: ServiceApplication) -> None:
    """Run a service, and end the process even if something in it does not end."""
    await app.run()
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
    log.error("abandoned", tasks=sorted(map(find_suspension_point, left)), threads=threads)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)
