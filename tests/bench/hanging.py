"""2 % of calls hang until their deadline: how long the others take, with and without them.

Messages come at a steady rate that leaves slots free, and a message's time runs from its sending to
its handler's end, so that waiting anywhere in between counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from statistics import median, quantiles
from typing import Any, Final

from bench.harness import Lab, Result, event, paired, producer, spread, stored
from bench.sides import ours
from contracts.events import NotesStored, NotesValidated
from contracts.topics import NOTES_VALIDATED
from messaging.codec import encode_event
from support.waiting import until

RATE_PER_S: Final = 120
IN_FLIGHT: Final = 64
HANGS_EVERY: Final = 50
DEADLINE_S: Final = 5.0
MEDIAN_S: Final = 0.2
SIGMA: Final = 0.6
LONGEST_S: Final = 2.0
SEED: Final = 7
FOREVER_S: Final = 3_600.0


async def measure(lab: Lab) -> Result:
    """Measure the p99 latency of the other messages, with hanging ones and without."""
    number = lab.scaled(2_400, least=400)
    with_hangs: list[list[float]] = []
    without: list[list[float]] = []
    for _ in range(lab.repeats):
        without.append(await _times(lab, number, hangs=False))
        with_hangs.append(await _times(lab, number, hangs=True))
    slow, quick = [_p99(one) for one in with_hangs], [_p99(one) for one in without]
    return Result(
        figure=paired(slow, quick),
        goal=1.2,
        better="lower",
        unit="x the p99 without hangs, seconds from sending to done",
        sides={
            "2 % hang": spread(slow, "p99_s") | {"median_s": _middle(with_hangs)},
            "none hangs": spread(quick, "p99_s") | {"median_s": _middle(without)},
        },
        notes=(f"{RATE_PER_S}/s, {IN_FLIGHT} in flight, hangs end after {DEADLINE_S:g} s",),
    )


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


def _middle(runs: list[list[float]]) -> float:
    return round(median(median(one) for one in runs), 3)


class Clock:
    """Send and completion times by number; those that hang in one run are left out."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sent: dict[int, float] = {}
        self.times: dict[int, float] = {}

    def sent(self, number: int) -> None:
        """A message is being sent."""
        self._sent[number] = self._loop.time()

    def done(self, number: int) -> None:
        """Its handler has ended."""
        if number % HANGS_EVERY:
            self.times[number] = self._loop.time() - self._sent[number]


async def _times(lab: Lab, number: int, *, hangs: bool) -> list[float]:
    kafka, clock, random = await lab.fresh(), Clock(), Random(SEED)
    drawn = (MEDIAN_S * random.lognormvariate(0, SIGMA) for _ in range(number + 1))
    latencies = [min(LONGEST_S, one) for one in drawn]

    async def handle(event: NotesValidated) -> NotesStored:
        hung = hangs and event.revision % HANGS_EVERY == 0
        await asyncio.sleep(FOREVER_S if hung else latencies[event.revision])
        clock.done(event.revision)
        return stored(event)

    others = number - number // HANGS_EVERY
    limits = {"deadline_s": DEADLINE_S, "retry_delays_s": ()}
    async with ours(kafka, handle, IN_FLIGHT, **limits) as settle, producer(kafka) as bare:
        send = partial(_send, bare, kafka.topic(NOTES_VALIDATED.name), clock)
        await send(1)
        await until(lambda: clock.times)  # joining the group is nobody's hang
        await _pace(send, number)
        await until(lambda: len(clock.times) == others)
        await settle()
    return [clock.times[one] for one in sorted(clock.times)[1:]]


async def _send(bare: Any, topic: str, clock: Clock, number: int) -> None:
    key, value, headers = encode_event(event(number), source="/bench")
    clock.sent(number)
    await bare.send(topic, value, key=key, headers=headers)


async def _pace(send: Callable[[int], Awaitable[None]], number: int) -> None:
    """Send all but the first at a steady rate."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for one in range(2, number + 1):
        await asyncio.sleep(begin + one / RATE_PER_S - loop.time())
        await send(one)
