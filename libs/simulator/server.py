"""The simulator over HTTP: OpenAI's endpoints, and a few of its own under ``/simulator``."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from aiohttp import web

from simulator import replies
from simulator.admin import Admin
from simulator.answers import model_list
from simulator.journal import Entry, Journal
from simulator.model import SimulatedModels
from simulator.replies import Reply
from simulator.schedule import Clock
from simulator.settings import SimulatorSettings
from simulator.streaming import Break, Stream

MAX_BODY_BYTES = 64 * 1024 * 1024
_SHUTDOWN_S = 0.5  # waits end by themselves on shutdown; this bounds what else may linger


class _Endpoints:
    """OpenAI's endpoints over the simulated models."""

    def __init__(self, models: SimulatedModels, journal: Journal) -> None:
        self._models = models
        self._journal = journal
        self._serving: set[asyncio.Task[None]] = set()

    async def stop(self, _app: web.Application) -> None:
        """End every call, so that a shutdown waits for nobody."""
        for task in self._serving:
            task.cancel()
        self._models.close()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat completion request."""
        entry = Entry("abandoned")
        with self._journal.following(entry), self._stoppable():
            raw = await request.read()
            async with self._models.replying(raw) as reply:
                with self._journal.charging(entry, reply):
                    return await self._send(request, reply, entry)

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        """List the models, unless there is an outage of all."""
        outage = self._models.outages.current(None)
        if outage is None:
            return web.json_response(model_list(self._models.lineup.names))
        with self._stoppable():
            return await self._send(request, replies.out_of_service(outage), Entry(replies.OUTAGE))

    async def health(self, _request: web.Request) -> web.Response:
        """Tell that the process is alive, whatever it simulates."""
        return web.json_response({"status": "ok"})

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Let a stop cancel what the block waits for."""
        task = asyncio.current_task()
        assert task, "handlers run in tasks"
        self._serving.add(task)
        try:
            yield
        finally:
            self._serving.discard(task)

    async def _send(self, request: web.Request, reply: Reply, entry: Entry) -> web.StreamResponse:
        if reply.hangs:
            entry.outcome = reply.outcome
            await _for_ever()
        if reply.wait:
            await asyncio.sleep(reply.wait)
        if reply.disconnects:
            entry.outcome = reply.outcome
            return _hang_up(request)
        entry.status = reply.status
        headers = reply.headers | (reply.member.limit_headers() if reply.member else {})
        if reply.stream:
            response = web.StreamResponse(headers={**headers, "cache-control": "no-cache"})
            return await _stream(request, response, reply.stream, reply.outcome, entry)
        entry.outcome = reply.outcome
        return web.json_response(reply.body, status=reply.status, headers=headers)


async def _stream(
    request: web.Request, response: web.StreamResponse, stream: Stream, outcome: str, entry: Entry
) -> web.StreamResponse:
    """Send events as they are due; those that are due at once, at once."""
    response.content_type = "text/event-stream"
    due: list[bytes] = []
    try:
        await response.prepare(request)
        for place, (event, wait) in enumerate(zip(stream.events, stream.waits, strict=True)):
            breaks = stream.breaks if place == stream.middle else None
            if due and (wait or breaks):
                await response.write(b"".join(due))
                due.clear()
            if breaks:
                entry.outcome = outcome
                if breaks.disconnects:
                    return _hang_up(request)
                await _pause(breaks)
            if wait:
                await asyncio.sleep(wait)
            due.append(event)
        await response.write(b"".join(due))
        await response.write_eof()
    except ConnectionError:
        return response  # the client has left: nobody is there to be told
    entry.outcome = outcome
    return response


async def _pause(breaks: Break) -> None:
    if breaks.pause is None:
        await _for_ever()
    else:
        await asyncio.sleep(breaks.pause)


async def _for_ever() -> None:
    """Wait until cancelled: by a client that leaves, or by the server's stop."""
    await asyncio.get_running_loop().create_future()


def create_app(settings: SimulatorSettings, clock: Clock | None = None) -> web.Application:
    """Build the simulator as an application, to be run by whoever builds it.

    Run it with ``handler_cancellation``, as `create_runner` does: otherwise a request that hangs
    stays in memory after its client has left, until the shutdown.

    Args:
        settings: all but ``host`` and ``port`` count, which are the runner's affair.
        clock: what limits, outages and dates go by; the machine's unless given. Answers are late
            by the event loop's clock in any case.
    """
    clock = clock or Clock()
    models, journal = SimulatedModels(settings, clock), Journal(clock.monotonic)
    endpoints = _Endpoints(models, journal)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes(
        [
            web.post("/v1/chat/completions", endpoints.complete),
            web.get("/v1/models", endpoints.list_models),
            web.get("/healthz", endpoints.health),
            *Admin(models, journal).routes(),
        ]
    )
    app.on_shutdown.append(endpoints.stop)
    return app


def create_runner(settings: SimulatorSettings, clock: Clock | None = None) -> web.AppRunner:
    """Prepare the application to be served: it notices clients that leave, and stops at once.

    Args:
        settings: as for `create_app`.
        clock: as for `create_app`.
    """
    return web.AppRunner(
        create_app(settings, clock),
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


def _hang_up(request: web.Request) -> web.Response:
    """Cut the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
