"""Answers as models write them, and the errors that name what is wrong."""

from __future__ import annotations

import json
import time
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator

from contracts.notes import DraftNote
from model_client.errors import BadOutputError
from model_client.transport.response_parser import (
    LONGEST_READ,
    LONGEST_SHOWN,
    build_repair_messages,
    parse_answer,
)


class Notes(BaseModel):
    notes: tuple[DraftNote, ...]


NOTE = {
    "statement": "They pay £60.",
    "evidence": [{"segment": 4, "first_words": "We pay", "last_words": "{sixty}"}],
    "themes": ["cost"],
    "questions": [],
}
GOOD = json.dumps({"notes": [NOTE]}, ensure_ascii=False)
EMPTY = '{"notes": []}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\ufeff{GOOD}",
        f"\n\n  {GOOD}\r\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}```",
        f"Here are the notes you asked for:\n\n```json\n{GOOD}\n```\nTell me if you want {{more}}.",
        f"Sure! {GOOD} I hope this helps [1].",
        f"<think>The user wants notes. Maybe {EMPTY}?</think>{GOOD}",
        f"Maybe {EMPTY}?\n</think>\n\n{GOOD}",
        f"<think>They pay, so: {GOOD}",
        f"<THINKING>Hm.</THINKING>\n```json\n{GOOD}\n```",
        f"[THINK]Hm {EMPTY}[/THINK]{GOOD}",
        f"<|channel|>analysis<|message|>Hm {EMPTY}<|end|><|channel|>final<|message|>{GOOD}",
        json.dumps(GOOD),
        json.dumps(json.dumps(GOOD)),
        f"```json\n{json.dumps(GOOD)}\n```",
        f"{EMPTY}\n{GOOD}",
        f'{GOOD}\n{{"confidence": 0.9}}',
        f"{GOOD} [1, 2]",
        json.dumps({"thoughts": "hm", "notes": [{**NOTE, "score": 1}], "more": None}),
        GOOD.encode().decode("utf-8-sig"),
        json.dumps({"notes": [NOTE]}, indent=2),
    ],
)
def test_finds_the_answer_whatever_surrounds_it(text: str) -> None:
    assert parse_answer(text, Notes) == Notes.model_validate({"notes": [NOTE]})


def test_a_tag_inside_the_answer_is_not_taken_for_the_end_of_thoughts() -> None:
    answer = {"notes": [{**NOTE, "statement": "They wrote </think> on it."}]}
    assert parse_answer(json.dumps(answer), Notes).notes[0].statement.endswith("on it.")


class Word(BaseModel):
    reason: str


@pytest.mark.parametrize(
    ("reason", "why"), [("a\\ud800", "not valid Unicode"), ("a\\u0000", "NUL")]
)
def test_a_text_that_cannot_be_passed_on_is_wrong_in_any_answer(reason: str, why: str) -> None:
    with pytest.raises(BadOutputError, match=why):
        parse_answer(f'{{"reason": "{reason}"}}', Word)


def test_an_answer_that_has_to_stand_alone_is_none_beside_another() -> None:
    with pytest.raises(BadOutputError, match="several JSON objects that differ"):
        parse_answer(f"{EMPTY}, though a quote says {GOOD}", Notes, requires_single_object=True)
    for text in (GOOD, f"<think>{EMPTY}</think>{GOOD}", f"{GOOD} {GOOD}"):
        assert parse_answer(text, Notes, requires_single_object=True).notes


def test_an_answer_that_was_only_thought_of_is_none() -> None:
    with pytest.raises(BadOutputError):
        parse_answer(f"<think>Maybe {GOOD}</think>I have nothing to say.", Notes)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("\ufeff \n", "no complete JSON"),
        ("I cannot do that.", "no complete JSON"),
        (GOOD[:-3], "no complete JSON"),
        ('{"notes": [],}', "no complete JSON"),
        ("{'notes': []}", "no complete JSON"),
        ("null", "no complete JSON"),
        (json.dumps([NOTE]), "a list is none"),
        ('{"answer": {"notes": []}}', "notes is missing"),
        ('{"notes": {}}', "notes has to be a list"),
        ('{"notes": [3]}', r"notes\[0\] has to be an object"),
        ('{"notes": [{"statement": " "}]}', r"notes\[0\].statement may not be empty"),
        ('{"notes": [{"statement": 3}]}', "statement has to be a string"),
        (json.dumps({"notes": [{"statement": "a" * 2_001}]}), "2000 characters at most"),
        (
            '{"notes": [{"statement": "a", "evidence": [{"segment": "four"}]}]}',
            r"notes\[0\].evidence\[0\].segment has to be a whole number",
        ),
        ('{"notes": [{"statement": "a\\ud800"}]}', "not valid Unicode"),
        ('{"notes": [{"statement": "a\\u0000b"}]}', "NUL"),
        ('{"notes": [{"statement": "a\0b"}]}', "no complete JSON"),
        ('{"notes": NaN}', "no complete JSON"),
        (f'{{"notes": {"9" * 5_000}}}', "no complete JSON"),
        ("[" * 100_000, "no complete JSON"),
        ('{"notes": ' * 100_000, "no complete JSON"),
        (f'{{"notes": {"[" * 900}{"]" * 900}}}', "has to be an object"),
        ("x" * (LONGEST_READ + 1), "longer than"),
    ],
)
def test_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(BadOutputError, match=why):
        parse_answer(text, Notes)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Strict(BaseModel):
    colour: Colour
    name: str = ""

    @field_validator("name")
    @classmethod
    def _refuses(cls, value: str) -> str:
        raise ValueError(f"not {value}")


def test_what_is_wrong_never_quotes_the_answer() -> None:
    with pytest.raises(BadOutputError) as caught:
        parse_answer('{"colour": "SECRET", "name": "SECRET", "SECRET": 1}', Strict)
    assert "SECRET" not in str(caught.value)
    assert "colour has to be 'red' or 'blue'" in str(caught.value)


def test_only_the_first_problems_are_told() -> None:
    with pytest.raises(BadOutputError, match="and 15 more") as caught:
        parse_answer(json.dumps({"notes": [{}] * 20}), Notes)
    assert len(str(caught.value)) < 300


class Lenient(BaseModel):
    notes: tuple[DraftNote, ...] = ()


def test_a_part_of_a_cut_off_answer_is_no_answer() -> None:
    with pytest.raises(BadOutputError):
        parse_answer(GOOD[:-2], Lenient)


@pytest.mark.parametrize(
    "text",
    ["{" * LONGEST_READ, '["' * (LONGEST_READ // 2), "[NaN," * 200_000, '{"a":[' * 160_000],
)
def test_hostile_answers_are_read_in_no_time(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(BadOutputError):
        parse_answer(text, Notes)
    # Reading each from every brace again would take hours: a bound no load can reach.
    assert time.process_time() - begin < 30


@given(st.text(), st.text())
def test_never_fails_otherwise(before: str, after: str) -> None:
    for text in (before, before + GOOD + after, before + EMPTY[:5] + after):
        try:
            parse_answer(text, Notes)
        except BadOutputError as error:
            build_repair_messages(text, error)


def test_asks_again_with_the_answer_and_the_problem() -> None:
    answer, asking = build_repair_messages(
        "<think>hm</think>[1]", BadOutputError("it has to be an object")
    )
    assert answer == {"role": "assistant", "content": "[1]"}
    assert json.loads(str(asking["content"]))["problem"] == "it has to be an object"
    assert asking["role"] == "user"


def test_shows_a_long_answer_shortened_and_an_empty_one_not_at_all() -> None:
    long, _ = build_repair_messages("a" * 100_000, BadOutputError("x"))
    assert len(str(long["content"])) < LONGEST_SHOWN + 10
    assert [one["role"] for one in build_repair_messages(" ", BadOutputError("x"))] == ["user"]


def test_what_is_shown_again_can_be_sent_and_breaks_no_template() -> None:
    text = '{"notes": "<|im_end|>\ud800\0"}'
    shown = str(build_repair_messages(text, BadOutputError("x"))[0]["content"])
    shown.encode()
    assert "<" not in shown
    assert json.loads(shown)["notes"].startswith("<|im_end|>")
