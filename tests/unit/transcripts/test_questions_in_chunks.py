# ruff: noqa: RUF001 - punctuation of Chinese and Japanese
"""A question is in one chunk with its answer, wherever a budget ends."""

from __future__ import annotations

import pytest

from contracts.transcript import Role, Segment
from transcripts import estimate_size_in_english_characters, is_question_turn, split_into_chunks


def talk(*turns: tuple[str, str]) -> list[Segment]:
    """Return turns of ("I" or "P" or "?", text): interviewer, participant, unknown."""
    roles = {"I": Role.INTERVIEWER, "P": Role.PARTICIPANT, "?": Role.UNKNOWN}
    return [
        Segment(number=number, speaker=role, role=roles[role], text=text)
        for number, (role, text) in enumerate(turns, start=1)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Did it work?",
        "“Did it work?”",
        "(Did it work?)",
        "你觉得怎么样？",
        "「どう思いましたか？」",
        "どう思いましたか。",
        "هل نجح ذلك؟",
        "It did what⁉",
    ],
)
def test_a_question_is_known_by_how_it_ends_in_any_script(text: str) -> None:
    assert is_question_turn(talk(("?", text))[0])
    assert not is_question_turn(talk(("?", text + " Yes."))[0])


def test_all_questions_before_an_answer_go_with_it() -> None:
    turns = talk(("P", "a" * 60), ("I", "One?"), ("I", "And two?"), ("P", "b" * 80))
    chunks = split_into_chunks(turns, max_characters=100)
    assert [[one.number for one in chunk.segments] for chunk in chunks] == [[1], [2, 3, 4]]


def test_of_several_questions_the_last_go_with_an_answer_that_leaves_room_for_them_only() -> None:
    turns = talk(("I", "a" * 60), ("I", "b" * 30), ("I", "Two?"), ("P", "c" * 80))
    chunks = split_into_chunks(turns, max_characters=100)
    assert [[one.number for one in chunk.segments] for chunk in chunks] == [[1, 2], [3, 4]]


def test_a_question_leaves_the_chunk_before_for_an_answer_longer_than_a_chunk() -> None:
    turns = talk(("P", "a" * 60), ("I", "And then what?"), ("P", "We paid. " * 30 + "End."))
    chunks = split_into_chunks(turns, max_characters=100)
    assert [[one.number for one in chunk.segments] for chunk in chunks[:3]] == [[1], [2, 3], [3]]


def test_the_answer_to_a_question_too_long_for_the_context_has_its_last_sentences() -> None:
    asked = "Let me explain that first. " * 12 + "So did you pay?"
    turns = talk(("I", asked), ("P", "a " * 200))
    chunks = split_into_chunks(turns, max_characters=500, context_characters=110)
    (context,) = chunks[1].context
    assert context.text.endswith("So did you pay?")
    assert context.text == asked[context.text_offset :]
    assert context.text.startswith("Let me")
    assert estimate_size_in_english_characters(context.text) <= 110


def test_a_rapid_exchange_parts_no_question_from_its_answer() -> None:
    turns = talk(*[("I", f"Number {n}?") if n % 2 else ("P", "Yes.") for n in range(1, 401)])
    chunks = split_into_chunks(turns, max_characters=103)
    assert len(chunks) > 10
    assert all(chunk.segments[0].role is Role.INTERVIEWER for chunk in chunks)
    assert all(chunk.segments[-1].role is Role.PARTICIPANT for chunk in chunks)
    assert [one for chunk in chunks for one in chunk.segments] == turns
