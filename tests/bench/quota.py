"""How much of a provider's quota is used, and how many calls are refused, by 1 and 3 replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from bench.harness import Lab, Result, at_most
from bench.model_lab import ACCOUNT, MODEL, Simulation, question, simulation
from contracts.errors import OnrecordError
from model_client import ModelClient

WITHOUT_BROKER: Final = True

REQUESTS: Final = 900
"""A minute: 15 a second."""
TOKENS: Final = 1_600_000
"""A minute: about as many calls, of 1,750 tokens each."""
BURST_S: Final = 1.0
LATENCY: Final = "lognormal:0.4,0.4"
WARM_UP_S: Final = 6.0
WINDOW_S: Final = 40.0
AT_ONCE: Final = 48
"""Calls that each replica has in flight or waiting, always: more than the quota bears."""

GOAL: Final = 0.97
MAX_REFUSED: Final = 0.005


@dataclass(frozen=True, slots=True)
class Case:
    """One situation.

    Attributes:
        name: for people.
        shares: the share of the partitions that each replica holds.
        limits: the simulated model's.
        idle: how many of the replicas, the last ones, have nothing to ask.
        halved: whether the quota halves in the middle of the window.
    """

    name: str
    shares: Sequence[float]
    limits: Mapping[str, float]
    idle: int = 0
    halved: bool = False


BY_REQUESTS: Final = {"requests_per_minute": REQUESTS, "burst_s": BURST_S}
BY_TOKENS: Final = {"tokens_per_minute": TOKENS, "burst_s": BURST_S}
THIRDS: Final = (1 / 3,) * 3

CASES: Final = (
    Case("1 replica, requests", (1.0,), BY_REQUESTS),
    Case("3 replicas, requests", THIRDS, BY_REQUESTS),
    Case("3 replicas, 2 idle, requests", THIRDS, BY_REQUESTS, idle=2),
    Case("1 replica, requests, halved midway", (1.0,), BY_REQUESTS, halved=True),
    Case("3 replicas, requests, halved midway", THIRDS, BY_REQUESTS, halved=True),
    Case("1 replica, tokens", (1.0,), BY_TOKENS),
    Case("3 replicas, tokens", THIRDS, BY_TOKENS),
    Case("3 replicas, 2 idle, tokens", THIRDS, BY_TOKENS, idle=2),
    Case("3 replicas, tokens, halved midway", THIRDS, BY_TOKENS, halved=True),
)


@dataclass
class Load:
    """Asks new questions as fast as it may."""

    client: ModelClient
    numbers: Any
    failed: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                await self.client.ask(question(next(self.numbers)), ACCOUNT)
            except OnrecordError as error:
                self.failed.append(error.code)


async def measure(lab: Lab) -> Result:
    """The least share of the quota used, over all situations."""
    window_s = max(8.0, WINDOW_S * lab.scale)
    sides = {case.name: await _use(case, window_s) for case in CASES}
    refused = max(float(side["refused"]) for side in sides.values())
    used = min(float(side["used"]) for side in sides.values())
    return Result(
        figure=used,
        goal=GOAL,
        better="higher",
        unit="of the quota used, the least of all situations",
        sides=sides,
        shortfalls=at_most("share of the calls that got a 429", refused, MAX_REFUSED),
        notes=(
            f"windows of {window_s:g} s after {WARM_UP_S:g} s, {AT_ONCE} calls wanted by each",
            f"{REQUESTS} requests or {TOKENS:,} tokens a minute; {BURST_S:g} s of it may pile up",
            f"latency {LATENCY}; used: taken of what the bucket held and what flowed in",
        ),
    )


async def _use(case: Case, window_s: float) -> dict[str, float | str]:
    async with AsyncExitStack() as everything:
        model = await everything.enter_async_context(
            simulation(latency=LATENCY, models={MODEL: dict(case.limits)})
        )
        numbers, loads = count(), []
        for share in case.shares[: len(case.shares) - case.idle]:
            client = ModelClient(model.settings(concurrency=AT_ONCE), share=_always(share))
            loads.append(Load(await everything.enter_async_context(client), numbers))
        working = [asyncio.create_task(load.run()) for load in loads for _ in range(AT_ONCE)]
        try:
            await asyncio.sleep(WARM_UP_S)
            counts = await _watch(model, case, window_s)
        finally:
            for task in working:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*working)
    failed = [code for load in loads for code in load.failed]
    assert not failed, f"questions failed: {failed}"
    return counts


def _always(share: float) -> Callable[[], float]:
    return lambda: share


async def _watch(model: Simulation, case: Case, window_s: float) -> dict[str, float | str]:
    await model.control("DELETE", "counts")
    if case.halved:
        await asyncio.sleep(window_s / 2)
        name = next(one for one in case.limits if one.endswith("_per_minute"))
        await model.control("PATCH", f"models/{MODEL}", {name: case.limits[name] / 2})
        await asyncio.sleep(window_s / 2)
    else:
        await asyncio.sleep(window_s)
    state = await model.counts()
    (limit,) = (one for one in state["limits"].values() if one)
    return {
        "used": round(limit["taken"] / limit["available"], 4),
        "refused": round(state["rate_limited"] / max(1, state["calls"]), 4),
        "calls": state["calls"],
    }
