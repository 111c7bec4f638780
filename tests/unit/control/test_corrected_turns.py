"""Turns as people correct them, and the chunks that the model is asked about again."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.corrections import CorrectTranscriptRequest
from contracts.events import ChunkReady
from contracts.ids import derive_id
from contracts.study import Study, Theme
from contracts.transcript import Role, Segment
from control.domain import BadRequestError
from control.interviews.corrected_turns import (
    SpokenTurns,
    correct_turns,
    find_chunks_to_ask,
    list_changed_turns,
)
from prompts.documents import build_chunk_document
from transcripts import split_into_chunks

STUDY = Study(study_id="s", name="S", themes=(Theme(id="t", name="T"),))
SENTENCE = "We paid for the repair and it broke again after a week. "


def turn(number: int, speaker: str, role: Role = Role.UNKNOWN, text: str = "Yes.") -> Segment:
    return Segment(number=number, speaker=speaker, role=role, text=text)


TURNS = (
    turn(1, "Speaker 1", Role.INTERVIEWER),
    turn(2, "Speaker 2", Role.PARTICIPANT),
    turn(3, "Speaker 3"),
    turn(4, "Speaker 1", Role.INTERVIEWER),
)


def spoken(turns: tuple[Segment, ...] = TURNS, *, is_open: bool = True) -> SpokenTurns:
    labels = dict.fromkeys(one.speaker for one in turns)
    pseudonyms = {label: f"person {place}" for place, label in enumerate(labels, start=1)}
    return SpokenTurns(turns, pseudonyms, is_open)


def corrected(is_open: bool = True, **wanted: Any) -> list[tuple[str, str]]:  # noqa: FBT001, FBT002 - a parameter
    found = correct_turns(spoken(is_open=is_open), CorrectTranscriptRequest(**wanted))
    assert [one.number for one in found] == [1, 2, 3, 4]
    return [(one.speaker, one.role.value) for one in found]


def test_a_speaker_gets_another_name_in_all_turns() -> None:
    found = corrected(speakers=[{"label": "Speaker 1", "name": "Amara Okafor"}])
    assert [name for name, _ in found] == ["Amara Okafor", "Speaker 2", "Speaker 3", "Amara Okafor"]
    assert found[0] == ("Amara Okafor", "interviewer")


def test_names_are_swapped_at_once() -> None:
    found = corrected(
        speakers=[
            {"label": "Speaker 1", "name": "Speaker 2"},
            {"label": "Speaker 2", "name": "Speaker 1"},
        ]
    )
    assert found == [
        ("Speaker 2", "interviewer"),
        ("Speaker 1", "participant"),
        ("Speaker 3", "unknown"),
        ("Speaker 2", "interviewer"),
    ]


def test_a_speaker_becomes_one_with_another_and_has_their_role() -> None:
    found = corrected(speakers=[{"label": "Speaker 3", "name": "Speaker 2"}])
    assert found[2] == ("Speaker 2", "participant")


def test_two_roles_under_one_new_name_take_a_persons_word() -> None:
    both = [{"label": "Speaker 1", "name": "Amara"}, {"label": "Speaker 2", "name": "Amara"}]
    with pytest.raises(BadRequestError, match="different roles: give the role"):
        corrected(speakers=both)
    both[0]["role"] = "participant"
    assert set(corrected(speakers=both)) == {("Amara", "participant"), ("Speaker 3", "unknown")}
    both[1]["role"] = "interviewer"
    with pytest.raises(BadRequestError, match="two roles for 'Amara'"):
        corrected(speakers=both)


def test_turns_are_given_to_another_speaker_by_their_numbers() -> None:
    found = corrected(turns=[{"first": 3, "last": 4, "speaker": "Speaker 2"}])
    assert found[2:] == [("Speaker 2", "participant")] * 2
    renamed = [{"label": "Speaker 2", "name": "Bo"}]
    for name in ("Bo", "Speaker 2", "person 2"):
        found = corrected(speakers=renamed, turns=[{"first": 3, "speaker": name}])
        assert found[2] == ("Bo", "participant")


def test_a_speaker_who_was_never_named_is_added_with_a_role() -> None:
    turns = [{"first": 3, "speaker": "Cleo"}]
    with pytest.raises(BadRequestError, match=r"'Cleo' does not speak .*'Speaker 1', 'Speaker 2'"):
        corrected(turns=turns)
    found = corrected(turns=turns, speakers=[{"label": "Cleo", "role": "participant"}])
    assert found[2] == ("Cleo", "participant")


def test_an_unknown_name_is_an_error_that_names_those_who_speak() -> None:
    with pytest.raises(BadRequestError, match=r"'Sepaker 1'.*: 'Speaker 1', 'Speaker 2', 'Speaker"):
        corrected(speakers=[{"label": "Sepaker 1", "name": "Amara"}])
    with pytest.raises(BadRequestError, match="'person 1', 'person 2', 'person 3'") as refused:
        corrected(is_open=False, speakers=[{"label": "Sepaker 1", "name": "Amara"}])
    assert "Speaker 2" not in str(refused.value)
    with pytest.raises(BadRequestError, match="the last turn of this interview is 4"):
        corrected(turns=[{"first": 4, "last": 5, "speaker": "Speaker 1"}])
    twice = [{"first": 2, "last": 3, "speaker": "Speaker 1"}, {"first": 3, "speaker": "Speaker 2"}]
    with pytest.raises(BadRequestError, match="turn 3 is given twice"):
        corrected(turns=twice)


def test_a_pseudonym_names_a_speaker_too() -> None:
    found = corrected(is_open=False, speakers=[{"label": "person 2", "role": "interviewer"}])
    assert found[1] == ("Speaker 2", "interviewer")


def long_talk() -> tuple[Segment, ...]:
    """A talk of several chunks, in the last of which alone somebody else speaks."""
    turns = [turn(number, "Ana", Role.PARTICIPANT, SENTENCE * 30) for number in range(1, 13)]
    turns[-1] = turn(12, "Guest", Role.PARTICIPANT, SENTENCE * 30)
    return tuple(turns)


def documents(turns: tuple[Segment, ...]) -> list[str]:
    return [
        build_chunk_document(
            ChunkReady(
                chunk_id=derive_id("c", chunk.index),
                transcript_id=derive_id("t"),
                revision=1,
                index=chunk.index,
                chunk_count=9,
                title="T",
                study=STUDY,
                context=chunk.context,
                segments=chunk.segments,
            )
        )
        for chunk in split_into_chunks(turns)
    ]


def test_the_chunks_to_ask_are_those_whose_prompt_is_another_one() -> None:
    turns = long_talk()
    known = documents(turns)
    assert len(known) > 2
    stored = [
        (chunk.segments[0].number, chunk.segments[-1].number) for chunk in split_into_chunks(turns)
    ]
    for wanted in (
        {"speakers": [{"label": "Guest", "name": "Gus"}]},
        {"speakers": [{"label": "Ana", "role": "interviewer"}]},
        {"turns": [{"first": 4, "speaker": "Guest"}]},
        {"title": "Another one"},
    ):
        after = correct_turns(spoken(turns), CorrectTranscriptRequest.model_validate(wanted))
        expected = [
            index for index, text in enumerate(documents(after), start=1) if text not in known
        ]
        found = find_chunks_to_ask(turns, after, stored)
        assert list(found.asked_again) == expected, wanted
        assert (found.chunks, found.is_estimate) == (len(documents(after)), False)
    assert list_changed_turns(turns, turns) == []


def test_of_an_interview_that_was_cut_otherwise_the_turns_decide() -> None:
    turns = long_talk()
    after = correct_turns(
        spoken(turns), CorrectTranscriptRequest(turns=({"first": 4, "speaker": "Guest"},))
    )
    found = find_chunks_to_ask(turns, after, [(1, 3), (4, 5), (6, 12)])
    assert (found.asked_again, found.ranges, found.is_estimate) == ((2,), ((4, 5),), True)
