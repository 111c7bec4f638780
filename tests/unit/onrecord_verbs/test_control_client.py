"""Control's client against what is not control, and what is no address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

import asgi_server
from onrecord.control_client import ControlClient
from onrecord.errors import UnreachableError, UsageError

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


async def _nothing(_: Request) -> Response:
    return asgi_server.JsonResponse([])


async def _blanks() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.01)
