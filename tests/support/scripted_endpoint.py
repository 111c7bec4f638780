"""An HTTP endpoint on loopback whose answers a test scripts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import asgi_server
from asgi_server import JsonResponse


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its scripted answer; cancelled when the client disconnects."""

    scope: Scope
    send: Send

    async def begin(
        self, content_type: str = "text/event-stream", *, status: int = 200, encoding: str = ""
    ) -> None:
        """Send the status and the headers."""
        headers = [(b"content-type", content_type.encode())]
        if encoding:
            headers.append((b"content-encoding", encoding.encode()))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, part: bytes) -> None:
        """Send a part of the body."""
        await self.send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self) -> None:
        """Send the end of the body."""
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def abort(self) -> NoReturn:
        """Cut the connection."""
        await asgi_server.abort_connection(self.scope)


Answer: TypeAlias = Callable[[Exchange], Awaitable[Any]]

Respond: TypeAlias = Callable[[dict[str, Any], int], Response | Answer]
"""Given a request's body and its number, from 1: the response, or what writes one."""


class ScriptedEndpoint:
    """An HTTP endpoint with scripted answers.

    Args:
        respond: answers a request.

    Attributes:
        requests: the bodies of all requests so far.
        connections: the clients' addresses; each connection has one of its own.
    """

    def __init__(self, respond: Respond) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections: set[Any] = set()
        self.respond = respond

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve for as long as the context lasts; what OPENAI_BASE_URL has to be."""
        app = asgi_server.create_application(
            [Route("/v1/chat/completions", _Application(self._answer), methods=["POST"])]
        )
        async with asgi_server.serve(app, host="127.0.0.1", port=0, grace_s=0) as port:
            yield f"http://127.0.0.1:{port}/v1"

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.connections.add(tuple(scope["client"]))
        self.requests.append(await Request(scope, receive).json())
        response: Any = self.respond(self.requests[-1], len(self.requests))
        with suppress(ClientDisconnect):
            async with asgi_server.cancel_on_disconnect(receive):
                if isinstance(response, Response):
                    await response(scope, receive, send)
                else:
                    await response(Exchange(scope, send))


@dataclass(frozen=True, slots=True)
class _Application:
    """An ASGI application that Starlette does not take for a function of a request."""

    answer: Callable[[Scope, Receive, Send], Awaitable[None]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(scope, receive, send)


async def until_given_up(_: Exchange) -> NoReturn:
    """Answer nothing until the client disconnects."""
    await asgi_server.wait_forever()


def streamed(*parts: bytes | Answer) -> Answer:
    """Return a streamed answer in these parts; callables between them are called and awaited."""

    async def stream(exchange: Exchange) -> None:
        await exchange.begin()
        for part in parts:
            if isinstance(part, bytes):
                await exchange.write(part)
            else:
                await part(exchange)
        await exchange.end()

    return stream


def json_response(
    body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return JsonResponse(body, status_code=status, headers=headers)


def completion(**choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": choice.pop("content", None)}
    whole = {"index": 0, "finish_reason": "stop", "message": message, **choice}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [whole]}


def events(*data: Any, end: bool = True) -> Response:
    lines = [f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in data]
    text = "".join([": a comment\n\n", *lines, "data: [DONE]\n\n" if end else ""])
    return Response(text, media_type="text/event-stream")


def piece(content: str | None = None, finish: str | None = None) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
