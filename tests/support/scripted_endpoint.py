"""An endpoint on a loopback port that answers each request as a test tells it to."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiohttp import web

from support.simulator import serving
from support.waiting import until

Respond: TypeAlias = Callable[
    [dict[str, Any], int], web.StreamResponse | Callable[[web.Request], Awaitable[Any]]
]
"""Given a request's body and its number, from 1: the response, or what makes one of the request."""


class ScriptedEndpoint:
    """An endpoint of the test's own.

    Args:
        respond: answers a request.

    Attributes:
        requests: the bodies of all requests so far.
        connections: over which they came.
    """

    def __init__(self, respond: Respond) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections: set[Any] = set()
        self._respond = respond

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve for as long as the context lasts; what OPENAI_BASE_URL has to be."""
        app = web.Application()
        app.add_routes([web.post("/v1/chat/completions", self._answer)])
        async with serving(web.AppRunner(app)) as origin:
            yield f"{origin}/v1"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        self.requests.append(await request.json())
        response: Any = self._respond(self.requests[-1], len(self.requests))
        if inspect.isroutine(response):
            response = await response(request)
        assert isinstance(response, web.StreamResponse)
        return response


def has_given_up(request: web.Request) -> bool:
    """Whether the client has closed the connection."""
    return request.transport is None or request.transport.is_closing()


async def until_given_up(request: web.Request) -> None:
    """Say nothing until the client has closed the connection."""
    await until(lambda: has_given_up(request))


def streamed(
    *parts: bytes | Callable[[web.Request], Awaitable[Any]],
) -> Callable[..., Awaitable[Any]]:
    """A stream of these bytes, in these parts; what is callable between is called and awaited."""

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            if isinstance(part, bytes):
                await response.write(part)
            else:
                await part(request)
        if not has_given_up(request):
            await response.write_eof()
        return response

    return stream


def completion(**choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": choice.pop("content", None)}
    whole = {"index": 0, "finish_reason": "stop", "message": message, **choice}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [whole]}


def events(*data: Any, end: bool = True) -> web.Response:
    lines = [f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in data]
    text = "".join([": a comment\n\n", *lines, "data: [DONE]\n\n" if end else ""])
    return web.Response(text=text, content_type="text/event-stream")


def piece(content: str | None = None, finish: str | None = None) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
