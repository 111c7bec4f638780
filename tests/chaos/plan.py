"""What happens in each round, by seed; four rounds in a row see everything at least once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from chaos.crashes import Point

BLOCK: Final = 4

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
    """What is done to the replicas or the broker from outside."""

    KILLS = "kills"
    STOP = "stop"
    STORM = "storm"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Plan:
    """One round.

    Attributes:
        number: of the round, from 1.
        seed: of everything random in it.
        order: the stage's, ``none`` or ``key``.
        due: crash points, and at which pass each is due.
        trouble: what happens from outside.
    """

    number: int
    seed: str
    order: str
    due: dict[Point, int]
    trouble: Trouble


def plan(seed: int, number: int) -> Plan:
    """The plan of a round; it is the same however many rounds there are."""
    block, place = divmod(number - 1, BLOCK)
    dealt = Random(f"{seed}/block-{block}")
    points, troubles, orders = list(Point), list(Trouble), ["none", "key"] * 2
    for cards in (points, troubles, orders):
        dealt.shuffle(cards)
    own = f"{seed}/round-{number}"
    chance = Random(own)
    mine = points[place::BLOCK]
    due = {point: chance.randint(1, LATEST_PASS[point]) for point in mine}
    return Plan(number, own, orders[place], due, troubles[place])
