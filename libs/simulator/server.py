"""The simulator over HTTP: OpenAI's endpoints, and a few of its own under ``/simulator``."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web

from simulator.answers import error_body, model_list
from simulator.journal import Entry, Journal
from simulator.model import Reply, SimulatedModel
from simulator.settings import RulesError, SimulatorSettings, parse_rules

MAX_BODY_BYTES = 64 * 1024 * 1024
_SHUTDOWN_S = 0.5  # waits end by themselves on shutdown; this bounds what else may linger


class _Endpoints:
    """Handlers over one simulated model."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._model = SimulatedModel(settings)
        self._journal = Journal()
        self._stopping = asyncio.Event()

    async def stop(self, _app: web.Application) -> None:
        """End every wait, so that a shutdown waits for nobody."""
        self._stopping.set()
        self._model.close()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        entry = Entry("abandoned")
        with self._journal.following(entry):
            reply = await self._decided(raw)
            if reply is None:
                _hang_up(request)
                return web.Response()
            entry.model, entry.attempt, entry.notes = reply.model, reply.attempt, reply.notes
            if reply.hangs:
                entry.outcome = reply.outcome
            if not await self._wait(reply):
                _hang_up(request)
                return web.Response()
            entry.outcome = reply.outcome
            return web.json_response(reply.body, status=reply.status, headers=reply.headers)

    async def _decided(self, raw: bytes) -> Reply | None:
        """The model's reply; nothing if the server stops before."""
        async with asyncio.TaskGroup() as group:
            deciding = group.create_task(self._model.reply(raw))
            stopping = group.create_task(self._stopping.wait())
            await asyncio.wait((deciding, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not deciding.done():
                deciding.cancel()
                return None
        return deciding.result()

    async def _wait(self, reply: Reply) -> bool:
        """Wait as long as the reply says; false if the server stops before.

        A client that leaves cancels the handler, and with it the wait.
        """
        if not (reply.hangs or reply.wait):
            return True
        try:
            async with asyncio.timeout(None if reply.hangs else reply.wait):
                await self._stopping.wait()
        except TimeoutError:
            return True
        return False

    async def models(self, _request: web.Request) -> web.Response:
        return web.json_response(model_list(self._settings.model))

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def rules(self, _request: web.Request) -> web.Response:
        return self._rules_in_force()

    async def replace_rules(self, request: web.Request) -> web.Response:
        try:
            self._model.obey(parse_rules(json.loads(await request.read())))
        except RulesError as error:
            return _refused(str(error))
        except ValueError:
            return _refused("rules: the body is no JSON")
        return self._rules_in_force()

    async def requests(self, _request: web.Request) -> web.Response:
        return web.json_response(self._journal.summary())

    def _rules_in_force(self) -> web.Response:
        book = self._model.rules
        listed = [rule.model_dump(mode="json", exclude_unset=True) for rule in book.rules]
        return web.json_response({"rules": listed, "fired": book.fired})


def create_app(settings: SimulatorSettings) -> web.Application:
    """Build the simulator as an application, to be run by whoever builds it.

    Run it with ``handler_cancellation``, as `create_runner` does: otherwise a request that hangs
    stays in memory after its client has left, until the shutdown.

    Args:
        settings: all but ``host`` and ``port`` count, which are the runner's affair.
    """
    endpoints = _Endpoints(settings)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes(
        [
            web.post("/v1/chat/completions", endpoints.complete),
            web.get("/v1/models", endpoints.models),
            web.get("/healthz", endpoints.health),
            web.get("/simulator/rules", endpoints.rules),
            web.put("/simulator/rules", endpoints.replace_rules),
            web.get("/simulator/requests", endpoints.requests),
        ]
    )
    app.on_shutdown.append(endpoints.stop)
    return app


def create_runner(settings: SimulatorSettings) -> web.AppRunner:
    """Prepare the application to be served: it notices clients that leave, and stops at once."""
    return web.AppRunner(
        create_app(settings),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_S,
    )


async def serve(settings: SimulatorSettings, announce: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; returns at once then, whatever is still waiting.

    Args:
        settings: where to listen and what to do.
        announce: is told ``listening on http://HOST:PORT/v1``; prints it unless given.

    Raises:
        OSError: the address cannot be listened on.
    """
    runner = create_runner(settings)
    await runner.setup()
    try:
        stop = _on_signal()
        await web.TCPSite(runner, settings.host, settings.port).start()
        host, port = runner.addresses[0][:2]
        (announce or _print)(f"listening on http://{host}:{port}/v1")
        await stop.wait()
    finally:
        await runner.cleanup()


def _on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Where signals cannot be handled, as off the main thread, cancelling ends the server.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
    return stop


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _refused(message: str) -> web.Response:
    return web.json_response(
        error_body(message, "invalid_request_error"), status=HTTPStatus.BAD_REQUEST
    )
