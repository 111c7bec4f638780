"""Exports of kinds of tools that nobody listed: right, or in doubt, and never silently wrong.

One short talk of two people is written in the layout of each.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from transcripts import TranscriptError
from unit.transcripts.reading_support import read

SAID = [
    "How long have you kept bees?",
    "About nine years now, since we moved out here.",
    "And what got you started?",
    "My neighbour had two hives and was getting too old to lift the boxes.",
    "Did you lose any last winter?",
    "One of four, which is about usual around here.",
]
STARTS = [3_000, 7_000, 15_000, 19_000, 30_000, 34_000]
NAMES = ["Mara Quill", "Desh Oyelaran"] * 3
Turn = Callable[[int], str]


def clock(at: int, *, later: int = 0) -> str:
    seconds = STARTS[at] // 1_000 + later
    return f"{seconds // 60:02}:{seconds % 60:02}"


def long(at: int, *, later: int = 0) -> str:
    return f"00:{clock(at, later=later)}"


def span(at: int) -> str:
    return f"{long(at)}.000 --> {long(at, later=2)}.000"


def talk(turn: Turn, between: str = "\n") -> str:
    return between.join(map(turn, range(len(SAID))))


def assert_told(content: str, first: str, second: str, *, timed: bool) -> None:
    reading = read(content)
    assert [one.speaker for one in reading.segments] == [first, second] * 3
    assert [one.text for one in reading.segments] == SAID
    if timed:
        assert [one.start_ms for one in reading.segments] == STARTS
    assert reading.report.doubts == ()


@pytest.mark.parametrize(
    ("turn", "between", "labels"),
    [
        (lambda at: f"{'QA'[at % 2]} {SAID[at]}", "\n", "QA"),
        (lambda at: f"{'QA'[at % 2]}   {SAID[at]}", "\n\n", "QA"),
        (lambda at: f"{'QA'[at % 2]}{at // 2 + 1}. {SAID[at]}", "\n", "QA"),
        (lambda at: f"{'PR'[at % 2]}.- {SAID[at]}", "\n\n", "PR"),
        (lambda at: f"{['MQ', 'DO'][at % 2]}. {SAID[at]}", "\n", ("MQ", "DO")),
        (lambda at: f"{['QUILL', 'DESH'][at % 2]}. {SAID[at]}", "\n\n", ("QUILL", "DESH")),
        (lambda at: f"({at + 1}) {'IR'[at % 2]}: {SAID[at]}", "\n", "IR"),
        (lambda at: f"{at + 1:02} {['INT', 'RES'][at % 2]}: {SAID[at]}", "\n", ("INT", "RES")),
        (lambda at: f"{NAMES[at]} | {SAID[at]}", "\n", NAMES[:2]),
        (lambda at: f"{NAMES[at]} - {SAID[at]}", "\n", NAMES[:2]),
        (lambda at: f"- {NAMES[at]} :: {SAID[at]}", "\n", NAMES[:2]),
        (lambda at: f"{NAMES[at]}:\n{SAID[at]}", "\n\n", NAMES[:2]),
        (lambda at: f"<p><b>{NAMES[at]}:</b> {SAID[at]}</p>", "", NAMES[:2]),
        (lambda at: f"[12/03/2026, 14:0{at}:05] {NAMES[at]}: {SAID[at]}", "\n", NAMES[:2]),
        (lambda at: f"{NAMES[at]}, [12.03.2026 14:0{at}]\n{SAID[at]}", "\n\n", NAMES[:2]),
    ],
)
def test_names_in_layouts_without_times(turn: Turn, between: str, labels: Any) -> None:
    assert_told(talk(turn, between), *labels, timed=False)


@pytest.mark.parametrize(
    ("turn", "between"),
    [
        (lambda at: f'"{NAMES[at]}" ({[101, 202][at % 2]})  {clock(at)}\n{SAID[at]}', "\n\n"),
        (lambda at: f'{at + 1} "{NAMES[at]}" ({[101, 202][at % 2]})\n{span(at)}\n{SAID[at]}',
         "\n\n"),
        (lambda at: f"**{NAMES[at]}** `{clock(at)}`\n{SAID[at]}", "\n\n"),
        (lambda at: f"- **{NAMES[at]}** ({clock(at)}): {SAID[at]}", "\n"),
        (lambda at: f"> **{NAMES[at]}** {long(at)}\n> {SAID[at]}", "\n\n"),
        (lambda at: f"{NAMES[at]} | {long(at)}\n{SAID[at]}", "\n\n"),
        (lambda at: f"{clock(at)} | {NAMES[at]} | {SAID[at]}", "\n"),
        (lambda at: f"{clock(at)}: {NAMES[at]} — {SAID[at]}", "\n"),
        (lambda at: f"{NAMES[at]}\t{clock(at)}\t{SAID[at]}", "\n"),
        (lambda at: f"[{NAMES[at]}] {long(at)}\n{SAID[at]}", "\n\n"),
        (lambda at: f"¤<{STARTS[at]}>{NAMES[at]}: {SAID[at]}", "\n"),
        (lambda at: f'{clock(at)},{NAMES[at]},"{SAID[at]}"', "\n"),
        (lambda at: f"{at + 1}\t{clock(at)}.0 - {clock(at, later=2)}.0\t{SAID[at]}\t{NAMES[at]}",
         "\n"),
        (lambda at: f"<tr><td>{clock(at)}</td><td>{NAMES[at]}</td><td>{SAID[at]}</td></tr>", ""),
        (lambda at: f"<div class='turn'><span>{NAMES[at]}</span> <span>{clock(at)}</span>"
                    f"<div>{SAID[at]}</div></div>", ""),
        (lambda at: f"{at + 1}\n{span(at)}\n[{NAMES[at]}]\n{SAID[at]}", "\n\n"),
        (lambda at: f"{at + 1}\n{span(at)}\n{NAMES[at]}  {SAID[at]}", "\n\n"),
        (lambda at: f"[{long(at)}:00]\n{NAMES[at]}\n{SAID[at]}", "\n\n"),
        (lambda at: f"[{clock(at)}](https://x.example/r?t={at}) **{NAMES[at]}**: {SAID[at]}",
         "\n\n"),
    ],
)  # fmt: skip
def test_names_and_times_in_layouts(turn: Turn, between: str) -> None:
    assert_told(talk(turn, between), *NAMES[:2], timed=True)


@pytest.mark.parametrize(
    ("turn", "between"),
    [
        (lambda at: f"{NAMES[at]}: {SAID[at]} ({clock(at, later=3)})", "\n\n"),
        (lambda at: f"{NAMES[at]}: {SAID[at]} [{long(at, later=3)}]", "\n"),
        (lambda at: f"{NAMES[at]}: {SAID[at]}\t{clock(at, later=3)}", "\n"),
        (lambda at: f"{NAMES[at]}\n{SAID[at]}\n{clock(at, later=3)}", "\n\n"),
    ],
)
def test_times_behind_what_was_said_are_no_words_and_no_starts(turn: Turn, between: str) -> None:
    reading = read(talk(turn, between))
    assert [one.text for one in reading.segments] == SAID
    assert [one.start_ms for one in reading.segments] == [None] * 6
    assert "6 times stand behind what was said and were taken for its end" in reading.notices


def test_times_behind_what_was_said_that_begin_at_0_are_starts() -> None:
    reading = read("Ann: How was it? (0:00)\n\nTom: Cold. (0:04)\n\nAnn: And then? (0:09)")
    assert [one.start_ms for one in reading.segments] == [0, 4_000, 9_000]


def test_numbers_at_every_fifth_line_are_no_words() -> None:
    lines = [
        line
        for at, said in enumerate(SAID)
        for words, half in [(said.split(), len(said.split()) // 2)]
        for line in [
            f"{['INT', 'RES'][at % 2]}: {' '.join(words[:half])}",
            f"     {' '.join(words[half:])}",
        ]
    ]
    numbered = [
        f"{number:>3} {line}" if number % 5 == 0 else f"    {line}"
        for number, line in enumerate(lines, start=1)
    ]
    assert_told("\n".join(numbered), "INT", "RES", timed=False)


@pytest.mark.parametrize(
    ("head", "foot"),
    [
        ("Beekeeping study \u2013 Interview 4\n", "Page {}\n"),
        ("", "- {} -\n\fCONFIDENTIAL bee project"),
        ("", "{}\nTranscript_P07.docx"),
    ],
)
def test_heads_and_feet_of_pages_are_no_words(head: str, foot: str) -> None:
    pages = [
        f"{head}\n{NAMES[0]}: {SAID[at]}\n\n{NAMES[1]}: {SAID[at + 1]}\n\n"
        f"{foot.format(at // 2 + 1)}\n"
        for at in (0, 2, 4)
    ]
    reading = read("".join(pages))
    assert [one.text for one in reading.segments] == SAID
    assert any("of pages" in one for one in reading.notices)


def test_a_court_reporters_page_is_read_without_its_numbers() -> None:
    lines = ["     Q.   How long?", "     A.   Nine years, since", "we moved out here.",
             "     Q.   And then?", "          MR. HALE:  Objection.",
             "          THE COURT:  Overruled.", "     A.   Then we stayed."]  # fmt: skip
    page = "\n".join(f"{number:>2}  {line}" for number, line in enumerate(lines, start=1))
    reading = read(f"{' ' * 50}14\n\n{page}")
    assert [(one.speaker, one.text) for one in reading.segments] == [
        ("Q", "How long?"), ("A", "Nine years, since we moved out here."), ("Q", "And then?"),
        ("MR. HALE", "Objection."), ("THE COURT", "Overruled."), ("A", "Then we stayed."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [
        {"speakers": {"0": NAMES[0], "1": NAMES[1]},
         "segments": [{"speaker": at % 2, "start": STARTS[at] / 1_000, "text": SAID[at]}
                      for at in range(6)]},
        {"turns": {str(at): {"speaker": NAMES[at], "start": STARTS[at] / 1_000, "text": SAID[at]}
                   for at in range(6)}},
        {"paragraphs": [{"speaker": {"name": NAMES[at]}, "startTime": STARTS[at] / 1_000,
                         "sentences": [{"text": SAID[at]}]} for at in range(6)]},
        {"speakers": [{"speaker_id": "a1", "speaker_name": NAMES[0]},
                      {"speaker_id": "b2", "speaker_name": NAMES[1]}],
         "turns": [{"speaker_id": ["a1", "b2"][at % 2], "text": SAID[at],
                    "start": STARTS[at] / 1_000} for at in range(6)]},
        [{"speakerName": NAMES[at], "spokenText": SAID[at],
          "time": {"begin": STARTS[at] / 1_000, "end": STARTS[at] / 1_000 + 2}} for at in range(6)],
        {"timeline": [{"ts": f"{long(at)}.000", "users": [{"username": NAMES[at]}],
                       "text": SAID[at]} for at in range(6)]},
        {"paragraphs": [{"speaker": NAMES[at], "words": [
            {"text": word, "start": STARTS[at] / 1_000 + n / 10, "end": STARTS[at] / 1_000 + n / 10}
            for n, word in enumerate(SAID[at].split())]} for at in range(6)]},
    ],
)  # fmt: skip
def test_names_that_json_holds_elsewhere_or_otherwise(document: Any) -> None:
    assert_told(json.dumps(document), *NAMES[:2], timed=True)


def test_deepgrams_paragraphs_name_speakers_where_its_words_do_not() -> None:
    paragraphs = [
        {
            "speaker": at % 2,
            "start": STARTS[at] / 1_000,
            "end": 60,
            "sentences": [{"text": SAID[at]}],
        }
        for at in range(6)
    ]
    best = {"transcript": " ".join(SAID), "paragraphs": {"paragraphs": paragraphs}}
    document = {"results": {"channels": [{"alternatives": [best]}]}}
    assert_told(json.dumps(document), "Speaker 0", "Speaker 1", timed=True)


@pytest.mark.parametrize(
    ("content", "doubt"),
    [
        (talk(lambda at: f"{NAMES[at]}: {SAID[at][:9]} [0:0{9 - at}:30] {SAID[at][9:]}"), "a time"),
        (talk(lambda at: f"T{at}{at}X: {SAID[at]}"), "one turn only"),
        (talk(lambda at: SAID[at] if at % 2 else f"Mara: {SAID[at]}", "\n\n"), "only Mara"),
        ("WEBVTT\n\n" + talk(lambda at: f"{span(at)}\n<c.{['mara', 'desh'][at % 2]}>{SAID[at]}</c>",
                             "\n\n"), "classes"),
        (talk(lambda at: f"{at + 1}\n{span(at)}\n- {SAID[at]}", "\n\n"), "speakers change"),
    ],
)  # fmt: skip
def test_what_may_be_misunderstood_is_in_doubt(content: str, doubt: str) -> None:
    assert any(doubt in one for one in read(content).report.doubts)


@pytest.mark.parametrize(
    "content",
    [
        talk(lambda at: f"— {SAID[at]}"),
        talk(lambda at: f"\\speak{{{NAMES[at]}}} {SAID[at]}"),
        json.dumps(talk(lambda at: f"{NAMES[at]}: {SAID[at]}")),
        json.dumps({"words": [{"w": word} for word in SAID[1].split()]}),
    ],
)
def test_what_names_nobody_in_a_known_way_is_refused(content: str) -> None:
    with pytest.raises(TranscriptError):
        read(content)
