"""What it costs to store the backlog of an outage in the worst order, against the best."""

from __future__ import annotations

from bench.backlog import MOST_TIMES_BEST_CPU, cpu_ratio, take
from bench.harness import Lab, Result


async def measure(lab: Lab) -> Result:
    """CPU of the service and of PostgreSQL together; the runs are those of ``storing-backlog``."""
    taken = await take(lab)
    return Result(
        figure=cpu_ratio(taken),
        goal=MOST_TIMES_BEST_CPU,
        better="lower",
        unit="x the CPU seconds of storing in the best order",
        sides={
            name: {"cpu_s": round(one.spent.cpu_s, 2), **one.figures} for name, one in taken.items()
        },
    )
