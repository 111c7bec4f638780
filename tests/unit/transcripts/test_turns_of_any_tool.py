"""Turns of no known tool, in JSON by columns or pairs and in XML; and XML that holds none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from transcripts.errors import UnknownFormatError
from unit.transcripts.reading_support import read, said

TALK = [
    ("Maria Lopes", "Where do you keep them?"),
    ("Jonas Berg", "On the roof."),
    ("Maria Lopes", "Really?"),
]
NAMES, TEXTS = [who for who, _ in TALK], [text for _, text in TALK]


def spoken(content: str) -> list[tuple[str, str]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return said(reading)


def numbered(values: list[Any]) -> dict[str, Any]:
    return {str(at): one for at, one in enumerate(values)}


@pytest.mark.parametrize(
    "document",
    [
        {"speaker": NAMES, "start": [1.0, 2.0, 3.0], "text": TEXTS},
        {"speaker": numbered(NAMES), "start": numbered([1.0, 2.0, 3.0]), "text": numbered(TEXTS)},
        {"file": "a.wav", "data": {"who": NAMES, "said": TEXTS}},
        [[who, text] for who, text in TALK],
        {"turns": [
            {"speaker": {"id": 1, "label": who},
             "utterances": [{"text": text, "timing": {"begin": at, "end": at + 0.9}}]}
            for at, (who, text) in enumerate(TALK)
        ]},
    ],
)  # fmt: skip
def test_turns_in_json_by_columns_pairs_and_parts(document: Any) -> None:
    assert spoken(json.dumps(document)) == TALK


@pytest.mark.parametrize(
    "times",
    [
        lambda at: {"start_timestamp": {"relative": at, "absolute": "2026-03-04T14:00:00Z"}},
        lambda at: {"startTime": {"seconds": str(int(at)), "nanos": round(at % 1 * 1e9)}},
        lambda at: {"startTime": at, "endTime": at + 0.1},
    ],
)
def test_a_turn_without_a_time_has_its_first_words(times: Callable[[float], Any]) -> None:
    turns = [
        {
            "participant": {"id": 7, "name": who},
            "words": [
                {"text": word} | times(4.5 * at + 0.5 * place)
                for place, word in enumerate(text.split())
            ],
        }
        for at, (who, text) in enumerate(TALK)
    ]
    reading = read(json.dumps({"meeting": {"title": "Roofs"}, "transcript": turns}))
    assert said(reading) == TALK
    assert [turn.start_ms for turn in reading.segments] == [0, 4_500, 9_000]


def test_a_json_of_one_text_says_where_it_stands() -> None:
    text = "".join(f"{who}: {said}\n" for who, said in TALK)
    with pytest.raises(UnknownFormatError, match="one text under 'transcript'"):
        read(json.dumps({"id": 3, "transcript": text}))


@pytest.mark.parametrize(
    "turn",
    [
        '<turn who="{who}" start="{at}">{text}</turn>',
        "<u><speaker>{who}</speaker><start>{at}</start><text>{text}</text></u>",
        '<s xmlns="urn:x" speaker="{who}" begin="{at}"><text>{text}</text></s>',
    ],
)
def test_xml_of_any_tool_holds_turns(turn: str) -> None:
    turns = "".join(turn.format(who=who, at=at, text=text) for at, (who, text) in enumerate(TALK))
    content = f"<?xml version='1.0'?>\n<interview><meta/><turns>{turns}</turns></interview>"
    assert spoken(content) == TALK
    assert [one.start_ms for one in read(content).segments] == [0, 1_000, 2_000]
    assert any("was read as a list of turns" in one for one in read(content).notices)


@pytest.mark.parametrize(
    "content",
    [
        (
            '<resources><string name="app">Depot</string><string name="ok">Fine then</string>'
            '<string name="no">No way</string></resources>'
        ),
        (
            "<rss><channel><item><author>Ann</author><description>one two</description></item>"
            "<item><author>Ann</author><description>x y</description></item><item>"
            "<author>Bo</author><description>x z</description></item></channel></rss>"
        ),
        (
            '<svg xmlns="http://www.w3.org/2000/svg"><text x="1">Hi you</text>'
            '<text x="3">Hm</text></svg>'
        ),
        "<project><dependency><name>a</name><version>1</version></dependency></project>",
        (
            '<testsuite><testcase name="a"><failure message="no">t t</failure></testcase>'
            '<testcase name="b"/></testsuite>'
        ),
    ],
)
def test_other_xml_is_refused(content: str) -> None:
    with pytest.raises(UnknownFormatError):
        read(content)


def test_tables_without_a_head_hold_names_that_are_words_of_the_dictionary() -> None:
    talk = [*TALK, ("Jonas Berg", "Yes, in a box."), ("Maria Lopes", "Good, thanks.")]
    assert spoken("".join(f'"{who}","{text}"\n' for who, text in talk)) == talk


def test_a_protocol_of_a_day_is_in_doubt() -> None:
    content = "10:00 Start of shift: gate opened\n10:15 Maria: check logs\n10:30 Jonas: refuel\n"
    assert "stands once" in " ".join(read(content).report.doubts)


def test_details_of_markdown_are_no_speech() -> None:
    turns = "".join(f"**{who}** (00:0{at})\n{text}\n\n" for at, (who, text) in enumerate(TALK))
    content = f"<details>\n<summary>Transcript</summary>\n\n{turns}</details>\n"
    assert [one for one in spoken(content) if one[0] != "Speaker"] == TALK


def test_the_note_of_panopto_is_no_speech() -> None:
    note = "[Auto-generated transcript. Edits may have been applied for clarity.]"
    content = f"1\n00:00:01,000 --> 00:00:02,000\n{note}\nGood morning.\n"
    assert said(read(content)) == [("Speaker", "Good morning.")]


def test_times_stand_in_an_object_of_any_name() -> None:
    turns = [
        {"who": {"name": "Nora"}, "said": "Where?", "when": {"from": 1.0, "to": 2.0}},
        {"who": {"name": "Piet"}, "said": "Behind the barn.", "when": {"from": 4.5, "to": 5.0}},
    ]
    reading = read(json.dumps({"talk": {"turns": turns}}))
    assert [(one.speaker, one.start_ms) for one in reading.segments] == [
        ("Nora", 1_000),
        ("Piet", 4_500),
    ]
    assert reading.report.doubts == ()


def test_numbers_that_rise_under_a_key_that_is_not_known_may_be_times() -> None:
    turns = [
        {"speaker": name, "text": "So it is.", "id": at, "elapsed": at * at}
        for at, name in enumerate(["Nora", "Piet", "Nora"], start=1)
    ]
    doubts = read(json.dumps(turns)).report.doubts
    assert doubts == ("'elapsed' rises from turn to turn and may tell times, which were not read",)
