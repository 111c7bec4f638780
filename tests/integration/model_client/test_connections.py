"""Connections to an endpoint: reused, closed when idle, and as cheap when there are many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpcore2
import httpx2
import pytest
from pydantic import SecretStr

from integration.model_client.test_one_call import ACCOUNT, QUESTION
from model_client import ModelClient, ModelSettings, errors
from model_client.transport.connection_pool import IDLE_S, LifoPoolTransport
from support.raw_server import raw_server, response
from support.scripted_endpoint import Exchange, ScriptedEndpoint
from support.waiting import until

MANY = 32
ANSWER = '{"notes": []}'
COMPLETION = {"model": "m", "choices": [{"finish_reason": "stop", "message": {"content": ANSWER}}]}


class Gate:
    """Endpoint that answers no request before so many have arrived."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._open = asyncio.Event()

    def respond(self, _: dict[str, Any], __: int) -> Any:
        self._left -= 1
        if self._left <= 0:
            self._open.set()
        return self._answer

    async def _answer(self, exchange: Exchange) -> None:
        await self._open.wait()
        await exchange.begin("application/json")
        await exchange.write(httpx2.Response(200, json=COMPLETION).content)
        await exchange.end()


class CountedTransport(httpx2.AsyncHTTPTransport):
    """Transport of one connection that counts how many such are open."""

    open = 0

    def __init__(self) -> None:
        super().__init__(verify=False)
        type(self).open += 1

    async def aclose(self) -> None:
        type(self).open -= 1
        await super().aclose()


@pytest.fixture(autouse=True)
def _nothing_open() -> None:
    CountedTransport.open = 0


@asynccontextmanager
async def connections(
    endpoint: ScriptedEndpoint, **options: Any
) -> AsyncIterator[tuple[httpx2.AsyncClient, str]]:
    transport = LifoPoolTransport(CountedTransport, **options)
    async with (
        endpoint.serve() as url,
        httpx2.AsyncClient(transport=transport, timeout=30.0) as client,
    ):
        yield client, f"{url}/chat/completions"


async def test_a_call_looks_at_no_idle_connection_but_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = count()
    stream = httpcore2._backends.anyio.AnyIOStream  # type: ignore[attr-defined]
    really = stream.get_extra_info

    def look(one: Any, info: str) -> Any:
        if info == "is_readable":
            next(looks)
        return really(one, info)

    monkeypatch.setattr(stream, "get_extra_info", look)
    endpoint = ScriptedEndpoint(Gate(MANY).respond)
    async with endpoint.serve() as url:
        settings = ModelSettings(base_url=url, api_key=SecretStr("k"), model="m", concurrency=MANY)
        async with ModelClient(settings) as client:
            client.endpoints[0].concurrency._limit = MANY
            await asyncio.gather(*(client.ask(QUESTION, ACCOUNT) for _ in range(MANY)))
            before = next(looks)
            await client.ask(QUESTION, ACCOUNT)
            assert next(looks) - before <= 4
    assert len(endpoint.connections) == MANY


async def test_the_connection_used_last_is_used_next() -> None:
    endpoint = ScriptedEndpoint(Gate(3).respond)
    async with connections(endpoint) as (client, url):
        await asyncio.gather(*(client.post(url, json={}) for _ in range(3)))
        for _ in range(5):
            await client.post(url, json={})
        assert len(endpoint.connections) == CountedTransport.open == 3
    assert CountedTransport.open == 0


async def test_connections_idle_for_long_are_closed() -> None:
    now = 0.0
    endpoint = ScriptedEndpoint(Gate(3).respond)
    async with connections(endpoint, clock=lambda: now) as (client, url):
        await asyncio.gather(*(client.post(url, json={}) for _ in range(3)))
        now = IDLE_S / 2
        await client.post(url, json={})
        now = IDLE_S + 0.1
        await client.post(url, json={})
        assert CountedTransport.open == 1


async def test_a_connection_in_use_is_not_shared_and_comes_back_when_its_call_is_given_up() -> None:
    gate = Gate(3)
    endpoint = ScriptedEndpoint(gate.respond)
    async with connections(endpoint) as (client, url):
        given_up = asyncio.create_task(client.post(url, json={}))
        await until(lambda: len(endpoint.requests) == 1)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        await asyncio.gather(*(client.post(url, json={}) for _ in range(2)))
        assert CountedTransport.open == 2
        assert len(endpoint.connections) == 3, "that of the call given up was cut"


async def test_a_connection_that_the_endpoint_closed_is_replaced() -> None:
    async with raw_server({"/": response(b"once")}) as server:
        transport = LifoPoolTransport(CountedTransport)
        async with httpx2.AsyncClient(transport=transport, timeout=30.0) as client:
            for _ in range(3):
                assert (await client.get(f"http://127.0.0.1:{server.port}/")).content == b"once"
    assert len(server.requests) == 3


async def test_all_connections_are_closed_with_the_client_also_those_in_use() -> None:
    endpoint = ScriptedEndpoint(Gate(1).respond)
    async with connections(endpoint) as (client, url):
        opened = await client.send(client.build_request("POST", url, json={}), stream=True)
        assert CountedTransport.open == 1
    assert CountedTransport.open == 0
    await opened.aclose()


async def test_the_environments_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server({}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        settings = ModelSettings(base_url="http://model.invalid/v1", model="m")
        async with ModelClient(settings) as client:
            with pytest.raises(errors.ModelUnavailableError):
                await client.ask(QUESTION, ACCOUNT)
    assert proxy.requests[0].startswith("POST http://model.invalid/v1/chat/completions ")
