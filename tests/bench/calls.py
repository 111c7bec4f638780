"""Throughput of slow calls on each side, against plain asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from bench.harness import Figures, Lab, Result, Side, interleaved, paired, spread, stored
from bench.sides import CONSUMERS, Consume, available
from contracts.events import NotesStored, NotesValidated

IN_FLIGHT: Final = 64
PATIENCE_S: Final = 300.0
SAFE: Final = "FastStream safe"
BOUND: Final = "asyncio bound"


class Calls:
    """Calls with given durations, in the order in which they start, whoever starts them.

    So every side has the very same calls to get through.
    """

    def __init__(self, latencies: Sequence[float]) -> None:
        self._latencies = latencies
        self._loop = asyncio.get_running_loop()
        self._begun = self._ended = 0
        self._from = 0.0
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        """One call."""
        if not self._begun:
            self._from = self._loop.time()
        self._begun += 1
        await asyncio.sleep(self._latencies[(self._begun - 1) % len(self._latencies)])
        self._ended += 1
        if self._ended == len(self._latencies):
            self.done.set()

    def rate(self) -> float:
        """Calls a second since the first began."""
        return self._ended / (self._loop.time() - self._from)


async def asyncio_bound(latencies: Sequence[float]) -> float:
    """Return calls a second with only a semaphore."""
    calls, free = Calls(latencies), asyncio.Semaphore(IN_FLIGHT)

    async def call() -> None:
        async with free:
            await calls()

    await asyncio.gather(*(call() for _ in latencies))
    return calls.rate()


async def through_kafka(lab: Lab, consume: Consume, latencies: Sequence[float]) -> float:
    """Return messages a second, from the start of the first call to the last result."""
    kafka = await lab.filled(len(latencies))
    calls = Calls(latencies)

    async def handle(event: NotesValidated) -> NotesStored:
        await calls()
        return stored(event)

    async with consume(kafka, handle, IN_FLIGHT) as settle, asyncio.timeout(PATIENCE_S):
        await calls.done.wait()
        await settle()
        return calls.rate()


async def compare(
    lab: Lab, latencies: Sequence[float], *, safe_number: int
) -> tuple[Result, dict[str, Figures]]:
    """Measure all sides and the asyncio bound.

    Args:
        lab: the broker.
        latencies: of the calls, in seconds.
        safe_number: how many of them the sequential side does; its rate does not depend on it.

    Returns:
        The result, and the sides' figures to add to.
    """
    consumers, notes = available()
    runs: dict[str, Side] = {BOUND: partial(asyncio_bound, latencies)}
    for name, consume in consumers.items():
        some = latencies[:safe_number] if name == SAFE else latencies
        runs[name] = partial(through_kafka, lab, consume, some)
    found = await interleaved(lab.repeats, runs)
    sides: dict[str, Figures] = {name: spread(rates) for name, rates in found.items()}
    result = Result(
        figure=paired(found["ours"], found[BOUND]),
        goal=0.98,
        better="higher",
        unit=f"of the asyncio bound, messages/s with {IN_FLIGHT} in flight",
        sides=sides,
        notes=(*notes, f"{SAFE}: the rate of {safe_number} of {len(latencies)} messages"),
    )
    return result, sides


assert SAFE in CONSUMERS
