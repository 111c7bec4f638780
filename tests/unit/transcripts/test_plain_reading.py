"""Plain text with names, with and without times."""

from __future__ import annotations

import pytest

from contracts.transcript import TranscriptFormat
from unit.transcripts.reading_support import read, said


def test_reads_names_and_gives_lines_without_one_to_the_last_speaker() -> None:
    reading = read("Ann: Hello.\nthere is one thing: I like it\n\nBen Okri: Hi.\n\nAnn: Bye.\n")
    assert reading.format is TranscriptFormat.PLAIN
    assert said(reading) == [
        ("Ann", "Hello. there is one thing: I like it"),
        ("Ben Okri", "Hi."),
        ("Ann", "Bye."),
    ]
    assert reading.segments[0].start_ms is None
    assert reading.segments[0].words == ()


@pytest.mark.parametrize("stamp", ["[01:02]", "(00:01:02)", "00:01:02", "[1:02.000]"])
def test_reads_a_time_before_the_name(stamp: str) -> None:
    reading = read(f"[00:05] Ann: Hello.\n{stamp} Ben: Hi.\n")
    assert said(reading) == [("Ann", "Hello."), ("Ben", "Hi.")]
    assert [one.start_ms for one in reading.segments] == [5_000, 62_000]
    assert reading.segments[0].end_ms == 62_000


def test_reads_otters_lines_of_name_and_time() -> None:
    reading = read("Ann Lee  0:03\nHello there.\n\nBen O'Hara  1:02:07\nHi.\nWe met at 10:30\n")
    assert said(reading) == [("Ann Lee", "Hello there."), ("Ben O'Hara", "Hi. We met at 10:30")]
    assert [one.start_ms for one in reading.segments] == [3_000, 3_727_000]


def test_reads_a_time_after_the_name() -> None:
    reading = read("Speaker 1 (00:02):\nHello.\n\nSpeaker 2 [00:09]: Hi.\n")
    assert said(reading) == [("Speaker 1", "Hello."), ("Speaker 2", "Hi.")]
    assert [one.start_ms for one in reading.segments] == [2_000, 9_000]


def test_a_time_on_its_own_line_tells_when_the_next_line_begins() -> None:
    reading = read("[00:01] Ann: Hello.\n[00:09]\nmore of that\n")
    assert said(reading) == [("Ann", "Hello. more of that")]
    assert [(word.offset, word.start_ms) for word in reading.segments[0].words] == [
        (0, 1_000),
        (7, 9_000),
    ]


def test_does_not_take_headings_and_openers_for_speakers() -> None:
    reading = read("Interviewer: Ann\nNote: this stays\nSo: and this\nP1: Cool.\n")
    assert said(reading) == [("Interviewer", "Ann Note: this stays So: and this"), ("P1", "Cool.")]


def test_what_stands_before_the_first_name_is_nobodys() -> None:
    reading = read("Interview with Ann\nDate: 3 May\n\nAnn: Hello.\n")
    assert said(reading) == [("Speaker", "Interview with Ann Date: 3 May"), ("Ann", "Hello.")]
    assert reading.notices == ("1 passage names no speaker and is attributed to “Speaker”",)


def test_reads_text_without_names_only_when_told_that_it_is_plain() -> None:
    reading = read("Just words\nwithout names", TranscriptFormat.PLAIN)
    assert said(reading) == [("Speaker", "Just words without names")]


def test_reads_names_in_scripts_without_capitals() -> None:
    colon = "\N{FULLWIDTH COLON}"
    assert said(read(f"王芳{colon}你好。\n李雷{colon}再见。\n")) == [
        ("王芳", "你好。"),
        ("李雷", "再见。"),
    ]


def test_times_that_were_said_stay_speech() -> None:
    reading = read("[00:05] Ann: Hello.\n10:30 is when we left\nwe came back (11:15)\n")
    assert said(reading) == [("Ann", "Hello. 10:30 is when we left we came back (11:15)")]
    assert [word.start_ms for word in reading.segments[0].words] == [5_000]


def test_times_that_run_backwards_do_not_end_before_they_begin() -> None:
    reading = read("[00:09] Ann: Hello.\n[00:02] Ben: Hi.\n")
    assert (reading.segments[0].start_ms, reading.segments[0].end_ms) == (9_000, 9_000)


@pytest.mark.parametrize("mark", ["#00:00:{:02}-8#", "[00:{:02}]", "00:00:{:02}.8", "({:02} s)"])
def test_times_alone_on_lines_below_are_read_in_every_form_of_time(mark: str) -> None:
    said = ["Ann: How did you begin?", "Ben: With a ladder.", "Ann: And then?"]
    rows = [row for at, text in enumerate(said, 1) for row in (text, mark.format(3 * at))]
    reading = read("\n".join(rows))
    assert [one.speaker for one in reading.segments] == ["Ann", "Ben", "Ann"]
