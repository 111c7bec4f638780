"""How the documents of benchmarks are split into turns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.grounding.dialogues import UNNAMED, Turn, split_turns
from grounding.text.words import split_words

QMSUM = Path(__file__).parents[3] / ".." / "shared" / "data" / "qmsum"
NAMES = [
    "Ann",
    "ann",
    "PhD D",
    "Speaker 12",
    "S3",
    "Hon. Patty Hajdu (Minister of Health)",
    "The Right Honourable Member for Dartmouth and Cole Harbour, Chair of the Committee",
    "Interviewer [remote]",
    "ATL_se0_ag1_f_01",
    "O'Neill-Ray Jr.",
    "Участница 2",
    "主持人",
    "مشارك",
    "x" * 150,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("end", [".", " ?", "!", "", " {vocalsound}", "…"])
def test_a_line_that_begins_with_a_name_is_a_turn_whatever_the_name(name: str, end: str) -> None:
    document = f"Tom: It rained all day{end}\n{name}: We stayed{end}\n\n{name}: Then we left"
    assert [turn.speaker for turn in split_turns(document)] == ["Tom", name, name]
    assert split_turns(document)[1].text == f"We stayed{end}"


@pytest.mark.parametrize("name", [name for name in NAMES if len(name.split()) < 9])
def test_one_line_with_a_name_is_one_turn_of_that_speaker(name: str) -> None:
    assert split_turns(f"{name}: we stayed at home.") == [Turn(name, "we stayed at home.")]


def test_a_colon_of_east_asian_scripts_ends_a_name() -> None:
    assert split_turns("主持人\uff1a你好\n李明\uff1a你好") == [
        Turn("主持人", "你好"),
        Turn("李明", "你好"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        "We stayed at home.",
        "What we need before the winter comes is this: a new roof.",
        "The roof leaked. It cost us two things: time and money.",
        "Subject: Offer\n\nDear Ann,\nhere is our offer: 40 dollars.\nRegards",
        "From: Ann\nTo: Bob\nSubject: Offer\nHere it is.",
        "We met at 10:30.\nThe address is http://example.org",
        "A list of what he took along: a tent\nand a stove\nand nothing else",
    ],
)
def test_a_text_that_names_no_speakers_is_one_turn(document: str) -> None:
    assert split_turns(document) == [Turn(UNNAMED, document)]


def test_a_line_without_a_name_goes_on_with_the_turn_before() -> None:
    document = "Ann: We stayed.\nIt rained.\nBob: Where?\nAnn: There."
    assert split_turns(document) == [
        Turn("Ann", "We stayed.\nIt rained."),
        Turn("Bob", "Where?"),
        Turn("Ann", "There."),
    ]


def test_turns_without_words_are_left_out() -> None:
    assert split_turns("Ann: …\nBob: Where?\nAnn:\nBob: Here.") == [
        Turn("Bob", "Where?"),
        Turn("Bob", "Here."),
    ]


def test_a_chat_in_one_line_is_split_between_turns_only() -> None:
    document = "Ann: Buy it. . Mike: Ok? . Tom-2 (home): Again. Round three: no! . Ann: I will... "
    assert split_turns(document) == [
        Turn("Ann", "Buy it."),
        Turn("Mike", "Ok?"),
        Turn("Tom-2 (home)", "Again. Round three: no!"),
        Turn("Ann", "I will..."),
    ]


def test_words_before_the_first_name_of_a_chat_are_kept() -> None:
    turns = split_turns("It rang. Ann: Yes? Bob: It's me. Ann: Who? Bob: Me.")
    assert turns[0] == Turn(UNNAMED, "It rang. ")
    assert [turn.speaker for turn in turns[1:]] == ["Ann", "Bob", "Ann", "Bob"]


@pytest.mark.skipif(not QMSUM.is_dir(), reason="the meetings of QMSum are not here")
def test_every_turn_of_the_given_meetings_is_found() -> None:
    for file in sorted(QMSUM.glob("*.json")):
        meeting = json.loads(file.read_text())["meeting_transcripts"]
        document = "\n".join(f"{turn['speaker']}: {turn['content']}" for turn in meeting)
        expected = [turn["speaker"] for turn in meeting if split_words(turn["content"])]
        assert [turn.speaker for turn in split_turns(document)] == expected
