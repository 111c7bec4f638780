"""Numbers that nobody said, worked out from those that somebody did; and whose opinion it was."""

from __future__ import annotations

import pytest

from grounding import assess_note
from unit.grounding.drafts import chunk, draft, failed_beyond_form, segment

RENT = "Rent went from 900 to 1,200 in one year."
CALLS = "I called support three times and waited forty minutes each time."
DAY = "It took us from nine in the morning until half past four."
BASKET = "The apples were 3 dollars and the bread was 5 dollars."
SAID = "He said the training was useless, but I didn't agree with him."
FOLLOWS = [
    ("Rent rose by 300 in one year.", RENT),
    ("Rent increased by a third in one year.", RENT),
    ("Rent went up by 33 percent in one year.", RENT),
    ("The price dropped by 25 percent.", "The price dropped from 80 to 60."),
    ("She waited two hours in total on calls to support.", CALLS),
    ("She waited 120 minutes altogether on calls to support.", CALLS),
    ("The apples and the bread were 8 dollars in total.", BASKET),
    ("It took seven and a half hours.", DAY),
    ("The manager hired five people and fired two.", "The manager fired two people, hired five."),
    ("He said the training was useless.", SAID),
    ("The participant thought the training was useless.", "He said it was useless, and I agreed."),
    ("She thought the training was useless.", "He says so too: the training was useless."),
    ("The participant found the training useless.", "I said the training was useless."),
]
DOES_NOT_FOLLOW = [
    ("Rent rose by 400 in one year.", RENT, "number_may_follow"),
    ("Rent rose by half in one year.", RENT, "number_may_follow"),
    ("Rent fell by 300 in one year.", RENT, "number_may_follow"),
    ("Rent was 300 in one year.", RENT, "number_may_follow"),
    (
        "The price dropped by 20 percent.",
        "The price dropped from 80 to 60.",
        "number_may_follow",
    ),
    ("She waited three hours in total on calls to support.", CALLS, "number_not_in_evidence"),
    ("She waited two hours on each of three calls to support.", CALLS, "number_may_follow"),
    ("The apples and the bread were 9 dollars in total.", BASKET, "number_not_in_evidence"),
    ("It took eight hours.", DAY, "number_may_follow"),
    ("Forty managers use it.", "Forty users have it, and five managers.", "number_may_follow"),
    ("The participant found the training useless.", SAID, "said_by_another"),
    ("She thinks the food is bland.", "My sister says the food is bland.", "said_by_another"),
]


@pytest.mark.parametrize(("statement", "quote"), FOLLOWS)
def test_accepts_what_follows_from_what_was_said(statement: str, quote: str) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote)))) == []


@pytest.mark.parametrize(("statement", "quote", "check"), DOES_NOT_FOLLOW)
def test_refuses_what_does_not_follow(statement: str, quote: str, check: str) -> None:
    assert check in failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote))))
