"""Answers in pieces, as the `openai` client puts them together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from integration.simulator.conftest import Simulation

    Start = Callable[..., Awaitable[Simulation]]


async def content(simulation: Simulation, **more: Any) -> str:
    pieces_of_text = [
        chunk.choices[0].delta.content or ""
        async for chunk in simulation.chunks(**more)
        if chunk.choices
    ]
    return "".join(pieces_of_text)


async def test_the_pieces_of_a_stream_make_up_the_whole_answer(start: Start) -> None:
    simulation = await start()
    whole = await simulation.ask()
    chunks = [chunk async for chunk in simulation.chunks()]
    pieces_of_text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert pieces_of_text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.system_fingerprint for chunk in chunks} == {whole.system_fingerprint}
    assert {chunk.usage for chunk in chunks} == {None}


async def test_a_stream_ends_with_its_usage_if_that_is_asked_for(start: Start) -> None:
    simulation = await start()
    whole = await simulation.ask()
    chunks = [c async for c in simulation.chunks(stream_options={"include_usage": True})]
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_a_piece_has_as_many_tokens_as_told(start: Start) -> None:
    simulation = await start(chunk_tokens=2)
    sizes = [len(c.choices[0].delta.content or "") async for c in simulation.chunks()]
    assert set(sizes[:-2]) == {8}


async def test_pieces_come_one_after_the_other(start: Start) -> None:
    simulation = await start(latency=0.2, between_chunks="uniform:0.02,0.03", chunk_tokens=20)
    begun = asyncio.get_running_loop().time()
    arrived = [asyncio.get_running_loop().time() - begun async for _ in simulation.chunks()]
    assert arrived[0] >= 0.2
    pieces = len(arrived) - 1  # the last chunk has the finish reason
    assert arrived[-1] >= 0.2 + (pieces - 1) * 0.02


async def test_a_whole_answer_takes_as_long_as_its_pieces(start: Start) -> None:
    simulation = await start(latency=0.1, between_chunks=0.05, chunk_tokens=20)
    pieces = len([chunk async for chunk in simulation.chunks()]) - 1
    begun = asyncio.get_running_loop().time()
    await simulation.ask()
    assert asyncio.get_running_loop().time() - begun >= 0.1 + (pieces - 1) * 0.05


async def test_a_stall_leaves_the_client_with_half_an_answer(start: Start) -> None:
    simulation = await start({"fault": "stall", "times": 1})
    pieces_of_text: list[str] = []

    async def listen() -> None:
        async for chunk in simulation.chunks():
            pieces_of_text.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - kept on a timeout

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(listen(), 2)
    assert pieces_of_text[0]
    whole = await content(simulation)
    assert whole.startswith("".join(pieces_of_text))
    assert 0 < len("".join(pieces_of_text)) < len(whole)
    assert (await simulation.counts())["by_outcome"] == {"stall": 1, "answered": 1}


async def test_a_stall_that_ends_loses_nothing(start: Start) -> None:
    simulation = await start({"fault": "stall", "delay": 0.3, "times": 1})
    begun = asyncio.get_running_loop().time()
    stalled = await content(simulation)
    assert asyncio.get_running_loop().time() - begun >= 0.3
    assert stalled == await content(simulation)


async def test_a_stream_can_break_off(start: Start) -> None:
    simulation = await start({"fault": "disconnect"})
    pieces_of_text: list[str] = []

    async def listen() -> None:
        async for chunk in simulation.chunks():
            pieces_of_text.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - kept on an error

    with pytest.raises(openai.APIConnectionError):
        await listen()
    assert "".join(pieces_of_text).startswith('{"notes"')


async def test_a_refusal_comes_in_pieces_too(start: Start) -> None:
    simulation = await start({"fault": "refusal"})
    deltas = [chunk.choices[0].delta async for chunk in simulation.chunks()]
    assert "".join(delta.refusal or "" for delta in deltas).startswith("I'm sorry")
    assert not any(delta.content for delta in deltas)


async def test_a_stream_that_is_cut_off_says_so(start: Start) -> None:
    simulation = await start()
    chunks = [chunk async for chunk in simulation.chunks(max_completion_tokens=10)]
    assert chunks[-1].choices[0].finish_reason == "length"


@pytest.mark.parametrize("fault", ["rate_limit", "server_error"])
async def test_errors_come_before_a_stream(start: Start, fault: str) -> None:
    simulation = await start({"fault": fault})
    with pytest.raises(openai.APIStatusError):
        await content(simulation)


async def test_a_client_that_leaves_a_stream_counts_as_abandoned(start: Start) -> None:
    simulation = await start(between_chunks=60)
    stream = await simulation.client.chat.completions.create(
        model="any-model", messages=[{"role": "user", "content": "Hello"}], stream=True
    )
    async with stream:
        await anext(aiter(stream))
    async with asyncio.timeout(10):
        while (await simulation.counts())["in_flight"]:
            pass
    assert (await simulation.counts())["by_outcome"] == {"abandoned": 1}


async def test_an_answer_is_json_when_its_pieces_are_joined(start: Start) -> None:
    assert json.loads(await content(await start(chunk_tokens=1)))["notes"]
