"""What a call costs beside the bare SDK: CPU time of the process, one call after another."""

from __future__ import annotations

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

NUMBER: Final = 500
MAX_RATIO: Final = 3.0
"""Times the bare SDK's; beside a model's seconds even that is nothing."""


async def measure(lab: Lab) -> Result:
    """Milliseconds of CPU a call."""
    number = lab.scaled(NUMBER, least=20)
    async with simulation() as model, server() as running:
        found = await interleaved(
            lab.repeats,
            {
                "bare": lambda: _bare(model, number, stream=False),
                "streamed": lambda: _bare(model, number, stream=True),
                "alone": lambda: _alone(model, number),
                "whole": lambda: _whole(model, running, number),
            },
        )
    return Result(
        figure=paired(found["whole"], found["bare"]),
        goal=MAX_RATIO,
        better="lower",
        unit="times the bare SDK's CPU time a call",
        sides={
            "client, with cache, ledger and budgets": spread(found["whole"], "ms_a_call"),
            "client, without a database": spread(found["alone"], "ms_a_call"),
            "bare AsyncOpenAI, streamed": spread(found["streamed"], "ms_a_call"),
            "bare AsyncOpenAI": spread(found["bare"], "ms_a_call"),
        },
        notes=(
            f"{number} calls, {lab.repeats} runs of each side in turn, the median of the ratios",
            "user and system time of the client's process; the goal is ours, no issue names one",
        ),
    )


async def _bare(model: Simulation, number: int, *, stream: bool) -> float:
    async with model.bare() as client:

        async def ask(one: int) -> None:
            told = await client.chat.completions.create(**body(question(one), stream=stream))
            if stream:
                pieces = [part async for part in told]
                assert pieces
            else:
                assert told.choices[0].message.content

        return await _ms_a_call(ask, number)


async def _alone(model: Simulation, number: int) -> float:
    async with ModelClient(model.settings()) as client:
        return await _asked(client, number)


async def _whole(model: Simulation, running: TestServer, number: int) -> float:
    async with whole_client(model.settings(), await fresh_postgres(running)) as client:
        return await _asked(client, number)


async def _asked(client: ModelClient, number: int) -> float:
    async def ask(one: int) -> None:
        await client.ask(question(one), ACCOUNT)

    return await _ms_a_call(ask, number)


async def _ms_a_call(ask: Callable[[int], Awaitable[None]], number: int) -> float:
    await ask(number)  # connections, and what is loaded at the first use
    begin = time.process_time()
    for one in range(number):
        await ask(one)
    return (time.process_time() - begin) * 1000 / number
