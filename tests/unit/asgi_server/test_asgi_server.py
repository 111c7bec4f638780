from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import asgi_server
from support.http_client import http_client

LOCAL = "127.0.0.1"


async def hello(_: Request) -> Response:
    return PlainTextResponse("hello")


HELLO = Starlette(routes=[Route("/", hello)])


async def text_at(port: int) -> str:
    async with http_client() as client:
        return (await client.get(f"http://{LOCAL}:{port}/")).text


async def test_tells_the_port_that_the_system_chose() -> None:
    async with asgi_server.serve(HELLO, host=LOCAL, port=0) as port:
        assert port > 0
        assert await text_at(port) == "hello"


async def test_a_port_that_is_taken_is_an_error_and_not_the_end_of_the_process() -> None:
    async with asgi_server.serve(HELLO, host=LOCAL, port=0) as port:
        with pytest.raises(OSError, match="in use"):
            async with asgi_server.serve(HELLO, host=LOCAL, port=port):
                pytest.fail("nobody can listen there")
        assert await text_at(port) == "hello"


async def test_a_port_is_free_again_at_once() -> None:
    async with asgi_server.serve(HELLO, host=LOCAL, port=0) as port:
        await text_at(port)
    async with asgi_server.serve(HELLO, host=LOCAL, port=port) as again:
        assert again == port


async def test_a_request_in_progress_is_answered_before_the_server_is_closed() -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        asked.set()
        await release.wait()
        return PlainTextResponse("late")

    app = Starlette(routes=[Route("/", slow)])
    async with asgi_server.serve(app, host=LOCAL, port=0, grace_s=30) as port:
        asking = asyncio.create_task(text_at(port))
        await asked.wait()
        asyncio.get_running_loop().call_soon(release.set)
    assert await asking == "late"


async def test_a_request_that_does_not_end_does_not_keep_the_server_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(_: Request) -> Response:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return PlainTextResponse("never")

    app = Starlette(routes=[Route("/", endless)])
    caplog.set_level(logging.CRITICAL, "uvicorn.error")
    async with asgi_server.serve(app, host=LOCAL, port=0, grace_s=1) as port:
        asking = asyncio.create_task(text_at(port))
        await asked.wait()
    await asyncio.gather(asking, return_exceptions=True)
    assert cancelled.is_set()


async def test_signals_stay_the_programs_own() -> None:
    received = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, received.set)
    try:
        async with asgi_server.serve(HELLO, host=LOCAL, port=0) as port:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(received.wait(), 5)
            assert await text_at(port) == "hello"
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


async def test_an_application_that_cannot_start_is_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @asynccontextmanager
    async def broken(_: Starlette) -> AsyncIterator[None]:
        raise LookupError("no settings")
        yield

    caplog.set_level(logging.CRITICAL, "uvicorn.error")
    with pytest.raises(asgi_server.StartupFailedError):
        async with asgi_server.serve(Starlette(lifespan=broken), host=LOCAL, port=0):
            pytest.fail("it has not started")
