"""What uvicorn and Starlette leave out: limits, clients that leave, connections that are cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import asgi_server
from asgi_server import JsonResponse, protocol
from asgi_server.problems import build_problem_details
from support.http_client import http_client

LOCAL = "127.0.0.1"
MAX_BODY = 1_000

Handle = Callable[[Scope, Receive, Send], Awaitable[None]]


class Application:
    """An endpoint that has the connection in its hands."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handle(scope, receive, send)


async def echo(request: Request) -> Response:
    return JsonResponse({"read": len(await asgi_server.read_body(request, MAX_BODY))})


async def fails(_: Request) -> Response:
    raise LookupError("a secret")


@asynccontextmanager
async def serving(handle: Handle | None = None) -> AsyncIterator[str]:
    routes = [
        Route("/echo", echo, methods=["POST"]),
        Route("/text", lambda _: JsonResponse({"text": "caf\u00e9 \udcff"})),
        Route("/fails", fails),
        Route("/shared", fails, methods=["GET"]),
        Route("/shared", fails, methods=["PUT"]),
    ]
    if handle is not None:
        routes.append(Route("/handled", Application(handle)))
    app = asgi_server.create_application(routes)
    async with asgi_server.serve(app, host=LOCAL, port=0) as port:
        yield f"http://{LOCAL}:{port}"


async def raw(origin: str, *parts: bytes) -> bytes:
    """What comes back of these bytes until the connection is closed; b"" if it is cut."""
    reader, writer = await asyncio.open_connection(LOCAL, int(origin.rpartition(":")[2]))
    try:
        with suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await asyncio.wait_for(reader.read(), 10)
        return b""
    finally:
        writer.close()


def get(target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "host: x", "connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


FITS = protocol.MAX_LINE_BYTES - 100


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/text?" + "a" * FITS),
        get("/text", f"x: {'a' * FITS}"),
        get("/text", *(f"x-{n}: 1" for n in range(protocol.MAX_HEADERS - 2))),
    ],
    ids=["target", "header", "headers"],
)
async def test_heads_up_to_the_limits_are_read(request_bytes: bytes) -> None:
    async with serving() as origin:
        assert (await raw(origin, request_bytes)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/text?" + "a" * protocol.MAX_LINE_BYTES),
        get("/text", f"x: {'a' * protocol.MAX_LINE_BYTES}"),
        get("/text", *(f"x-{n}: 1" for n in range(protocol.MAX_HEADERS + 1))),
    ],
    ids=["target", "header", "headers"],
)
async def test_heads_beyond_the_limits_are_answered_with_400(request_bytes: bytes) -> None:
    async with serving() as origin:
        head, _, body = (await raw(origin, request_bytes)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"content-type: application/problem+json" in head
        assert json.loads(body)["status"] == 400


@pytest.mark.parametrize("begin", [b"GET /", b"GET / HTTP/1.1\r\nx: "], ids=["target", "header"])
async def test_a_head_without_end_is_not_held(begin: bytes) -> None:
    parts = [b"a" * 16_384] * 64
    async with serving() as origin:
        answer = await raw(origin, begin, *parts)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        async with http_client() as client:
            assert (await client.get(f"{origin}/text")).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_beyond_the_limit_is_answered_with_413(chunked: bool) -> None:  # noqa: FBT001
    async def parts(size: int) -> AsyncIterator[bytes]:
        yield b"a" * size

    async with serving() as origin, http_client() as client:
        for size, status in ((MAX_BODY, 200), (MAX_BODY + 1, 413)):
            content: Any = parts(size) if chunked else b"a" * size
            answer = await client.post(f"{origin}/echo", content=content)
            assert answer.status_code == status
    detail = "the request's body is too large: it may have 1000 bytes"
    assert answer.json() == build_problem_details(413, detail)


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/nowhere", 404, "Not Found"),
        ("GET", "/text/", 404, "Not Found"),
        ("GET", "/echo", 405, "Method Not Allowed"),
    ],
)
async def test_what_no_route_takes_is_a_problem(
    method: str, path: str, status: int, detail: str
) -> None:
    async with serving() as origin, http_client() as client:
        answer = await client.request(method, origin + path)
    assert (answer.status_code, answer.json()) == (status, build_problem_details(status, detail))
    assert answer.headers["content-type"] == "application/problem+json"
    assert "server" not in answer.headers


async def test_a_method_that_no_route_of_a_path_takes_is_told_which_are() -> None:
    async with serving() as origin, http_client() as client:
        answer = await client.delete(f"{origin}/shared")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT")


async def test_a_bug_is_answered_with_500_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as origin, http_client() as client:
        answer = await client.get(f"{origin}/fails")
    assert (answer.status_code, answer.json()["status"]) == (500, 500)
    assert "a secret" not in answer.text
    assert "a secret" in caplog.text


async def test_json_has_its_charset_and_whatever_text_there_is() -> None:
    async with serving() as origin, http_client() as client:
        answer = await client.get(f"{origin}/text")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(answer.content) == {"text": "caf\u00e9 \udcff"}


async def test_a_client_that_leaves_ends_what_is_done_for_it() -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def wait(_: Scope, receive: Receive, __: Send) -> None:
        try:
            async with asgi_server.cancel_on_disconnect(receive):
                entered.set()
                await asgi_server.wait_forever()
        except ClientDisconnect:
            left.set()

    async with serving(wait) as origin, http_client() as client:
        asking = asyncio.create_task(client.get(f"{origin}/handled"))
        await entered.wait()
        asking.cancel()
        async with asyncio.timeout(10):
            await left.wait()


async def test_who_is_cancelled_by_somebody_else_is_not_told_that_the_client_has_left() -> None:
    outcome: list[BaseException] = []

    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        try:
            async with asgi_server.cancel_on_disconnect(receive):
                asyncio.get_running_loop().call_soon(handler.cancel)
                await asgi_server.wait_forever()
        except BaseException as error:  # noqa: BLE001 - which it is, is the question
            outcome.append(error)
            handler.uncancel()
        await Response("gone on")(scope, receive, send)

    async with serving(cancelled) as origin, http_client() as client:
        assert (await client.get(f"{origin}/handled")).text == "gone on"
    assert [type(one) for one in outcome] == [asyncio.CancelledError]


async def test_an_answer_is_whole_when_its_client_is_watched() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async with asgi_server.cancel_on_disconnect(receive):
            await Response(b"x" * 1_000_000)(scope, receive, send)

    async with serving(answer) as origin, http_client() as client:
        for _ in range(3):
            assert len((await client.get(f"{origin}/handled")).content) == 1_000_000


@pytest.mark.parametrize("sent", [False, True], ids=["before an answer", "in the middle of one"])
async def test_a_connection_can_be_cut(
    sent: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cut(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect):
            async with asgi_server.cancel_on_disconnect(receive):
                if sent:
                    await send({"type": "http.response.start", "status": 200, "headers": []})
                    await send({"type": "http.response.body", "body": b"half", "more_body": True})
                await asgi_server.abort_connection(scope)

    async with serving(cut) as origin, http_client() as client:
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            await client.get(f"{origin}/handled")
        assert (await client.get(f"{origin}/text")).status_code == 200
    assert "ERROR" not in caplog.text
