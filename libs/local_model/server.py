"""HTTP proxy in front of the engine that bounds every answer."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import httpx2
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import asgi_server
from asgi_server import RequestGuard, RequestPolicy
from local_model.answer_lengths import AnswerLengthLimits, add_maximum_lengths_to_request
from local_model.engine import LOOPBACK

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
GRACE_S: Final = 0.5
CONNECT_S: Final = 5.0
FORWARDED_HEADERS: Final = ("content-type", "cache-control")


class _Proxy:
    """Proxy of the engine's endpoints, as an ASGI application.

    Args:
        engine: a client whose base URL is the engine's.
        bounds: the most an answer may hold.
    """

    def __init__(self, engine: httpx2.AsyncClient, bounds: AnswerLengthLimits) -> None:
        self._engine = engine
        self._bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request and stream the engine's response."""
        request = Request(scope, receive)
        with suppress(ClientDisconnect):
            bounded = self._build_request(
                request, await asgi_server.read_body(request, MAX_BODY_BYTES)
            )
            # A client that leaves ends its call at the engine, which makes room for the next.
            async with asgi_server.cancel_on_disconnect(receive):
                try:
                    await self._pass_on(bounded, send)
                except httpx2.TransportError:
                    await asgi_server.abort_connection(
                        scope
                    )  # the engine has left: its caller is to notice

    def _build_request(self, request: Request, body: bytes) -> httpx2.Request:
        if request.method != "POST":
            return self._engine.build_request(request.method, request.url.path)
        headers = {"content-type": "application/json"}
        content = add_maximum_lengths_to_request(body, self._bounds)
        return self._engine.build_request(
            "POST", request.url.path, content=content, headers=headers
        )

    async def _pass_on(self, bounded: httpx2.Request, send: Send) -> None:
        answer = await self._engine.send(bounded, stream=True)
        try:
            headers = [
                (name.encode(), answer.headers[name].encode("latin-1"))
                for name in FORWARDED_HEADERS
                if name in answer.headers
            ]
            start = {"type": "http.response.start", "status": answer.status_code}
            await send({**start, "headers": headers})
            async for part in answer.aiter_bytes():
                await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            await answer.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def serve_engine_api(
    origin: str, bounds: AnswerLengthLimits, port: int
) -> AsyncIterator[int]:
    """Serve an OpenAI-compatible API that forwards to the engine, while the context is open.

    Args:
        origin: where the engine listens, such as ``http://127.0.0.1:41234``.
        bounds: the most an answer may hold.
        port: of loopback; 0 takes a free one.

    Yields:
        The port listened on.

    Raises:
        OSError: the port cannot be had.
    """
    # How long a call may take is its caller's affair, and how many there are is the engine's.
    timeout = httpx2.Timeout(None, connect=CONNECT_S)
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=origin, timeout=timeout, limits=limits, trust_env=False
    ) as engine:
        policy = RequestPolicy(max_body_bytes=MAX_BODY_BYTES)
        app = RequestGuard(_application(_Proxy(engine, bounds)), lambda: policy)
        async with asgi_server.serve(app, host=LOOPBACK, port=port, grace_s=GRACE_S) as chosen:
            yield chosen


def _application(front: _Proxy) -> Starlette:
    return asgi_server.create_application(
        [
            Route("/v1/chat/completions", front, methods=["POST"]),
            Route("/v1/models", front, methods=["GET", "HEAD"]),
            Route("/health", front, methods=["GET", "HEAD"]),
        ]
    )


async def serve(origin: str, bounds: AnswerLengthLimits, port: int) -> None:
    """Serve the local model until SIGTERM or SIGINT; print its URL once it is ready.

    Args:
        origin: where the engine listens.
        bounds: the most an answer may hold.
        port: of loopback; 0 takes a free one.

    Raises:
        OSError: the port cannot be had.
    """
    async with serve_engine_api(origin, bounds, port) as chosen:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        sys.stdout.write(f"listening on http://{LOOPBACK}:{chosen}/v1\n")
        sys.stdout.flush()
        await stop.wait()
