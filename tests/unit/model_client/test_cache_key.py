from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from model_client.cache.response_cache import build_cache_key
from model_client.requests import ModelRequest

PARAMETERS = {"temperature": 0.0, "max_output_tokens": 1000, "seed": None}


class Answer(BaseModel):
    """Any answer."""


QUESTION = ModelRequest(
    messages=[{"role": "system", "content": "Answer."}, {"role": "user", "content": "Well?"}],
    schema={"type": "object", "properties": {}},
    response_model=Answer,
    prompt_version="notes-2",
)


def test_begins_with_the_prompts_version_and_does_not_depend_on_the_order_of_names() -> None:
    shuffled = replace(QUESTION, schema=dict(reversed([*QUESTION.schema.items()])))
    key = build_cache_key(QUESTION, "small", PARAMETERS)
    assert key == build_cache_key(shuffled, "small", dict(reversed([*PARAMETERS.items()])))
    version, _, digest = key.partition("/")
    assert (version, len(digest)) == ("notes-2", 64)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": QUESTION.messages[:1]},
        {"schema": {"type": "object"}},
        {"prompt_version": "notes-3"},
        {"attempt": 2},
        {"parameters": {"logprobs": True}},
        {"max_output_tokens": 16},
    ],
)
def test_each_part_of_the_question_counts(change: dict[str, Any]) -> None:
    changed = build_cache_key(replace(QUESTION, **change), "small", PARAMETERS)
    assert changed != build_cache_key(QUESTION, "small", PARAMETERS)


def test_the_model_and_its_parameters_count() -> None:
    asked = build_cache_key(QUESTION, "small", PARAMETERS)
    assert asked != build_cache_key(QUESTION, "large", PARAMETERS)
    assert asked != build_cache_key(QUESTION, "small", {**PARAMETERS, "temperature": 0.5})


def test_a_request_without_fields_of_its_own_has_the_key_it_always_had() -> None:
    known = "notes-2/b252c7c99ab45b971b3fe9f6f4691cc99cf97512d988e13dffcdb2f705808f82"
    assert build_cache_key(QUESTION, "small", PARAMETERS) == known
