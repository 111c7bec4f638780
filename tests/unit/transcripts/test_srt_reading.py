"""SubRip files and their ways of naming speakers."""

from __future__ import annotations

import pytest

from contracts.transcript import TranscriptFormat
from transcripts import MalformedTranscriptError
from unit.transcripts.reading_support import read, said


def srt(*payloads: str) -> str:
    return "\n".join(
        f"{number}\n00:00:{number:02},000 --> 00:00:{number:02},900\n{payload}\n"
        for number, payload in enumerate(payloads, start=1)
    )


def test_reads_names_before_a_colon_and_in_brackets() -> None:
    reading = read(srt("Ann: Hello.", "[Ben] Hi.", "[Ben]: Yes.", "- Ann: No.\n- Ben: Oh."))
    assert reading.format is TranscriptFormat.SRT
    assert said(reading) == [
        ("Ann", "Hello."),
        ("Ben", "Hi. Yes."),
        ("Ann", "No."),
        ("Ben", "Oh."),
    ]
    assert (reading.segments[1].start_ms, reading.segments[1].end_ms) == (2_000, 3_900)


def test_keeps_sounds_in_brackets_as_words() -> None:
    assert said(read(srt("Ann: Hello.", "Ann: Hi.", "[laughs]", "[Music] la la"))) == [
        ("Ann", "Hello. Hi."),
        ("Speaker", "[laughs] [Music] la la"),
    ]


def test_believes_a_role_in_front_even_where_most_cues_name_nobody() -> None:
    reading = read(srt("INT: Why?", "because", "it is", "cheap"))
    assert said(reading) == [("INT", "Why?"), ("Speaker", "because it is cheap")]


def test_takes_away_tags_and_players_overrides() -> None:
    assert said(read(srt(r'{\an8}<font color="#fff">Hi</font> <s>x</s> {sic}'))) == [
        ("Speaker", "Hi x {sic}")
    ]


def test_keeps_blank_lines_and_numbers_within_a_cue() -> None:
    content = srt("one\n\ntwo\n40", "three")
    assert said(read(content)) == [("Speaker", "one two 40 three")]


def test_reads_times_with_a_dot_and_without_an_index() -> None:
    reading = read("0:01.5 --> 0:02\nhello\n\n0:03 --> 0:04\nagain\n")
    assert reading.format is TranscriptFormat.SRT
    assert [word.start_ms for word in reading.segments[0].words] == [1_500, 3_000]
    assert reading.segments[0].text == "hello again"


def test_names_the_line_of_a_time_that_cannot_be_read() -> None:
    with pytest.raises(MalformedTranscriptError, match="line 6"):
        read(srt("one", "two").replace("00:00:02,000", "00:00:2x,000"), TranscriptFormat.SRT)


def test_refuses_a_file_said_to_be_srt_that_is_not() -> None:
    with pytest.raises(MalformedTranscriptError):
        read("Ann: hello", TranscriptFormat.SRT)
