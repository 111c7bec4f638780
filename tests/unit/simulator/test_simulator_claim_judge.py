"""The simulator as a judge: the same claim on the same quotes is always ruled the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.claim_judge import judge_claim
from simulator.prompt import PromptClaim, PromptQuote, parse_claim, parse_passage

QUOTE = "We pay sixty pounds a month, and the boiler is from 2019."


def verdict_on(statement: str, *quotes: str, wrong: bool = False) -> str:
    claim = PromptClaim(
        claim=statement, quotes=tuple(PromptQuote(speaker="Ben", text=one) for one in quotes)
    )
    answer: dict[str, Any] = json.loads(judge_claim(claim, wrong=wrong))
    assert list(answer) == ["reason", "verdict"]
    return str(answer["verdict"])


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("They pay sixty pounds monthly.", "supported"),
        ("The boiler is from 2019.", "supported"),
        ("The boiler is from 2018.", "not_supported"),
        ("They pay sixty pounds a month for heating.", "not_supported"),
        ("They never pay sixty pounds a month.", "contradicted"),
    ],
)
def test_rules_by_the_words_numbers_and_denials_of_the_quotes(claim: str, verdict: str) -> None:
    assert verdict_on(claim, QUOTE) == verdict


def test_all_quotes_together_bear_out_a_claim() -> None:
    claim = "They pay sixty pounds, and the boiler is from 2019."
    assert verdict_on(claim, *QUOTE.split(", and ")) == "supported"


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3))
def test_a_judge_that_errs_says_something_else_of_every_claim(
    claim: str, quotes: list[str]
) -> None:
    right, wrong = verdict_on(claim, *quotes), verdict_on(claim, *quotes, wrong=True)
    assert {right, wrong} <= {"supported", "contradicted", "not_supported"}
    assert (right == "supported") is not (wrong == "supported")


def test_tells_a_claim_from_a_passage() -> None:
    def user(document: Any) -> list[Any]:
        return [{"role": "user", "content": json.dumps(document)}]

    claim = user({"claim": "So it is.", "quotes": [{"speaker": "B", "text": "So it is."}]})
    passage = user({"segments": [{"number": 1, "text": "So it is."}]})
    assert parse_claim(claim) is not None
    assert parse_passage(claim) is None
    assert parse_claim(passage) is None
    assert parse_passage(passage) is not None
