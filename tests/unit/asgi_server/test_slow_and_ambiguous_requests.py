"""Requests that never end, come slowly, or mean one thing to a proxy and another to the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import asgi_server
from asgi_server import JsonResponse, RequestGuard, request_guard
from asgi_server.protocol import BoundedHttpProtocol

LOCAL = "127.0.0.1"
SOON_S = 0.3
HEAD = "POST /echo HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"


async def echo(request: Request) -> Response:
    body = await asgi_server.read_body(request, 1_000_000)
    return JsonResponse({"read": len(body), "headers": dict(request.headers)})


async def slow(_: Request) -> Response:
    await asyncio.sleep(3 * SOON_S)
    return JsonResponse({})


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    routes = [Route("/echo", echo, methods=["POST"]), Route("/slow", slow)]
    app = RequestGuard(asgi_server.create_application(routes))
    async with asgi_server.serve(app, host=LOCAL, port=0) as port:
        yield port


async def send(port: int, *parts: bytes, pause_s: float = 0) -> bytes:
    """What comes back of these bytes until the connection is closed."""
    reader, writer = await asyncio.open_connection(LOCAL, port)
    read = bytearray()

    async def receive() -> None:
        with suppress(ConnectionError):
            while part := await reader.read(65_536):
                read.extend(part)

    # Meanwhile: what is sent to a closed connection resets it, and an unread answer is lost.
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(receive())
        with suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
    writer.close()
    return bytes(read)


def head(port: int, *fields: str) -> bytes:
    lines = [HEAD.format(host=f"{LOCAL}:{port}").removesuffix("\r\n"), *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttpProtocol, "head_timeout_s", SOON_S)
    monkeypatch.setattr(request_guard, "BODY_GRACE_S", SOON_S)


@pytest.mark.usefixtures("quick")
async def test_a_head_that_does_not_end_is_ended() -> None:
    async with serving() as port:
        for begin in (b"G", b"GET / HTTP/1.1\r\nhost: x"):
            assert (await send(port, begin)).startswith(b"HTTP/1.1 408 ")
        drops = [bytes([one]) for one in b"GET /slow HTTP/1.1\r\n"]
        assert (await send(port, *drops, pause_s=0.05)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("quick")
async def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    async with serving() as port:
        assert await send(port) == b""
        whole = f"GET /nothing HTTP/1.1\r\nhost: {LOCAL}:{port}\r\n\r\n".encode()
        answers = await send(port, whole + b"\r\n", b"\r\n", pause_s=0.1)
        assert answers.count(b"HTTP/1.1") == 1


@pytest.mark.usefixtures("quick")
async def test_the_next_requests_head_has_its_time_too_and_answers_have_theirs() -> None:
    async with serving() as port:
        whole = f"GET /slow HTTP/1.1\r\nhost: {LOCAL}:{port}\r\n\r\n".encode()
        answers = await send(port, whole, b"GET /slow HT", pause_s=0.05)
        assert answers.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 408 " in answers


@pytest.mark.usefixtures("quick")
async def test_a_body_that_does_not_come_is_ended() -> None:
    async with serving() as port:
        answer = await send(port, head(port, "content-length: 100"), b"x")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer.lower()
        chunks = [b"1\r\nx\r\n"] * 100
        answer = await send(port, head(port, "transfer-encoding: chunked"), *chunks, pause_s=0.01)
        assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("quick")
async def test_a_body_that_comes_at_the_minimum_rate_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_guard, "MIN_BODY_BYTES_PER_S", 10_000)
    parts = [b"x" * 1_000] * 10
    async with serving() as port:
        fields = ("content-length: 10000", "connection: close")
        answer = await send(port, head(port, *fields), *parts, pause_s=0.08)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["read"] == 10_000


async def test_fields_of_a_trailer_are_no_headers() -> None:
    async with serving() as port:
        answer = await send(
            port,
            head(port, "transfer-encoding: chunked", "connection: close"),
            b"2\r\n{}\r\n0\r\nauthorization: Bearer secret\r\nonrecord-reason: x\r\n\r\n",
        )
        assert answer.startswith(b"HTTP/1.1 200 ")
        read = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert read["read"] == 2
        assert set(read["headers"]) == {"host", "content-type", "transfer-encoding", "connection"}


@pytest.mark.parametrize("begin", [b"0\r\nx: ", b"0\r\n", b"2;a="], ids=["field", "many", "chunk"])
async def test_what_comes_behind_a_body_is_not_held(begin: bytes) -> None:
    part = b"x: y\r\n" * 2_000 if begin == b"0\r\n" else b"a" * 16_384
    async with serving() as port:
        reader, writer = await asyncio.open_connection(LOCAL, port)
        writer.write(head(port, "transfer-encoding: chunked") + b"2\r\n{}\r\n" + begin)
        sent = 0
        with suppress(ConnectionError):
            async with asyncio.timeout(10):
                while sent < 100 * 2**20:
                    writer.write(part)
                    await writer.drain()
                    sent += len(part)
        assert sent < 16 * 2**20, "what fits the sockets' buffers"
        writer.close()
        assert (await send(port, head(port, "content-length: 0", "connection: close"))).startswith(
            b"HTTP/1.1 200 "
        )
        del reader


@pytest.mark.parametrize(
    "request_line",
    [
        "POST http://evil.example/echo HTTP/1.1",
        "POST http://evil.example:{port}/echo HTTP/1.1",
        "POST http://user@127.0.0.1:{port}/echo HTTP/1.1",
        "POST /echo HTTP/2.0",
        "POST /echo HTTP/0.9",
    ],
)
async def test_a_request_line_of_another_host_or_version_is_refused(request_line: str) -> None:
    async with serving() as port:
        rest = head(port, "content-length: 2").partition(b"\r\n")[2]
        line = request_line.format(port=port).encode()
        answer = await send(port, line + b"\r\n" + rest + b"{}")
        assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_whole_url_of_the_servers_own_is_served() -> None:
    async with serving() as port:
        rest = head(port, "content-length: 2", "connection: close").partition(b"\r\n")[2]
        line = f"POST http://{LOCAL}:{port}/echo HTTP/1.1\r\n".encode()
        assert (await send(port, line + rest + b"{}")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "fields",
    [
        ("transfer-encoding: gzip, chunked",),
        ("transfer-encoding: chunked", "transfer-encoding: chunked"),
        ("transfer-encoding: identity",),
        ("transfer-encoding: chunked", "content-length: 2"),
        ("content-length: 2", "content-length: 3"),
        ("transfer-encoding : chunked",),
    ],
)
async def test_a_body_of_which_it_is_unclear_where_it_ends_is_refused(
    fields: tuple[str, ...],
) -> None:
    async with serving() as port:
        answer = await send(port, head(port, *fields), b"2\r\n{}\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1") == 1
