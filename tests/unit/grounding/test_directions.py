"""The two sides of a comparison, preference or move are those of the evidence, in any words."""

from __future__ import annotations

import pytest

from grounding import assess_note
from unit.grounding.drafts import chunk, draft, failed_beyond_form, segment

REVERSED = [
    ("The app is cheaper than the website", "the website is cheaper than the app"),
    ("Slack is better than Teams", "Teams is better than Slack, honestly"),
    ("Anna is older than Ben", "Ben is older than Anna"),
    ("The new tool is slower than the old tool", "the old tool is slower than the new tool"),
    ("The new kettle is heavier than the old one", "the old kettle was heavier than the new one"),
    ("Trains are more reliable than buses", "buses are more reliable than trains here"),
    ("She likes tea better than coffee", "I like coffee better than tea"),
    ("She prefers tea to coffee", "I prefer coffee to tea, always have"),
    ("She prefers tea over coffee", "I'd say I prefer coffee over tea"),
    ("They moved from Hull to Derby", "and then we moved from Derby to Hull"),
    ("They moved from Hull to Derby", "and then we moved to Hull from Derby"),
    ("They ate before they paid", "we paid before we ate"),
    ("It bored her because she left school", "I left school because it bored me"),
    ("He quit because he was ill", "he was ill because he quit"),
    ("They took the train instead of the bus", "we took the bus instead of the train"),
]
THE_SAME = [
    ("The app is cheaper than the website", "the website was slow, the app is cheaper than it"),
    ("The new kettle is heavier than the old one", "the new kettle is heavier than the old one"),
    ("The new kettle is lighter than the old one", "the old kettle was heavier than the new one"),
    ("She prefers tea to coffee", "between tea and coffee I prefer tea to coffee"),
    ("They moved from Hull to Derby", "and then we moved to Derby from Hull"),
    ("They moved from Hull to Derby", "we moved from Derby to Hull, then from Hull to Derby"),
    ("They paid before they ate", "we paid before we ate"),
    ("They stayed because the rent was low", "the rent was low, because of that we stayed"),
    ("Anna is older than Ben", "Anna is older than Ben, but Ben is taller than Anna"),
    ("She works from home to save money", "to save money I work from home"),
    ("Trains are cheaper than buses", "Trains are less expensive than buses"),
]


@pytest.mark.parametrize(("statement", "quote"), REVERSED)
def test_refuses_what_has_the_two_sides_the_other_way_round(statement: str, quote: str) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote)))) == [
        "order_turned"
    ]


@pytest.mark.parametrize(("statement", "quote"), THE_SAME)
def test_accepts_the_same_order_in_other_words(statement: str, quote: str) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote)))) == []
