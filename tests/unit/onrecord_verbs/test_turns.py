"""Times of recordings, and the turns around the quotes of notes."""

from __future__ import annotations

import pytest

from contracts.study import Study, Theme
from onrecord.errors import UsageError
from onrecord.pages.notes import NoteLayout, format_notes
from onrecord.turns import SurroundingTurns, parse_recording_time
from read_model.queries import StudyWithInterviewCount
from support.made_up_exports import made_up_note, made_up_quote, made_up_segment

SAID = {number: made_up_segment(number, f"This is turn {number}.") for number in range(1, 21)}
NOTE = made_up_note(
    "two turns",
    made_up_quote(SAID[4], "turn 4"),
    made_up_quote(SAID[12], "turn 12"),
    themes=("any",),
)
STUDY = StudyWithInterviewCount(
    Study(study_id=NOTE.study_id, name="Any", themes=(Theme(id="any", name="Anything"),)), 1
)


def surrounding(turns: int) -> SurroundingTurns:
    return SurroundingTurns(turns, {(NOTE.transcript_id, NOTE.revision): SAID})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:00", 0), ("12:34", 754), (" 1:02:03 ", 3_723), ("75:00", 4_500), ("00:00:07", 7)],
)
def test_a_time_of_a_recording_is_read_as_players_show_it(text: str, seconds: int) -> None:
    assert parse_recording_time(text) == seconds * 1_000


@pytest.mark.parametrize(
    "text", ["", "12", "12:3", "12:60", "1:60:00", "-1:00", "1:2:3:04", "\u0663:\u0660\u0660"]
)
def test_anything_else_is_told_to_be_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time of a recording"):
        parse_recording_time(text)


@pytest.mark.parametrize(
    ("turns", "numbers"),
    [
        (0, [4, 12]),
        (2, [2, 3, 4, 5, 6, 10, 11, 12, 13, 14]),
        (5, list(range(1, 18))),
    ],
)
def test_a_note_has_the_turns_around_each_of_its_quotes_once(
    turns: int, numbers: list[int]
) -> None:
    assert [one.number for one in surrounding(turns).find(NOTE)] == numbers


def test_turns_of_other_interviews_are_not_those_of_a_note() -> None:
    assert SurroundingTurns(2, {(NOTE.transcript_id, NOTE.revision + 1): SAID}).find(NOTE) == []


def test_a_page_marks_the_quoted_turns_among_their_neighbours() -> None:
    layout = NoteLayout(80, turns=surrounding(1))
    lines = [str(one) for one in format_notes([NOTE], {NOTE.study_id: STUDY}, layout)]
    marks = [(line[6], line.partition(": ")[2]) for line in lines if ": This is turn" in line]
    assert marks == [
        (" ", "This is turn 3."),
        ("▸", "This is turn 4."),
        (" ", "This is turn 5."),
        (" ", "This is turn 11."),
        ("▸", "This is turn 12."),
        (" ", "This is turn 13."),
    ]
    gaps = [line for line in lines if line.strip() == "…"]
    assert len(gaps) == 1
