"""How long the backlog of an outage takes to be stored, in the worst of three orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.backlog import (
    CHUNKS_WAITING,
    INTERVIEWS_WAITING,
    MOST_TIMES_BEST_CPU,
    Taken,
    cpu_ratio,
    take,
)
from bench.harness import Lab, Result, at_most

GOAL_S: Final = 15.0


async def measure(lab: Lab) -> Result:
    """The service stands still while the backlog is written; its time begins when it goes on."""
    return judge(await take(lab))


def judge(taken: Mapping[str, Taken]) -> Result:
    """Hold the time, the retries and the CPU time of each order against their goals."""
    set_aside = sum(one.set_aside for one in taken.values())
    return Result(
        figure=max(one.spent.wall_s for one in taken.values()),
        goal=GOAL_S,
        better="lower",
        unit="seconds until all is stored, in the worst order",
        sides={name: one.figures for name, one in taken.items()},
        shortfalls=(
            *at_most("messages in retry topics or dead letters", set_aside, 0),
            *at_most(
                "CPU time of the worst order / best order",
                cpu_ratio(taken),
                MOST_TIMES_BEST_CPU,
            ),
        ),
        notes=(f"{INTERVIEWS_WAITING} interviews, {CHUNKS_WAITING} chunks with 5 notes each",),
    )
