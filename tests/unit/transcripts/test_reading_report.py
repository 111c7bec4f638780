"""When a reading is in doubt, and what the report says of it."""

from __future__ import annotations

import pytest

from contracts.transcript import Role, TranscriptFormat
from transcripts import DoubtfulTranscriptError
from unit.transcripts.reading_support import read

LONG = "and then we carried the ladder home again " * 30


def srt(*payloads: str) -> str:
    return "".join(
        f"{n}\n00:{n:02}:00,000 --> 00:{n:02}:30,000\n{payload}\n\n"
        for n, payload in enumerate(payloads, start=1)
    )


def test_reports_who_said_how_much() -> None:
    report = read("Interviewer: How did it begin?\nRavi: With a borrowed ladder, I think.\n").report
    assert report.format is TranscriptFormat.PLAIN
    assert [(one.label, one.role, one.words) for one in report.speakers] == [
        ("Interviewer", Role.INTERVIEWER, 4),
        ("Ravi", Role.PARTICIPANT, 6),
    ]
    assert report.speakers[1].share == pytest.approx(0.6)
    assert (report.unnamed_share, report.timed_share, report.doubts) == (0.0, 0.0, ())


def test_words_without_a_speaker_in_a_file_that_names_speakers_are_in_doubt() -> None:
    named = ["Odile: So.", "Odile: Yes.", "Ravi: No.", "Ravi: Well."]
    reading = read(srt(*named, LONG))
    assert reading.report.unnamed_share > 0.9
    with pytest.raises(DoubtfulTranscriptError, match="have no speaker"):
        reading.refuse_doubts()


def test_a_title_without_a_speaker_is_in_no_doubt() -> None:
    reading = read(f"A talk about ladders\n\nOdile: {LONG}\n\nRavi: {LONG}\n")
    assert reading.report.doubts == ()
    reading.refuse_doubts()


def test_a_file_that_names_nobody_is_in_no_doubt() -> None:
    assert read(srt(LONG, LONG)).report.doubts == ()


def test_a_label_seen_once_within_a_long_turn_is_in_doubt() -> None:
    talk = f"Odile: How?\nRavi: {LONG}\nTrappe: Where {LONG}\nOdile: And?\nRavi: Fine.\n"
    (doubt,) = read(talk).report.doubts
    assert "“Trappe” is named once only" in doubt


def test_roles_are_not_guessed_in_a_reading_in_doubt() -> None:
    named = ["Interviewer: So.", "Interviewer: Yes.", "Ravi: No.", "Ravi: Well."]
    reading = read(srt(*named, LONG))
    assert reading.report.doubts
    assert {one.role for one in reading.segments} == {Role.UNKNOWN}
