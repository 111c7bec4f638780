"""Cutting segments into chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.transcript import Role, Segment
from transcripts import Chunk, split_into_chunks
from transcripts.segments.chunks import MIN_OVERLAP


def segments(*lengths: int, roles: str = "") -> list[Segment]:
    named = {"I": Role.INTERVIEWER, "P": Role.PARTICIPANT}
    return [
        Segment(
            number=number,
            speaker="Ann",
            role=named.get(roles[number - 1 : number], Role.UNKNOWN),
            text="x" * length,
        )
        for number, length in enumerate(lengths, start=1)
    ]


def numbers(chunks: tuple[Chunk, ...]) -> list[list[int]]:
    return [[segment.number for segment in chunk.segments] for chunk in chunks]


def test_packs_whole_segments_up_to_the_limit() -> None:
    chunks = split_into_chunks(segments(4, 4, 2, 5, 5, 1), max_characters=10)
    assert numbers(chunks) == [[1, 2, 3], [4, 5], [6]]
    assert [chunk.index for chunk in chunks] == [1, 2, 3]


def test_a_longer_segment_is_cut_into_parts_of_several_chunks() -> None:
    chunks = split_into_chunks(segments(3, 25, 3), max_characters=10)
    assert numbers(chunks) == [[1], [2], [2], [2, 3]]
    assert [chunk.segments[0].text_offset for chunk in chunks] == [0, 0, 10, 20]


def test_keeps_a_question_with_its_answer() -> None:
    chunks = split_into_chunks(segments(4, 3, 6, 3, roles="PIPI"), max_characters=10)
    assert numbers(chunks) == [[1], [2, 3], [4]]


def test_takes_an_unknown_speakers_question_mark_for_a_question() -> None:
    talk = segments(5, 3, 6)
    talk[1] = talk[1].model_copy(update={"text": "so?"})
    assert numbers(split_into_chunks(talk, max_characters=10)) == [[1], [2, 3]]


def test_parts_a_question_from_an_answer_that_does_not_fit_with_it() -> None:
    assert numbers(split_into_chunks(segments(4, 3, 9, roles="PIP"), max_characters=10)) == [
        [1, 2],
        [3],
    ]


def test_context_is_the_last_whole_segments_before_the_chunk() -> None:
    chunks = split_into_chunks(segments(4, 4, 2, 9), max_characters=10, context_characters=6)
    assert [[one.number for one in chunk.context] for chunk in chunks] == [[], [2, 3]]


def test_a_previous_segment_over_the_budget_leaves_no_context() -> None:
    chunks = split_into_chunks(segments(1, 9, 9), max_characters=10, context_characters=8)
    assert [chunk.context for chunk in chunks] == [(), ()]


def test_no_segments_make_no_chunks() -> None:
    assert split_into_chunks([]) == ()


@pytest.mark.parametrize("limits", [{"max_characters": 0}, {"context_characters": -1}])
def test_refuses_limits_without_sense(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        split_into_chunks(segments(1), **limits)


@given(
    lengths=st.lists(st.integers(1, 40), max_size=60),
    roles=st.text("IPU", min_size=60, max_size=60),
    limit=st.integers(1, 60),
    budget=st.integers(0, 60),
)
def test_every_character_is_in_exactly_one_chunk(
    lengths: list[int], roles: str, limit: int, budget: int
) -> None:
    talk = segments(*lengths, roles=roles)
    chunks = split_into_chunks(talk, max_characters=limit, context_characters=budget)
    shown = [segment for chunk in chunks for segment in chunk.segments]
    assert [one.number for one in shown] == sorted(one.number for one in shown)
    for turn in talk:
        parts = [one for one in shown if one.number == turn.number]
        assert "".join(one.text for one in parts) == turn.text
        assert [one.text_offset for one in parts] == [
            sum(len(one.text) for one in parts[:at]) for at in range(len(parts))
        ]
        assert len(turn.text) > limit or parts == [turn]
    for chunk in chunks:
        assert sum(len(segment.text) for segment in chunk.segments) <= limit


@given(
    lengths=st.lists(st.integers(1, 40), max_size=60),
    limit=st.integers(1, 60),
    budget=st.integers(0, 60),
)
def test_context_is_what_was_said_right_before_the_chunk(
    lengths: list[int], limit: int, budget: int
) -> None:
    talk = segments(*lengths)
    for chunk in split_into_chunks(talk, max_characters=limit, context_characters=budget):
        first, context = chunk.segments[0], chunk.context
        before = "".join(one.text for one in talk[: first.number - 1])
        before += talk[first.number - 1].text[: first.text_offset]
        said = "".join(one.text for one in context)
        assert before.endswith(said)
        assert len(said) <= (max(budget, MIN_OVERLAP) if first.text_offset else budget)
        assert said or not first.text_offset, "a part has what stands before it"


def test_a_character_of_a_script_without_an_alphabet_counts_as_a_token() -> None:
    talk = [one.model_copy(update={"text": "\u8702" * 3}) for one in segments(3, 3, 3)]
    assert numbers(split_into_chunks(talk, max_characters=24)) == [[1, 2], [3]]
    assert numbers(split_into_chunks(segments(3, 3, 3), max_characters=24)) == [[1, 2, 3]]
