"""Seeded plans of the rounds; six rounds in a row cover everything at least once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from chaos.crashes import Point

BLOCK: Final = 6
POINTS_EACH: Final = 2

LATEST_PASS: Final = {
    Point.AFTER_FETCH: 3,
    Point.IN_HANDLER: 12,
    Point.AFTER_HANDLER: 8,
    Point.AFTER_RESULT: 8,
    Point.AFTER_RETRY_WRITE: 2,
    Point.AFTER_DLQ_WRITE: 1,
    Point.BEFORE_COMMIT: 4,
    Point.AFTER_COMMIT: 4,
}
"""A point is due at one of a process's first so many passes: few enough to be reached for sure."""


class Trouble(StrEnum):
    """Faults injected into the replicas or the broker from outside."""

    KILLS = "kills"
    STOP = "stop"
    STORM = "storm"
    BROKER_RESTART = "broker-restart"
    BROKER_KILL = "broker-kill"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Plan:
    """The faults and crash points of one round.

    Attributes:
        number: of the round, from 1.
        seed: of everything random in it.
        order: the stage's, ``none`` or ``key``.
        due: crash points, and at which pass each is due.
        trouble: what happens from outside.
        static: whether replicas have group instance ids; two blocks see every trouble with and
            without them, but for storms: who leaves with an id is kept its place.
    """

    number: int
    seed: str
    order: str
    due: dict[Point, int]
    trouble: Trouble
    static: bool


def plan(seed: int, number: int) -> Plan:
    """Return the plan of a round; independent of how many rounds are run."""
    block, place = divmod(number - 1, BLOCK)
    dealt = Random(f"{seed}/block-{block}")
    points, troubles, orders = list(Point), list(Trouble), ["none", "key"] * (BLOCK // 2)
    for cards in (points, troubles, orders):
        dealt.shuffle(cards)
    own = f"{seed}/round-{number}"
    chance = Random(own)
    first = place * POINTS_EACH
    mine = (points * 2)[first : first + POINTS_EACH]
    due = {point: chance.randint(1, LATEST_PASS[point]) for point in mine}
    trouble = troubles[place]
    static = trouble is not Trouble.STORM and (block + list(Trouble).index(trouble)) % 2 == 0
    return Plan(number, own, orders[place], due, trouble, static)
