"""What it costs to store the backlog of an outage in the worst order, against the best."""

from __future__ import annotations

from typing import Final

from bench.backlog import BEST, take
from bench.harness import Lab, Result

GOAL: Final = 2.0


async def measure(lab: Lab) -> Result:
    """CPU of the service and of PostgreSQL together; the runs are those of ``storing-backlog``."""
    taken = await take(lab)
    best = taken[BEST].spent.cpu_s
    return Result(
        figure=max(one.spent.cpu_s for one in taken.values()) / best,
        goal=GOAL,
        better="lower",
        unit="x the CPU seconds of storing in the best order",
        sides={
            name: {"cpu_s": round(one.spent.cpu_s, 2), **one.figures} for name, one in taken.items()
        },
    )
