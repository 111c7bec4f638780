"""Storing an outage's backlog in three orders, shared by the storing measures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.harness import Figures, Lab
from bench.storing_service import (
    HANDLED,
    INTERVIEWS,
    STORED,
    Spent,
    Storing,
    storing,
)
from support.many_interviews import Interview, interview, shuffled

INTERVIEWS_WAITING: Final = 270
CHUNKS_WAITING: Final = 1_170
SIZES: Final = (1, 2, 3, 4, 5, 6, 7, 8, 3)
"""Chunks of one interview after the other; 30 times these are 1,170."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Time and CPU of storing the backlog in one order.

    Attributes:
        spent: time and CPU.
        set_aside: messages that went to a retry topic or became dead letters.
    """

    spent: Spent
    set_aside: int

    @property
    def figures(self) -> Figures:
        """As measures tell them."""
        return {
            "seconds": round(self.spent.wall_s, 2),
            "service_cpu_s": round(self.spent.service_cpu_s, 2),
            "database_cpu_s": round(self.spent.database_cpu_s, 2),
            "retries_and_letters": self.set_aside,
        }


async def _best(service: Storing, waiting: Sequence[Interview]) -> None:
    """All interviews, and then their notes."""
    await service.publish(one.ingested for one in waiting)
    await service.work_until(INTERVIEWS, len(waiting))
    await service.publish(draft for one in waiting for draft in one.drafts)
    await service.work_until(STORED, _chunks(waiting))


async def _shuffled(service: Storing, waiting: Sequence[Interview]) -> None:
    """All at once, in any order."""
    events = [event for one in waiting for event in (one.ingested, *one.drafts)]
    await service.publish(shuffled(events))
    await service.work_until(STORED, _chunks(waiting))


async def _notes_first(service: Storing, waiting: Sequence[Interview]) -> None:
    """All notes, and then their interviews."""
    await service.publish(draft for one in waiting for draft in one.drafts)
    await service.work_until(HANDLED, _chunks(waiting))
    await service.publish(one.ingested for one in waiting)
    await service.work_until(STORED, _chunks(waiting))


BEST: Final = "best order"
ORDERS: Final[dict[str, Callable[[Storing, Sequence[Interview]], Awaitable[None]]]] = {
    BEST: _best,
    "shuffled": _shuffled,
    "notes first": _notes_first,
}

MOST_TIMES_BEST_CPU: Final = 2.0
"""Goal for ``cpu_ratio``."""

_taken: dict[Lab, dict[str, Taken]] = {}


async def take(lab: Lab) -> dict[str, Taken]:
    """Store the backlog in each order, once a run for all measures that use it."""
    if lab not in _taken:
        waiting = backlog(lab.scaled(INTERVIEWS_WAITING, least=len(SIZES)))
        found = {}
        for name, order in ORDERS.items():
            async with storing(lab) as service:
                await order(service, waiting)
                found[name] = Taken(service.spent, await service.set_aside())
        _taken[lab] = found
    return _taken[lab]


def cpu_ratio(taken: Mapping[str, Taken]) -> float:
    """Return the CPU time of the worst order, in multiples of the best order's.

    CPU time is that of the service and of PostgreSQL together.
    """
    return max(one.spent.cpu_s for one in taken.values()) / taken[BEST].spent.cpu_s


def backlog(number: int) -> list[Interview]:
    """Return interviews that wait to be stored."""
    return [interview(one, SIZES[one % len(SIZES)]) for one in range(number)]


def _chunks(waiting: Sequence[Interview]) -> int:
    return sum(len(one.drafts) for one in waiting)


assert INTERVIEWS_WAITING // len(SIZES) * sum(SIZES) == CHUNKS_WAITING
