"""A text of one thing over and over costs no more than its length: no pattern searches for ever.

What would is stopped by the time limit of every test, far above what any of these takes.
"""

from __future__ import annotations

from itertools import islice

import pytest

from grounding import assess_note
from grounding.text.addressing import classify_addressing, split_sentences
from personal_data import DetectionMode, find_personal_data
from support.choice_of_tests import keep_one_in
from unit.grounding.drafts import chunk, draft, failed, segment

_SAID = 20_000
_STATED = 900
_OVER_AND_OVER = [
    *("9", "9,", "9 ", "9-", "1/", "1/2 ", "$1,", "%20", "5:", "12:00:", "1e9", "+1 ", "-1"),
    *("a", "A", "a ", "A ", "a-", "a'", "a, ", "a. ", "a:", "a b-", "O'", "n't ", "é", "\u0301"),
    *("'", '"', "“", "(", "[", "[a", "{", "*", "#", "# ", "`", "_", "\\", "|", "~", "...", "?"),
    *(" ", "\t", "\n", "\n ", "\u200b", "http://", "a@", "a@b.", "a/b/", "<|", "</", "&amp;"),
    *("twenty ", "one hundred and ", "half a ", "from 1 to ", "less than ", "1 and ", "1st "),
    *("not ", "and ", "if ", "your ", "ignore all ", "you are now ", "please ", "what ", "Mr "),
    *("Don't get me wrong, ", "I want ", "“a” ", "he said that "),
]
_each_unit = pytest.mark.parametrize("unit", keep_one_in(6, _OVER_AND_OVER))


def _long(unit: str, length: int) -> str:
    return f"I said {(unit * length)[:length]} thousand, i said so"


@_each_unit
def test_a_repetitive_quote_is_compared_in_reasonable_time(unit: str) -> None:
    spoken = chunk(segment(1, _long(unit, _SAID)))
    assert failed(assess_note(draft("It was 4 dollars in Venice"), spoken))


@_each_unit
def test_a_repetitive_statement_is_compared_with_its_evidence(unit: str) -> None:
    spoken = chunk(segment(1, "It was 4 dollars"))
    assert failed(assess_note(draft(_long(unit, _STATED)), spoken))


@_each_unit
def test_a_repetition_is_searched_for_personal_data_and_orders(unit: str) -> None:
    text = _long(unit, _SAID)
    for found in find_personal_data(text, known_names=["Tom Waits"], mode=DetectionMode.LIGHT):
        assert 0 <= found.start < found.end <= len(text)
    for sentence in islice(split_sentences(text), 100):
        classify_addressing(sentence)
