"""How long the backlog of an outage takes to be stored, in the worst of three orders."""

from __future__ import annotations

from typing import Final

from bench.backlog import CHUNKS_WAITING, INTERVIEWS_WAITING, take
from bench.harness import Lab, Result

GOAL_S: Final = 15.0


async def measure(lab: Lab) -> Result:
    """The service stands still while the backlog is written; its time begins when it goes on."""
    taken = await take(lab)
    set_aside = sum(one.set_aside for one in taken.values())
    return Result(
        figure=max(one.spent.wall_s for one in taken.values()),
        goal=GOAL_S,
        better="lower",
        unit="seconds until all is stored, in the worst order",
        sides={name: one.figures for name, one in taken.items()},
        notes=(
            f"{INTERVIEWS_WAITING} interviews, {CHUNKS_WAITING} chunks with 5 notes each",
            f"{set_aside} messages went to a retry topic or became dead letters; the goal is 0",
        ),
    )
