"""Answers a second through the client, beside a bare AsyncOpenAI gather, 64 calls at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from bench.harness import Lab, Result, interleaved, paired, spread
from bench.model_lab import (
    ACCOUNT,
    Simulation,
    body,
    fresh_postgres,
    question,
    server,
    simulation,
    whole_client,
)
from model_client import ModelClient
from support.postgres import TestServer

WITHOUT_BROKER: Final = True

NUMBER: Final = 2_048
WARM_UP: Final = 256
"""Questions before the clock starts: connections, and the client's way up to its concurrency."""
AT_ONCE: Final = 64
LATENCY: Final = "lognormal:0.5,0.3"


async def measure(lab: Lab) -> Result:
    """Answers a second, once the client has found its concurrency."""
    number = lab.scaled(NUMBER, least=AT_ONCE)
    async with simulation(latency=LATENCY) as model, server() as running:
        found = await interleaved(
            lab.repeats,
            {
                "bare": lambda: _bare(model, number),
                "whole": lambda: _whole(model, running, number),
                "alone": lambda: _alone(model, number),
            },
        )
    return Result(
        figure=paired(found["whole"], found["bare"]),
        goal=0.95,
        better="higher",
        unit="of a bare AsyncOpenAI gather, answers/s",
        sides={
            "client, with cache, ledger and budgets": spread(found["whole"], "answers_per_s"),
            "client, without a database": spread(found["alone"], "answers_per_s"),
            "bare AsyncOpenAI": spread(found["bare"], "answers_per_s"),
        },
        notes=(
            f"{number} questions after {WARM_UP}, {AT_ONCE} at once, latency {LATENCY}",
            f"{lab.repeats} runs of each side in turn, the median of the ratios",
            "the bare SDK does not stream, validate, account or keep",
        ),
    )


async def _bare(model: Simulation, number: int) -> float:
    async with model.bare() as client:

        async def ask(one: int) -> None:
            answer = await client.chat.completions.create(**body(question(one), stream=False))
            assert answer.choices[0].message.content

        return await _rate(ask, number)


async def _alone(model: Simulation, number: int) -> float:
    async with ModelClient(model.settings()) as client:
        return await _asked(client, number)


async def _whole(model: Simulation, running: TestServer, number: int) -> float:
    postgres = await fresh_postgres(running)
    async with whole_client(model.settings(), postgres) as client:
        return await _asked(client, number)


async def _asked(client: ModelClient, number: int) -> float:
    async def ask(one: int) -> None:
        answer = await client.ask(question(one), ACCOUNT)
        assert not answer.cached

    return await _rate(ask, number)


async def _rate(ask: Callable[[int], Awaitable[None]], number: int) -> float:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(place: int) -> None:
        async with places:
            await ask(place)

    await asyncio.gather(*(one(place) for place in range(WARM_UP)))
    begin = time.perf_counter()
    await asyncio.gather(*(one(WARM_UP + place) for place in range(number)))
    return number / (time.perf_counter() - begin)
