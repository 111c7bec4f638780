"""A measure holds only if its goal is reached and all its further conditions are met."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

import pytest

from bench.__main__ import as_json
from bench.backlog import BEST, ORDERS, Taken
from bench.harness import Result, at_least, at_most
from bench.storing_backlog import GOAL_S, judge
from bench.storing_service import Spent
from bench.table import lines

QUICK: Final = Result(figure=1.0, goal=1.0, better="lower", unit="s", sides={"ours": {"s": 1.0}})
SHORT: Final = replace(QUICK, shortfalls=at_most("retries", 3, 0), notes=("a note",))


def backlog(set_aside: int = 0, worst_cpu_s: float = 2.0, wall_s: float = GOAL_S) -> Result:
    orders = {
        name: Taken(Spent(wall_s, 1.0 if name == BEST else worst_cpu_s), 0) for name in ORDERS
    }
    orders["shuffled"] = replace(orders["shuffled"], set_aside=set_aside)
    return judge(orders)


def test_a_goal_that_is_reached_does_not_hold_while_a_further_condition_is_not_met() -> None:
    assert QUICK.holds
    assert not SHORT.holds


@pytest.mark.parametrize(("figure", "met"), [(0.9, True), (1.0, True), (1.001, False)])
def test_a_condition_has_a_limit_that_may_be_reached(figure: float, *, met: bool) -> None:
    assert (at_most("it", figure, 1.0) == ()) is met
    assert (at_least("it", -figure, -1.0) == ()) is met


def test_the_backlog_of_an_outage_holds_within_its_time_without_retries_at_twice_the_cpu() -> None:
    assert backlog().holds
    assert backlog().shortfalls == ()


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (backlog(set_aside=1), "messages in retry topics or dead letters: 1, the goal is ≤ 0"),
        (
            backlog(worst_cpu_s=2.5),
            "CPU time of the worst order / best order: 2.5, the goal is ≤ 2",
        ),
    ],
)
def test_the_backlog_of_an_outage_falls_short_although_its_time_holds(
    result: Result, expected: str
) -> None:
    assert result.figure <= result.goal
    assert result.shortfalls == (expected,)
    assert not result.holds


def test_the_file_of_a_measure_has_its_shortfalls() -> None:
    document = json.loads(json.dumps(as_json("storing", SHORT, 1)))
    assert (document["holds"], document["shortfalls"]) == (
        False,
        ["retries: 3, the goal is ≤ 0"],
    )
    assert as_json("storing", QUICK, 1)["shortfalls"] == []


def test_the_table_tells_shortfalls_first_and_in_words() -> None:
    table = lines([as_json("a-quick", QUICK, 1), as_json("b-short", SHORT, 1)])
    rows = [line.split() for line in table[2:4]]
    assert [(row[0], "FALLS" in row) for row in rows] == [("b-short", True), ("a-quick", False)]
    (told,) = [place for place, line in enumerate(table) if "retries: 3" in line]
    assert table[told] == "  FALLS SHORT: retries: 3, the goal is ≤ 0"
    assert table[told + 1] == "  a note"
