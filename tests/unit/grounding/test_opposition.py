"""Statements that oppose each other, and how many of them are found."""

from __future__ import annotations

import pytest

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
    ("is_kept_apart", "precision", "recall"), [(False, 0.95, 0.9), (True, 0.9, 0.9)]
)
def test_as_many_are_found_as_the_documents_say(
    is_kept_apart: bool,  # noqa: FBT001 - a parameter
    precision: float,
    recall: float,
) -> None:
    figures = measure(is_kept_apart=is_kept_apart)
    assert (figures.precision >= precision, figures.recall >= recall) == (True, True)
