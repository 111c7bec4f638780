"""Control's client against what is not control, and what is no address."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random
from uuid import uuid4

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

import asgi_server
from contracts.registry import RegisteredStudy
from contracts.submissions import SubmittedTranscript, SubmitTranscriptRequest
from onrecord.control_client import ControlClient
from onrecord.control_transport import DeadLetterClosedError
from onrecord.errors import FailedError, UnreachableError, UsageError

LOCAL = "127.0.0.1"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "ftp://control",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://127.0.0.1:x",
    ],
)
async def test_a_setting_that_is_no_address_is_told_as_such(url: str) -> None:
    async with ControlClient(url) as control:
        with pytest.raises(UsageError, match="ONRECORD_URL is no address"):
            await control.counts()


async def test_who_listens_nowhere_does_not_answer() -> None:
    async with ControlClient("http://127.0.0.1:1") as control:
        with pytest.raises(UnreachableError, match=r"does not answer at http://127\.0\.0\.1:1"):
            await control.counts()


async def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    app = asgi_server.create_application([Route("/v1/letters/counts", _nothing)])
    async with (
        asgi_server.serve(app, host=LOCAL, port=0) as port,
        ControlClient(f"http://{LOCAL}:{port}") as control,
    ):
        assert await control.counts() == []


async def test_a_page_in_place_of_json_is_not_control() -> None:
    async def page(_: Request) -> Response:
        return PlainTextResponse("<h1>Sign in</h1>")

    app = asgi_server.create_application([Route("/v1/letters/counts", page)])
    async with (
        asgi_server.serve(app, host=LOCAL, port=0) as port,
        ControlClient(f"http://{LOCAL}:{port}") as control,
    ):
        with pytest.raises(UnreachableError, match="is not control"):
            await control.counts()


async def test_an_answer_that_comes_byte_by_byte_has_its_time_as_a_whole() -> None:
    async def drip(_: Request) -> Response:
        return StreamingResponse(_blanks(), media_type="application/json")

    app = asgi_server.create_application([Route("/v1/letters/counts", drip)])
    async with (
        asgi_server.serve(app, host=LOCAL, port=0, grace_s=0) as port,
        ControlClient(f"http://{LOCAL}:{port}", answer_timeout_s=0.2) as control,
    ):
        with pytest.raises(UnreachableError, match="does not answer"):
            await control.counts()


async def test_a_large_value_may_take_its_time_as_long_as_it_goes_on() -> None:
    async def drip(_: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x"
                await asyncio.sleep(0.05)

        return StreamingResponse(parts(), media_type="application/octet-stream")

    async def stall(_: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.sleep(5)

        return StreamingResponse(parts(), media_type="application/octet-stream")

    routes = [Route("/v1/letters/aa/value", drip), Route("/v1/letters/bb/value", stall)]
    async with (
        asgi_server.serve(
            asgi_server.create_application(routes), host=LOCAL, port=0, grace_s=0
        ) as port,
        ControlClient(f"http://{LOCAL}:{port}", answer_timeout_s=0.4) as control,
    ):
        assert await control.value("aa") == b"x" * 20
        with pytest.raises(UnreachableError, match="does not answer"):
            await control.value("bb")


LIMIT_S = 1.5
"""Longest that nothing may move: longer than a busy machine's pauses, shorter than the upload."""


@pytest.mark.parametrize("goes_on", [True, False])
async def test_an_upload_may_take_its_time_as_long_as_it_goes_on(
    goes_on: bool,  # noqa: FBT001 - a parameter
) -> None:
    done = SubmittedTranscript(
        transcript_id=uuid4(), revision=1, study_id="s", topic="t", partition=0, offset=0
    ).model_dump_json()

    over, tasks = asyncio.Event(), []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
        while left and goes_on:
            left -= len(await reader.read(256 * 1024))
            await asyncio.sleep(0.06)
        if goes_on:
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n" % len(done))
            writer.write(done.encode())
            await writer.drain()
        else:
            await over.wait()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    listening = socket.create_server((LOCAL, 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    server = await asyncio.start_server(take, sock=listening, limit=64 * 1024)
    request = SubmitTranscriptRequest(
        source="a", title="A", study_id="s", content=Random(1).randbytes(12 * 1024 * 1024).hex()
    )
    async with (
        server,
        ControlClient(
            f"http://{LOCAL}:{listening.getsockname()[1]}", answer_timeout_s=LIMIT_S
        ) as control,
    ):
        if goes_on:
            begin = time.monotonic()
            assert (await control.submit(request, "k")).revision == 1
            assert time.monotonic() - begin > LIMIT_S
        else:
            with pytest.raises(UnreachableError, match="does not answer"):
                await control.submit(request, "k")
        over.set()
        await asyncio.gather(*filter(None, tasks))


async def test_only_a_letters_conflict_is_that_of_a_closed_letter() -> None:
    async def refuse(_: Request) -> Response:
        return asgi_server.ProblemResponse(409, "there is such a study already")

    routes = [
        Route("/v1/studies", refuse, methods=["POST"]),
        Route("/v1/letters/aa/replay", refuse, methods=["POST"]),
    ]
    async with (
        asgi_server.serve(asgi_server.create_application(routes), host=LOCAL, port=0) as port,
        ControlClient(f"http://{LOCAL}:{port}") as control,
    ):
        with pytest.raises(FailedError) as raised:
            await control.send("POST", "/v1/studies", RegisteredStudy, json={})
        assert not isinstance(raised.value, DeadLetterClosedError)
        with pytest.raises(DeadLetterClosedError):
            await control.replay("aa")


async def _nothing(_: Request) -> Response:
    return asgi_server.JsonResponse([])


async def _blanks() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.01)
