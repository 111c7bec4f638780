"""Requests whose answer is no JSON: what is sent, what is read, what is left out if refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from starlette.responses import Response

from model_client import CostAttribution, ModelClient, ModelRequest, ModelSettings, errors
from model_client.requests import ModelText
from model_client.transport.api_dialect import (
    compute_prompt_tokens_upper_bound,
    get_max_output_tokens,
)
from support.scripted_endpoint import ScriptedEndpoint, completion, events, json_response, piece

TEMPLATE = {"guardian_config": {"risk_name": "groundedness"}}


class Word(BaseModel):
    """An answer in one word, with the tokens it was made of."""

    word: str
    tokens: dict[str, dict[str, float]] = {}


def parse_word(answer: ModelText) -> Word:
    if answer.text not in {"Yes", "No"}:
        raise errors.BadOutputError("the answer is neither Yes nor No")
    tokens = {one.token: dict(one.alternatives) for one in answer.tokens}
    return Word(word=answer.text, tokens=tokens)


REQUEST = ModelRequest(
    messages=({"role": "user", "content": "Is it so?"},),
    schema={},
    response_model=Word,
    prompt_version="word-1",
    parse_text=parse_word,
    parameters={"logprobs": True, "top_logprobs": 5, "chat_template_kwargs": TEMPLATE},
    max_output_tokens=16,
)


async def ask(endpoint: ScriptedEndpoint, *requests: ModelRequest[Word]) -> list[Word]:
    async with endpoint.serve() as url:
        settings = ModelSettings(base_url=url, api_key=SecretStr("k"), model="m")
        async with ModelClient(settings) as client:
            asked = [await client.ask(one, CostAttribution("s", "c")) for one in requests]
    return [one.value for one in asked]


def place(token: str, **others: Any) -> dict[str, Any]:
    top = [{"token": name, "logprob": value} for name, value in others.items()]
    return {"token": token, "logprob": -0.1, "top_logprobs": top}


def with_tokens(part: dict[str, Any], *places: Any) -> dict[str, Any]:
    part["choices"][0]["logprobs"] = {"content": [*places]}
    return part


async def test_the_body_asks_for_no_schema_and_has_the_requests_own_fields() -> None:
    endpoint = ScriptedEndpoint(lambda *_: json_response(completion(content="Yes")))
    (word,) = await ask(endpoint, REQUEST)
    (body,) = endpoint.requests
    assert word.word == "Yes"
    assert "response_format" not in body
    assert body["messages"] == [*REQUEST.messages]
    assert (body["logprobs"], body["top_logprobs"]) == (True, 5)
    assert body["chat_template_kwargs"] == TEMPLATE
    assert body["max_completion_tokens"] == 16


async def test_the_tokens_probabilities_are_read_streamed_and_whole() -> None:
    whole = with_tokens(completion(content="Yes"), place("Y", N=-2.0), place("es"))
    parts = (
        with_tokens(piece("Y"), place("Y", N=-2.0)),
        with_tokens(piece("es", "stop"), place("es")),
    )
    answers = [json_response(whole), events(*parts)]
    endpoint = ScriptedEndpoint(lambda _, number: answers[number - 1])
    first, second = await ask(endpoint, REQUEST, REQUEST)
    assert first.tokens == second.tokens == {"Y": {"Y": -0.1, "N": -2.0}, "es": {"es": -0.1}}


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        7,
        {"content": None},
        {"content": [7, {"token": None, "logprob": "x", "top_logprobs": [7]}]},
        {"content": [{"token": "Y", "logprob": 0.5}, {"token": "Y", "logprob": float("nan")}]},
        {"content": [{"token": "Y", "logprob": -(10**400)}]},
    ],
)
async def test_probabilities_that_are_none_cost_no_answer(logprobs: Any) -> None:
    part = piece("Yes", "stop")
    part["choices"][0]["logprobs"] = logprobs
    (word,) = await ask(ScriptedEndpoint(lambda *_: events(part)), REQUEST)
    values = [value for one in word.tokens.values() for value in one.values()]
    assert not any(math.isnan(one) or one > 0 for one in values)


async def test_an_answer_that_cannot_be_read_is_not_asked_for_again() -> None:
    endpoint = ScriptedEndpoint(lambda *_: events(piece("Perhaps", "stop")))
    with pytest.raises(errors.BadOutputError, match="neither"):
        await ask(endpoint, REQUEST)
    assert len(endpoint.requests) == 1


async def test_each_attempt_is_asked_with_a_seed_of_its_own() -> None:
    endpoint = ScriptedEndpoint(lambda *_: events(piece("Yes", "stop")))
    await ask(endpoint, *(replace(REQUEST, attempt=attempt) for attempt in (1, 2, 3)))
    assert [one["seed"] for one in endpoint.requests] == [7, 8, 9]


def refusing(name: str) -> Callable[[dict[str, Any], int], Response]:
    def respond(body: dict[str, Any], _: int) -> Response:
        if name in body:
            error = {"message": f"Unsupported parameter: '{name}'.", "param": name, "code": None}
            return json_response({"error": error}, status=400)
        return events(piece("Yes", "stop"))

    return respond


@pytest.mark.parametrize("name", ["logprobs", "top_logprobs"])
async def test_an_endpoint_without_probabilities_is_asked_without_them(name: str) -> None:
    endpoint = ScriptedEndpoint(refusing(name))
    await ask(endpoint, REQUEST, replace(REQUEST, attempt=2))
    first, second, third = endpoint.requests
    assert first.keys() - second.keys() == {"logprobs", "top_logprobs"}
    assert third.keys() == second.keys()


async def test_what_words_the_task_is_never_left_out() -> None:
    endpoint = ScriptedEndpoint(refusing("chat_template_kwargs"))
    with pytest.raises(errors.RequestRefusedError):
        await ask(endpoint, REQUEST)
    assert all(one["chat_template_kwargs"] == TEMPLATE for one in endpoint.requests)


def test_documents_and_a_template_that_words_the_task_count_as_prompt() -> None:
    body = {"messages": [{"role": "user", "content": "x"}], "max_completion_tokens": 16}
    more = {**body, "documents": [{"doc_id": "0", "text": "word " * 100}]}
    assert compute_prompt_tokens_upper_bound(more) >= compute_prompt_tokens_upper_bound(body) + 500
    worded = {**body, "chat_template_kwargs": TEMPLATE}
    assert (
        compute_prompt_tokens_upper_bound(worded) >= compute_prompt_tokens_upper_bound(body) + 500
    )
    assert get_max_output_tokens(body) == get_max_output_tokens({"max_tokens": 16}) == 16
