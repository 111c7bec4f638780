"""Pairs of statements that oppose each other among many, and what of them is compared."""

from __future__ import annotations

import time

import pytest

from grounding import disagreements
from grounding.disagreements import Disagreement, find_disagreements
from grounding.opposition import Opposition

RAISED = "The shop raised its prices in spring."
LOWERED = "The shop lowered its prices in spring."
KEPT = "The shop did not raise its prices in spring."
TRUST = "Customers trust the mechanic in the shop."
DISTRUST = "Customers distrust the mechanic in the shop."


def test_pairs_are_found_among_many() -> None:
    statements = [RAISED, "The heating is old.", LOWERED, "A repair takes 3 days."]
    found = find_disagreements(statements, 100)
    assert found.found == (Disagreement(0, 2, Opposition.OPPOSITE),)
    assert (found.candidates, found.compared, found.is_complete) == (1, 1, True)


def test_what_is_not_compared_is_counted() -> None:
    found = find_disagreements([RAISED, LOWERED, KEPT], 2)
    assert (found.candidates, found.compared, found.is_complete) == (3, 2, False)
    assert find_disagreements([RAISED, LOWERED, KEPT], 3).is_complete


def test_statements_that_are_alike_leave_time_for_the_one_that_opposes_them() -> None:
    found = find_disagreements([TRUST] * 46 + [DISTRUST], 1)
    assert found.found_count == 46
    assert found.found[0] == Disagreement(0, 46, Opposition.OPPOSITE)
    assert (found.candidates, found.compared, found.is_complete) == (1, 1, True)


def test_statements_that_agree_in_other_words_leave_time_for_the_one_that_opposes_them() -> None:
    alike = [f"{name} customers trust the mechanic in the shop." for name in ("", "Our", "All")]
    alike += [f"{one} trust the shop's mechanic." for one in ("The customers", "Those customers")]
    found = find_disagreements([*alike, DISTRUST], 5)
    assert {(one.first, one.second) for one in found.found} == {(at, 5) for at in range(5)}
    assert (found.compared, found.is_complete) == (found.candidates, True)


def test_each_wording_is_shown_before_one_comes_again() -> None:
    statements = [TRUST, TRUST, RAISED, DISTRUST, LOWERED]
    found = find_disagreements(statements, 100, max_found=2)
    assert {(one.first, one.second) for one in found.found} == {(0, 3), (2, 4)}
    assert found.found_count == 3


def test_statements_with_a_placeholder_are_not_compared_and_counted() -> None:
    masked = ["[PERSON] raised the prices of repairs.", "[PERSON] lowered the prices of repairs."]
    found = find_disagreements(masked, 100)
    assert (found.found, found.masked, found.is_complete) == ((), 2, False)


def test_statements_of_two_words_are_compared() -> None:
    found = find_disagreements(["Prices rose.", "Prices fell."], 100)
    assert found.found == (Disagreement(0, 1, Opposition.OPPOSITE),)


def test_no_more_is_compared_than_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disagreements, "MAX_COMPARISON_CPU_S", 0.0)
    found = find_disagreements([RAISED, LOWERED], 100)
    assert (found.found, found.compared, found.is_complete) == ((), 0, False)


def test_long_statements_take_no_more_time_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disagreements, "MAX_COMPARISON_CPU_S", 0.5)
    said = " ".join(f"Repair {at} did not cost {at} dollars in the shop." for at in range(40))
    begun = time.process_time()
    found = find_disagreements([f"{said} Bikes x{at} are old." for at in range(100)], 1_000)
    assert time.process_time() - begun < 3
    assert (found.compared < found.candidates or not found.candidates, found.is_complete) == (
        True,
        False,
    )


def test_words_that_all_statements_have_make_no_more_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(disagreements, "MAX_CANDIDATES", 500)
    statements = [f"The shop and its prices in town x{number}." for number in range(200)]
    found = find_disagreements([*statements, RAISED, LOWERED], 10)
    assert (found.is_complete, found.is_cut) == (False, True)


def test_nothing_is_compared_with_nothing() -> None:
    assert find_disagreements([], 10).is_complete
    assert find_disagreements(["", "Yes."], 10).found == ()
