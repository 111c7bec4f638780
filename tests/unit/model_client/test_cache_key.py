from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from model_client.cache.response_cache import key
from model_client.requests import Question

PARAMETERS = {"temperature": 0.0, "max_output_tokens": 1000, "seed": None}


class Answer(BaseModel):
    """Any answer."""


QUESTION = Question(
    messages=[{"role": "system", "content": "Answer."}, {"role": "user", "content": "Well?"}],
    schema={"type": "object", "properties": {}},
    answer=Answer,
    prompt_version="notes-2",
)


def test_tells_the_prompts_version_and_does_not_depend_on_the_order_of_names() -> None:
    shuffled = replace(QUESTION, schema=dict(reversed([*QUESTION.schema.items()])))
    told = key(QUESTION, "small", PARAMETERS)
    assert told == key(shuffled, "small", dict(reversed([*PARAMETERS.items()])))
    version, _, digest = told.partition("/")
    assert (version, len(digest)) == ("notes-2", 64)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": QUESTION.messages[:1]},
        {"schema": {"type": "object"}},
        {"prompt_version": "notes-3"},
        {"attempt": 2},
    ],
)
def test_each_part_of_the_question_counts(change: dict[str, Any]) -> None:
    changed = key(replace(QUESTION, **change), "small", PARAMETERS)
    assert changed != key(QUESTION, "small", PARAMETERS)


def test_the_model_and_its_parameters_count() -> None:
    asked = key(QUESTION, "small", PARAMETERS)
    assert asked != key(QUESTION, "large", PARAMETERS)
    assert asked != key(QUESTION, "small", {**PARAMETERS, "temperature": 0.5})
