"""Exports of tools that nobody named: their keys, columns and marks are guessed, or in doubt."""

from __future__ import annotations

import json

import pytest

from transcripts import UnknownFormatError
from unit.transcripts.reading_support import read, said

TURNS = [("Ida", "So, the roof?"), ("Otto", "It leaks. Place: kitchen."), ("Ida", "Since when?")]


def _document(key: str) -> str:
    people = [{key: "x9f", "name": "Ida"}, {key: "k2b", "name": "Otto"}]
    ids = {"Ida": "x9f", "Otto": "k2b"}
    turns = [
        {
            key: ids[who],
            "startTimeMillis": 1_000 * at,
            "endTimeMillis": 1_000 * at + 9,
            "text": text,
        }
        for at, (who, text) in enumerate(TURNS, start=1)
    ]
    return json.dumps({"conversation": {"participants": people}, "transcript": turns})


@pytest.mark.parametrize("key", ["participantId", "personId", "user_id", "attendeeId"])
def test_ids_of_people_in_unknown_json_are_replaced_by_their_names(key: str) -> None:
    reading = read(_document(key))
    assert said(reading) == TURNS
    assert [one.start_ms for one in reading.segments] == [1_000, 2_000, 3_000]


def test_unknown_json_with_a_key_that_may_tell_who_speaks_is_in_doubt() -> None:
    (doubt,) = read(_document("lane").replace('"name"', '"nick"')).report.doubts
    assert "'lane'" in doubt
    only_text = [{"start": at, "end": at + 1, "text": text} for at, (_, text) in enumerate(TURNS)]
    assert not read(json.dumps({"lines": only_text})).report.doubts


def test_unknown_json_with_items_of_several_types_is_in_doubt() -> None:
    lines = [{"type": "transcript", "name": who, "content": text} for who, text in TURNS]
    lines.insert(1, {"type": "moment", "name": "Ida", "content": "action_item"})
    (doubt,) = read(json.dumps({"lines": lines})).report.doubts
    assert "moment, transcript" in doubt


def test_senders_are_a_column_of_speakers() -> None:
    rows = "".join(f'Otto,{who},"{text}"\n' for who, text in TURNS)
    assert said(read("Chat Session,Sender Name,Text\n" + rows)) == TURNS


def test_mpl2_counts_tenths_of_seconds() -> None:
    cues = "[10][20]Ida: So, the roof?\n[30][45]Otto: It leaks.|Place: kitchen.\n"
    cues += "[50][60]Ida: Since when?\n"
    reading = read(cues)
    assert said(reading) == TURNS
    assert [one.start_ms for one in reading.segments] == [1_000, 3_000, 5_000]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Scenarist_SCC V1.0\n\n00:00:01:00\t9420 9420 94ad\n\n00:00:03:00\t942c 942c\n", "SCC"),
        (
            "From: Ida\nSent: Mon, 4 Mar\nThe roof?\n\nFrom: Otto\nSent: Mon, 4 Mar\nIt leaks.\n",
            "no speaker",
        ),
    ],
)
def test_codes_and_mails_are_refused(content: str, reason: str) -> None:
    with pytest.raises(UnknownFormatError, match=reason):
        read(content)


def test_numbers_behind_lines_are_no_speech() -> None:
    lines = ["Ida: So, the roof?", "Otto: It leaks. Place: the", "kitchen.", "Ida: Since when?"]
    text = "".join(f"{line:<40}{number}\n" for number, line in enumerate(lines, start=12))
    assert said(read(text))[1] == ("Otto", "It leaks. Place: the kitchen.")
    headed = "#-INTERVIEW 7\n+FARM\n\n" + text
    assert said(read(headed))[2] == ("Otto", "It leaks. Place: the kitchen.")
    years = "Ida: When was it?   1984\nOtto: No.   1986\nIda: Sure?\nOtto: Yes.\n"
    assert said(read(years))[0] == ("Ida", "When was it? 1984")


def test_tiers_with_the_same_times_in_columns_are_in_doubt() -> None:
    rows = [
        ("Ida", 1, "Taket?"),
        ("Otto", 3, "Läcker."),
        ("Gloss", 1, "ROOF"),
        ("Gloss", 3, "LEAK"),
    ]
    text = "".join(f"{who}\t00:00:0{at}.000\t00:00:0{at + 1}.000\t{t}\n" for who, at, t in rows)
    doubt, *_ = read(text).report.doubts
    assert "begin and end at the same times in 2 places" in doubt


def test_tiers_that_stand_one_after_the_other_are_put_in_order() -> None:
    rows = [("Ida", 1, "So, the roof?"), ("Ida", 5, "Since when?"), ("Otto", 3, "It leaks.")]
    text = "".join(f"{who}\t00:00:0{at}.000\t00:00:0{at + 1}.000\t{t}\n" for who, at, t in rows)
    reading = read(text)
    assert [who for who, _ in said(reading)] == ["Ida", "Otto", "Ida"]
    assert "out of order" in " ".join(reading.notices)
