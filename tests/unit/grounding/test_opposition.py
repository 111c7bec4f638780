"""Statements that oppose each other, and the pairs of them among many."""

from __future__ import annotations

import pytest

from grounding import disagreements
from grounding.disagreements import Disagreement, find_disagreements
from grounding.opposition import Opposition, find_opposition
from support.opposing_statements import measure

RAISED = "The shop raised its prices in spring."
LOWERED = "The shop lowered its prices in spring."
KEPT = "The shop did not raise its prices in spring."


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (RAISED, LOWERED, Opposition.OPPOSITE),
        (RAISED, KEPT, Opposition.NEGATION),
        ("A repair takes 3 days.", "A repair takes 10 days.", Opposition.NUMBER),
        (RAISED, RAISED, None),
        ("The door is open on Mondays.", "The door is not closed on Mondays.", None),
        ("Women like the new shop.", "Men like the new shop.", None),
        (RAISED, "The heating does not work.", None),
        ("", "It is not.", None),
    ],
)
def test_statements_oppose_each_other_whichever_comes_first(
    one: str, other: str, kind: Opposition | None
) -> None:
    assert find_opposition(one, other) is kind
    assert find_opposition(other, one) is kind


@pytest.mark.parametrize(
    ("is_kept_apart", "precision", "recall"), [(False, 0.95, 0.9), (True, 0.8, 0.9)]
)
def test_as_many_are_found_as_the_documents_say(
    is_kept_apart: bool,  # noqa: FBT001 - a parameter
    precision: float,
    recall: float,
) -> None:
    figures = measure(is_kept_apart=is_kept_apart)
    assert (figures.precision >= precision, figures.recall >= recall) == (True, True)


def test_pairs_are_found_among_many() -> None:
    statements = [RAISED, "The heating is old.", LOWERED, "A repair takes 3 days."]
    found = find_disagreements(statements, 100)
    assert found.found == (Disagreement(0, 2, Opposition.OPPOSITE),)
    assert (found.candidates, found.compared, found.is_complete) == (1, 1, True)


def test_what_is_not_compared_is_counted() -> None:
    found = find_disagreements([RAISED, LOWERED, KEPT], 2)
    assert (found.candidates, found.compared, found.is_complete) == (3, 2, False)
    assert len(find_disagreements([RAISED, LOWERED, KEPT], 3).found) == 3 - _agreeing()


def _agreeing() -> int:
    """How many of the three pairs code sees no opposition in: lowered, and did not raise."""
    return int(find_opposition(LOWERED, KEPT) is None)


def test_words_that_all_statements_have_make_no_more_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(disagreements, "MAX_CANDIDATES", 500)
    statements = [f"The shop and its prices in town x{number}." for number in range(200)]
    found = find_disagreements([*statements, RAISED, LOWERED], 10)
    assert (found.is_complete, found.compared) == (False, 10)


def test_nothing_is_compared_with_nothing() -> None:
    assert find_disagreements([], 10).is_complete
    assert find_disagreements(["", "Yes."], 10).found == ()
