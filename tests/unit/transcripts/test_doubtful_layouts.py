"""Layouts in which a label lacks its mark, or a speaker is written unlike the others."""

from __future__ import annotations

import pytest

from transcripts import TranscriptError
from unit.transcripts.reading_support import read, said


def turns(content: str) -> list[tuple[str, str]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return said(reading)


@pytest.mark.parametrize(
    "line", ["Bo; Years, I think.", "Bo, Years, I think.", "Bo Years, I think."]
)
def test_a_label_without_its_mark_is_in_doubt(line: str) -> None:
    content = f"Ada: Where?\nBo: At sea.\nAda: Long?\n{line}\nAda: And then?\nBo: Home.\n"
    assert read(content).report.doubts == (
        (
            "line 4 begins with “Bo” as speakers' turns do, and has no mark behind it: it may be "
            "that speaker's"
        ),
    )


@pytest.mark.parametrize(
    "line",
    ["Bo laughed at that.", "Ada Lind is my name.", "Boats, mostly."],
    ids=["speech", "the same speaker", "another word"],
)
def test_names_in_speech_are_in_no_doubt(line: str) -> None:
    content = f"Ada: Where?\nBo: At sea.\nAda: Long?\n{line}\nBo: Yes.\nAda: And?\nBo: Home.\n"
    assert turns(content)[2] == ("Ada", f"Long? {line}")


def test_a_name_at_the_beginning_of_a_wrapped_line_is_in_no_doubt() -> None:
    content = "Ada: Where?\nBo: At sea.\nAda: I went with\nBo, Years ago.\nAda: Oh.\nBo: Yes.\n"
    assert turns(content)[2] == ("Ada", "I went with Bo, Years ago. Oh.")


def test_an_unknown_voice_marked_by_question_marks() -> None:
    content = "M: Where?\nF1: At sea.\nM: Which?\nF1: Riga.\n??: Land!\nM: Well.\n"
    assert turns(content)[4] == ("??", "Land!")


def test_who_announces_in_capitals_among_capitals() -> None:
    content = (
        "ANNOUNCER: This is Radio Hull.\n(MUSIC)\nHOST: Morning.\nDR. PEEL: Morning.\nHOST: Safe?\n"
        "DR. PEEL: Mostly.\n"
    )
    assert turns(content)[0] == ("ANNOUNCER", "This is Radio Hull. (MUSIC)")


def test_questions_of_a_press_conference_behind_a_bare_q() -> None:
    content = (
        "Q    Mr. President, when?\n\nTHE PRESIDENT:  Soon.\n\nQ    And the budget?\n\n"
        "THE PRESIDENT:  Later.\n\nMS. PSAKI:  Thank you, all.\n"
    )
    assert [speaker for speaker, _ in turns(content)] == [
        "Q", "THE PRESIDENT", "Q", "THE PRESIDENT", "MS. PSAKI"
    ]  # fmt: skip


def test_who_speaks_for_a_group_of_the_european_parliament() -> None:
    content = (
        "President. - The debate is open.\nAna Ruiz (PPE). - Thank you. Two points: water, bread.\n"
        "Tom Berg, on behalf of the S&D Group. - Madam President, no.\nPresident. - Thanks.\n"
    ).replace(" - ", " \u2013 ")
    assert turns(content)[2] == ("Tom Berg, on behalf of the S&D Group", "Madam President, no.")


def test_two_speakers_of_a_cue_parted_by_a_slash() -> None:
    content = (
        "1\n00:00:01,000 --> 00:00:02,000\nAda: Where? / Bo: Here.\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\nAda: Since when? / Bo: May.\n"
    )
    assert said(read(content)) == [
        ("Ada", "Where?"), ("Bo", "Here."), ("Ada", "Since when?"), ("Bo", "May.")
    ]  # fmt: skip


def test_settings_in_sections_are_no_transcript() -> None:
    with pytest.raises(TranscriptError, match="settings file"):
        read("[server]\nhost = x\nport = 1\n[client]\nhost = y\nport = 2\n")
