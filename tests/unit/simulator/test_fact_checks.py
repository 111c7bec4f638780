"""The simulator as a fact-checking model: which requests it takes for one, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from prompts.fact_checking import FORMATS, SpokenLine
from simulator.chat_request import ChatRequest
from simulator.fact_checks import parse_fact_check

EVIDENCE = (SpokenLine("Ada", "What do you pay?"), SpokenLine("Ben", "We pay sixty pounds."))


def request(name: str, **changed: Any) -> ChatRequest:
    asked = FORMATS[name].build_request("They pay sixty pounds.", EVIDENCE)
    body = {"model": "m", "messages": asked.messages, **asked.parameters, **changed}
    return ChatRequest.model_validate(body)


@pytest.mark.parametrize("name", FORMATS)
def test_reads_the_claim_and_who_said_what_in_every_format(name: str) -> None:
    asked = parse_fact_check(request(name))
    assert asked is not None
    assert asked.claim.claim == "They pay sixty pounds."
    quotes = [(one.speaker, one.text) for one in asked.claim.quotes]
    assert quotes == [(one.speaker, one.text) for one in EVIDENCE]


@pytest.mark.parametrize("name", ["granite-guardian-3", "granite-guardian-3.3"])
def test_a_guardian_that_is_not_told_its_risk_finds_none_in_anything(name: str) -> None:
    asked = parse_fact_check(request(name, chat_template_kwargs={}))
    assert asked is not None
    assert {asked.answer(supported=one) for one in (True, False)} == {"No"}


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "Is it so?"}],
        [{"role": "user", "content": "Document: x"}, {"role": "assistant", "content": "y"}],
        [{"role": "context", "content": "x"}],
        [{"role": "assistant", "content": "y"}],
        [7, {"role": ["user"], "content": "x"}],
    ],
)
def test_other_requests_ask_about_no_claim(messages: list[Any]) -> None:
    assert parse_fact_check(ChatRequest(model="m", messages=messages)) is None
