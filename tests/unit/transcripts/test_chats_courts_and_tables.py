"""Chats in JSON, minutes of courts, tables of other languages, dialogues that somebody quotes.

Made up as the tools write them; what should come out was written down before they were read.
"""

# ruff: noqa: RUF001 - samples of many scripts

from __future__ import annotations

import json

import pytest

from transcripts.files.decoding import decode_file
from unit.transcripts.reading_support import read, said

ASKED, ANSWERED, AGAIN = "Where do you keep them?", "On the roof, it is dry.", "Really?"
TALK = [("Ann Lee", ASKED), ("Marek Nowak", ANSWERED), ("Ann Lee", AGAIN)]


def spoken(content: str) -> list[tuple[str, str]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return said(reading)


def doubts(content: str) -> str:
    return " ".join(read(content).report.doubts)


# Chats


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("timestamp_ms", [1_614_765_600_000, 1_614_765_660_000, 1_614_765_720_000]),
        ("date", ["2024-03-04T10:00:00", "2024-03-04T10:01:00", "2024-03-04T10:02:00"]),
        ("ts", ["1709546400.000100", "1709546401.000100", "1709546402.000100"]),
    ],
)
def test_messages_that_stand_newest_first_are_put_in_order(key: str, sent: list[object]) -> None:
    messages = [
        {"sender_name": who, key: at, "content": text}
        for (who, text), at in zip(TALK, sent, strict=True)
    ]
    content = json.dumps({"title": "Marek", "messages": messages[::-1]})
    assert spoken(content) == TALK
    assert any("newest first" in one for one in read(content).notices)
    assert spoken(json.dumps({"messages": messages})) == TALK


def test_turns_of_a_recording_that_overlap_stay_in_their_order() -> None:
    turns = [{"speaker": who, "text": text, "start": 9.0 - at / 10} for at, (who, text) in
             enumerate(TALK[:2])]  # fmt: skip
    assert spoken(json.dumps(turns)) == TALK[:2]


def test_letters_that_messenger_encodes_twice_are_decoded() -> None:
    messages = [
        {"sender_name": "J\u00c3\u00bcrgen", "timestamp_ms": 2, "content": "In Z\u00c3\u00bcrich."},
        {"sender_name": "Ann", "timestamp_ms": 3, "content": "Why?"},
    ]
    reading = read(json.dumps({"messages": messages}))
    assert said(reading) == [("J\u00fcrgen", "In Z\u00fcrich."), ("Ann", "Why?")]
    assert any("encoded twice" in one for one in reading.notices)


@pytest.mark.parametrize(
    "person",
    [
        {"id": "1", "name": "{short}99", "nickname": "{who}"},
        {"name": "{short}", "real_name": "{who}", "display_name": "{short}"},
    ],
)
def test_people_are_called_by_their_real_names(person: dict[str, str]) -> None:
    turns = [
        {
            "author": {
                k: v.format(who=who, short=who.split()[0].lower()) for k, v in person.items()
            },
            "content": text,
            "timestamp": f"2024-03-04T10:0{at}:00",
        }
        for at, (who, text) in enumerate(TALK)
    ]
    assert spoken(json.dumps({"messages": turns})) == TALK


def test_a_company_behind_a_bar_is_part_of_a_name() -> None:
    name = "Marek Nowak | Depot Ltd. (he/him)"
    cues = [
        f"00:0{at}.000 --> 00:0{at}.900\n{name if who == 'Marek Nowak' else who}: {text}\n"
        for at, (who, text) in enumerate([*TALK, TALK[1]], start=1)
    ]
    assert [who for who, _ in spoken("WEBVTT\n\n" + "\n".join(cues))] == [
        "Ann Lee", name, "Ann Lee", name,
    ]  # fmt: skip


# Courts and quoted talks


def test_an_oath_and_headings_of_a_court_are_nobodys_words() -> None:
    content = (
        "     MR. HALE:  The State calls Jonas Berg.\n                JONAS BERG,\n"
        "having been first duly sworn, testified as\nfollows:\n           DIRECT EXAMINATION\n"
        "BY MR. HALE:\n    Q    State your name.\n    A    Jonas Berg.\n    Q    When was it?\n"
        "    A    At five.  I always say:  first the gate, then\ncoffee.\n"
        "           CROSS-EXAMINATION\nBY MS. KIM:\n    Q    Who saw you?\n    A    Nobody.\n"
    )
    assert spoken(content) == [
        ("MR. HALE", "The State calls Jonas Berg."), ("Q", "State your name."),
        ("A", "Jonas Berg."), ("Q", "When was it?"),
        ("A", "At five. I always say: first the gate, then coffee."), ("Q", "Who saw you?"),
        ("A", "Nobody."),
    ]  # fmt: skip


def test_a_talk_that_somebody_quotes_is_in_doubt() -> None:
    quoted = "Boss: You're late.\nMe: I'm not.\nBoss: The clock says so.\nAnd he left."
    content = f"M: Tell me.\n\nJ: It went like this.\n{quoted}\n\nM: And?\n\nJ: Nothing.\n"
    assert "“Boss” stands within paragraphs only" in doubts(content)
    assert doubts(content.replace(f"\n{quoted}", "")) == ""


def test_a_phrase_that_ends_with_a_colon_twice_is_no_speaker() -> None:
    phrase = "what I always say to them:"
    content = f"Odile  0:05\n{phrase}\nOdile  0:09\n{phrase} so"
    assert spoken(content) == [("Odile", f"{phrase} {phrase} so")]


# Tables and pages


@pytest.mark.parametrize(
    "head",
    ["Sprecher\tBeginn\tText", "Qui\tDébut\tPropos", "Спикер\tНачало\tТекст", "说话人\t时间\t内容"],
)
def test_tables_of_excel_have_quotation_marks_and_decimal_commas(head: str) -> None:
    quoted = '""dry""'
    rows = "".join(
        f'{who}\t{at},5\t"{text.replace("dry", quoted)}"\r\n' if "," in text
        else f"{who}\t{at},5\t{text}\r\n"
        for at, (who, text) in enumerate([*TALK, ("Marek Nowak", "Yes, really.")])
    )  # fmt: skip
    content = decode_file(f"{head}\r\n{rows}".encode("utf-16")).text
    assert spoken(content) == [
        *TALK[:1], ("Marek Nowak", 'On the roof, it is "dry".'), TALK[2],
        ("Marek Nowak", "Yes, really."),
    ]  # fmt: skip
    assert [one.start_ms for one in read(content).segments] == [500, 1_500, 2_500, 3_500]


def test_quotation_marks_that_somebody_speaks_stay() -> None:
    content = 'speaker\tstart\ttext\nAnn\t1\t"Go," he said.\nBo\t2\t"Go."\nAnn\t3\tSo, yes.\n'
    assert spoken(content)[1] == ("Bo", '"Go."')


def test_tables_of_a_word_processors_page_hold_turns() -> None:
    rows = "".join(
        f"<tr><td width=113><p class=MsoNormal><b>{who}:<o:p></o:p></b></p></td>"
        f"<td><p class=MsoNormal>{text}<o:p></o:p></p></td></tr>"
        for who, text in TALK
    )
    assert spoken(f"<html><head></head><body><table>{rows}</table></body></html>") == TALK
