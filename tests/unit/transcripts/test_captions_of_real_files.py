"""Captions as tools, translators and models write them: times, ids, repetition, and who goes on."""

from __future__ import annotations

import pytest

from unit.transcripts.reading_support import read, said

FIRST, SECOND = "Odile: How did it begin?", "Ravi: With a borrowed ladder."
TURNS = [("Odile", "How did it begin?"), ("Ravi", "With a borrowed ladder.")]


@pytest.mark.parametrize(
    "arrow", ["-->", "->", "\u2014>", "\u2013>", "\u2192", "- ->", "-- >", "=>", "\u00e0"]
)
def test_reads_arrows_that_editors_make(arrow: str) -> None:
    content = (
        f"1\n00:00:01,000 {arrow} 00:00:03,000\n{FIRST}\n\n"
        f"2\n00:00:03,000 {arrow} 00:00:05,000\n{SECOND}\n"
    )
    reading = read(content)
    assert said(reading) == TURNS
    assert [one.start_ms for one in reading.segments] == [1_000, 3_000]


@pytest.mark.parametrize(
    ("start", "ms"),
    [
        ("00:00:01,5", 1_500),
        ("00:00:00,1000", 1_000),
        ("00: 00: 01, 250", 1_250),
        ("0:0:1.25", 1_250),
        ("1.250", 1_250),
        ("00:01", 1_000),
        ("00:00:01:05", 1_200),
        ("\u200e00:00:01,000", 1_000),
        ("00:00:01.2345678", 1_234),
        ("100:00:01,000", 360_001_000),
    ],
)
def test_reads_times_that_tools_write(start: str, ms: int) -> None:
    content = f"1\n{start} --> 101:00:00,000\n{FIRST}\n"
    assert read(content).segments[0].start_ms == ms


def test_a_name_goes_on_where_names_mark_changes() -> None:
    cues = [FIRST, SECOND, "It was my aunt's.", "She is ninety.", "Odile: Ninety?"]
    content = "".join(
        f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}\n\n" for n, text in enumerate(cues, 1)
    )
    reading = read(content)
    assert said(reading) == [
        TURNS[0],
        ("Ravi", "With a borrowed ladder. It was my aunt's. She is ninety."),
        ("Odile", "Ninety?"),
    ]
    assert any("names changes of speaker" in notice for notice in reading.notices)


def test_a_name_does_not_go_on_where_every_cue_is_named() -> None:
    cues = [FIRST, "Odile: Tell me.", "Yes.", SECOND, "Ravi: It was my aunt's.", "Ravi: Old."]
    content = "".join(
        f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}\n\n" for n, text in enumerate(cues, 1)
    )
    assert ("Speaker", "Yes.") in said(read(content))


def test_rolling_captions_are_said_once() -> None:
    content = (
        "WEBVTT\n\n00:01.000 --> 00:03.000\nwe lend ladders\n\n"
        "00:03.000 --> 00:05.000\nwe lend ladders\nand spades too\n\n"
        "00:05.000 --> 00:07.000\nand spades too\nto anybody\n"
    )
    assert said(read(content)) == [("Speaker", "we lend ladders and spades too to anybody")]


def test_captions_that_are_painted_on_are_said_once() -> None:
    content = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nwe\n\n00:02.000 --> 00:03.000\nwe lend\n\n"
        "00:03.000 --> 00:04.000\nwe lend ladders\n"
    )
    reading = read(content)
    assert said(reading) == [("Speaker", "we lend ladders")]
    assert reading.segments[0].start_ms == 1_000


def test_what_somebody_says_twice_is_kept() -> None:
    content = (
        "1\n00:00:01,000 --> 00:00:02,000\nNo.\n\n2\n00:00:02,000 --> 00:00:03,000\nNo.\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\nI said so.\n\n4\n00:00:05,000 --> 00:00:06,000\nFine.\n"
    )
    assert said(read(content)) == [("Speaker", "No. No. I said so. Fine.")]


def test_indexes_are_no_speech_and_spoken_numbers_are_no_indexes() -> None:
    glued = f"WEBVTT\n\n1\n00:01.000 --> 00:02.000\n{FIRST}\n2\n00:02.000 --> 00:03.000\n{SECOND}\n"
    assert said(read(glued)) == TURNS
    spoken = (
        "00:01.000 --> 00:02.000\nHow many?\n00:02.000 --> 00:03.000\n90\n"
        "00:03.000 --> 00:04.000\nOh.\n"
    )
    assert said(read(spoken)) == [("Speaker", "How many? 90 Oh.")]


def test_speakers_are_named_by_the_ids_of_cues() -> None:
    content = (
        'WEBVTT\n\n1 "Odile Marsh" (17)\n00:01.000 --> 00:02.000\nHow did it begin?\n\n'
        '2 "Ravi Quist" (18)\n00:02.000 --> 00:03.000\nWith a borrowed ladder.\n'
    )
    assert [speaker for speaker, _ in said(read(content))] == ["Odile Marsh", "Ravi Quist"]


def test_files_put_together_keep_their_order() -> None:
    content = (
        f"WEBVTT\n\n00:01.000 --> 00:02.000\n{FIRST}\n\n30:00.000 --> 30:02.000\n{SECOND}\n\n"
        "WEBVTT\n\n00:01.000 --> 00:02.000\nOdile: Again?\n\n00:03.000 --> 00:04.000\nRavi: Yes.\n"
    )
    reading = read(content)
    assert [text for _, text in said(reading)] == [
        "How did it begin?", "With a borrowed ladder.", "Again?", "Yes.",
    ]  # fmt: skip
    assert any("start again" in notice for notice in reading.notices)


def test_reads_sbv() -> None:
    content = f"0:00:01.000,0:00:03.000\n>> {FIRST}\n\n0:00:03.000,0:00:05.000\n>> {SECOND}\n"
    assert said(read(content)) == TURNS


def test_reads_a_models_code_fence() -> None:
    content = (
        f"```vtt\nWEBVTT\n\n00:01.000 --> 00:02.000\n{FIRST}\n\n"
        f"00:02.000 --> 00:03.000\n{SECOND}\n```\n"
    )
    assert said(read(content)) == TURNS
