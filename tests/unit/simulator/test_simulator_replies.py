"""The same requests in the same order get the same replies, delays and faults included."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from simulator.chat_service import ChatService
from simulator.replies import SimulatedReply
from simulator.schedule import SimulatorClock
from simulator.settings import SimulatorSettings

STILL = SimulatorClock(lambda: 0.0, lambda: 0.0)


def simulated(**settings: Any) -> ChatService:
    return ChatService(SimulatorSettings.model_validate({"seed": 7, **settings}), STILL)


def asking(content: str, **more: Any) -> bytes:
    messages = [{"role": "user", "content": content}]
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


async def asked(models: ChatService, *bodies: bytes) -> list[SimulatedReply]:
    replies = []
    for body in bodies:
        async with models.reply_to(body) as reply:
            replies.append(reply)
    return replies


def observable_parts(reply: SimulatedReply) -> tuple[Any, ...]:
    message = [choice["message"] for choice in reply.body.get("choices", ())]
    waits = reply.stream and reply.stream.waits
    return reply.outcome, reply.status, reply.headers, reply.wait, reply.hangs, waits, message


@pytest.mark.parametrize("stream", [False, True])
async def test_the_same_seed_gives_the_same_delays_and_faults(stream: bool) -> None:  # noqa: FBT001 - a parameter of the test
    settings: dict[str, Any] = {
        "latency": "lognormal:1,0.5",
        "between_chunks": "pareto:0.1,2",
        "requests_per_minute": 30,
        "rules": [{"fault": "hang", "rate": 0.2}, {"fault": "refusal", "rate": 0.2}],
    }
    bodies = [asking(f"Hello {number % 10}", stream=stream) for number in range(40)]
    first, second = [await asked(simulated(**settings), *bodies) for _ in range(2)]
    assert list(map(observable_parts, first)) == list(map(observable_parts, second))
    other = await asked(simulated(**(settings | {"seed": 8})), *bodies)
    assert list(map(observable_parts, other)) != list(map(observable_parts, first))
    assert {reply.outcome for reply in first} == {
        "answered",
        "hang",
        "refusal",
        "over_requests_limit",
    }


async def test_asking_again_draws_again() -> None:
    models = simulated(latency="uniform:1,2")
    first, second = await asked(models, asking("Hello"), asking("Hello"))
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.wait != second.wait


async def test_load_is_what_is_in_flight_besides() -> None:
    models = simulated(latency=1, slowdown={"per_call": 0.5, "beyond": 1})
    async with AsyncExitStack() as stack:
        waits = [
            (await stack.enter_async_context(models.reply_to(asking(str(number))))).wait
            for number in range(3)
        ]
    assert waits == [1, 1.5, 2]
    assert [reply.wait for reply in await asked(models, asking("alone"))] == [1]


async def test_a_stream_and_a_whole_answer_take_equally_long() -> None:
    settings: dict[str, Any] = {"latency": 1, "between_chunks": "uniform:0.1,0.2"}
    (whole,) = await asked(simulated(**settings), asking("Hello"))
    (stream,) = await asked(simulated(**settings), asking("Hello", stream=True))
    assert stream.stream
    assert stream.wait == 1
    assert whole.wait == pytest.approx(1 + sum(stream.stream.waits))
