"""The simulator as a judge: the same claim on the same quotes is always ruled the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.claim_judge import judge_notes
from simulator.prompt import (
    ParsedJudgingPrompt,
    PromptCitation,
    PromptNote,
    PromptSegment,
    parse_judging_prompt,
    parse_notes_prompt,
)

QUOTE = "We pay sixty pounds a month, and the boiler is from 2019."


def verdict_on(statement: str, *quotes: str, wrong: bool = False) -> str:
    said = tuple(
        PromptSegment(number=number, speaker="Ben", text=one)
        for number, one in enumerate(quotes, start=3)
    )
    cites = tuple(PromptCitation(segment=one.number, words=one.text) for one in said)
    note = PromptNote(note=1, claim=statement, cites=cites)
    answer: dict[str, Any] = json.loads(
        judge_notes(ParsedJudgingPrompt(segments=said, notes=(note,)), wrong=wrong)
    )
    ((ruling,),) = answer.values()
    assert ruling["note"] == 1
    (claim,) = ruling["claims"]
    assert list(claim) == ["claim", "reason", "segment", "words", "verdict"]
    return str(claim["verdict"])


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


def test_a_judge_that_hallucinates_rules_by_words_that_nobody_said() -> None:
    said = PromptSegment(number=3, speaker="Ben", text=QUOTE)
    cites = (PromptCitation(segment=3, words=QUOTE),)
    note = PromptNote(note=1, claim="They pay sixty pounds monthly.", cites=cites)
    asked = ParsedJudgingPrompt(segments=(said,), notes=(note,))
    for made_up in (False, True):
        answer = json.loads(judge_notes(asked, made_up=made_up))
        ((claim,),) = (one["claims"] for one in answer["rulings"])
        assert claim["verdict"] == "supported"
        assert (claim["words"] in QUOTE) is not made_up


def test_tells_notes_to_judge_from_a_passage() -> None:
    def user(document: Any) -> list[Any]:
        return [{"role": "user", "content": json.dumps(document)}]

    said = {"segments": [{"number": 1, "text": "So it is."}]}
    cites = [{"segment": 1, "words": "So it is."}]
    notes = {"notes": [{"note": 1, "claim": "So it is.", "cites": cites}]}
    assert parse_judging_prompt(user(said | notes)) is not None
    assert parse_judging_prompt(user(said)) is None
    assert parse_notes_prompt(user(said)) is not None
