"""Serves the engine: its endpoints for chat completions, with every answer bounded."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from local_model.bounding import Bounds, bound_request
from local_model.engine import LOOPBACK

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
SHUTDOWN_S: Final = 0.5
ENGINE: Final = web.AppKey("engine", ClientSession)
PASSED_ON: Final = ("content-type", "cache-control")


class _Front:
    """What the engine is asked and what it answers.

    Args:
        origin: where the engine listens.
        bounds: the most an answer may hold.
    """

    def __init__(self, origin: str, bounds: Bounds) -> None:
        self._origin = origin
        self._bounds = bounds

    async def connect(self, app: web.Application) -> AsyncIterator[None]:
        """Keep connections to the engine for as long as the application runs."""
        # How long a call may take is its caller's affair; who hangs up is noticed.
        patient = ClientTimeout(total=None, sock_connect=5)
        async with ClientSession(self._origin, timeout=patient) as app[ENGINE]:
            yield

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat completion request."""
        return await self._pass_on(request, bound_request(await request.read(), self._bounds))

    async def look(self, request: web.Request) -> web.StreamResponse:
        """Tell the models, or that all is well."""
        return await self._pass_on(request, None)

    async def _pass_on(self, request: web.Request, body: bytes | None) -> web.StreamResponse:
        headers = {"content-type": "application/json"} if body is not None else {}
        engine = request.app[ENGINE]
        async with engine.request(
            request.method, request.path, data=body, headers=headers
        ) as answer:
            told = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
            response = web.StreamResponse(status=answer.status, headers=told)
            try:
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await response.write(piece)
                await response.write_eof()
            except (ConnectionError, ClientError):
                _hang_up(request)  # one side has left: the other is to notice
            return response


def create_runner(origin: str, bounds: Bounds) -> web.AppRunner:
    """Prepare the endpoints in front of an engine; a client that leaves ends its call there.

    Args:
        origin: where the engine listens, such as ``http://127.0.0.1:41234``.
        bounds: the most an answer may hold.
    """
    front = _Front(origin, bounds)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.cleanup_ctx.append(front.connect)
    app.add_routes(
        [
            web.post("/v1/chat/completions", front.complete),
            web.get("/v1/models", front.look),
            web.get("/health", front.look),
        ]
    )
    return web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S
    )


async def serve(origin: str, bounds: Bounds, port: int) -> None:
    """Serve until SIGTERM or SIGINT; says ``listening on http://HOST:PORT/v1`` when it does.

    Args:
        origin: where the engine listens.
        bounds: the most an answer may hold.
        port: of loopback; 0 takes a free one.

    Raises:
        OSError: the port cannot be had.
    """
    runner = create_runner(origin, bounds)
    await runner.setup()
    try:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await web.TCPSite(runner, LOOPBACK, port).start()
        host, chosen = runner.addresses[0][:2]
        sys.stdout.write(f"listening on http://{host}:{chosen}/v1\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
