"""Joined captions, colours of broadcasters, inquiries, code pages of DOS, and lists of fields.

Made up as tools and people write them; what should come out was written down before they were read.
"""

from __future__ import annotations

import pytest

from transcripts.files.decoding import decode_file
from unit.transcripts.reading_support import read, said

TALK = [
    ("Elena", "How do you start?"), ("Tom", "At five."), ("Elena", "And then?"),
    ("Tom", "Coffee."), ("Elena", "Always?"), ("Tom", "Yes."),
]  # fmt: skip


def spoken(content: str) -> list[tuple[str, str]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return said(reading)


def doubts(content: str) -> str:
    return " ".join(read(content).report.doubts)


def srt(talk: list[tuple[str, str]]) -> str:
    return "".join(
        f"{at}\n00:00:{5 * at:02d},000 --> 00:00:{5 * at + 4:02d},000\n{who}: {text}\n\n"
        for at, (who, text) in enumerate(talk, start=1)
    )


def test_short_captions_that_are_counted_anew_are_parts() -> None:
    reading = read(srt(TALK[:3]) + srt(TALK[3:]))
    assert said(reading) == TALK
    assert any("put together" in one for one in reading.notices)


def test_one_cue_out_of_order_is_no_part() -> None:
    first, second, third = srt(TALK[:3]).strip().split("\n\n")
    assert spoken(f"{second}\n\n{third}\n\n{first}\n") == TALK[:3]


@pytest.mark.parametrize("attribute", ["style", "tts:color"])
def test_colours_of_broadcasters_that_name_nobody_are_in_doubt(attribute: str) -> None:
    paragraphs = "".join(
        f'<p begin="{at}s" end="{at + 1}s"><span {attribute}="{("yellow", "cyan")[at % 2]}">{text}'
        "</span></p>"
        for at, (_, text) in enumerate(TALK)
    )
    content = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling">'
        f"<body><div>{paragraphs}</div></body></tt>"
    )
    assert "colours or styles alternate" in doubts(content)
    assert doubts(content.replace("cyan", "yellow")) == ""


def test_numbers_of_questions_stand_on_lines_of_their_own() -> None:
    content = "Q1\nHow?\nA1\nAt five.\n\nQ2\nAnd then?\nA2\nCoffee.\n"
    assert spoken(content) == [
        ("Q", "How?"), ("A", "At five."), ("Q", "And then?"), ("A", "Coffee."),
    ]  # fmt: skip


def test_an_inquiry_has_notes_between_questions() -> None:
    content = (
        "(10.00 am)\nMR HALE: May I call Mr Berg?\n           MR JONAS BERG (affirmed)\n"
        "          Questions by MR HALE\nMR HALE: Your full name, please?\nA. Jonas Berg.\n"
        "Q. You opened at 5.00 am?\nA. Yes: as always.\n(10.15 am)\n(A short break)\n"
        "LADY CHAIR: Thank you.\n"
    )
    assert spoken(content) == [
        ("MR HALE", "May I call Mr Berg? Your full name, please?"), ("A", "Jonas Berg."),
        ("Q", "You opened at 5.00 am?"), ("A", "Yes: as always."), ("LADY CHAIR", "Thank you."),
    ]  # fmt: skip


@pytest.mark.parametrize("mark", [" // ", " || "])
def test_turns_on_one_line_are_parted_by_a_mark(mark: str) -> None:
    assert spoken(mark.join(f"{who}: {text}" for who, text in TALK)) == TALK


@pytest.mark.parametrize(
    "said_", ["Wie fängt das an?", "Natürlich, später.", "Größe: das hätte ich."]
)
def test_code_pages_of_dos_are_decoded(said_: str) -> None:
    content = f"Frage: Was?\nAntwort: {said_}\nFrage: Und?\nAntwort: So.\n"
    assert decode_file(content.encode("cp850")).text == content


@pytest.mark.parametrize(
    "said_", ["„Ja“, sagte er.", "Er sagte „Nein”.", "Wait… what\u2019s that?"]
)
def test_quotation_marks_of_windows_stay(said_: str) -> None:
    content = f"Frage: Was?\nAntwort: {said_}\n"
    assert decode_file(content.encode("cp1252")).text == content


def test_lists_of_fields_and_of_changes_are_in_doubt() -> None:
    profile = "Name: Jonas Berg\nAge: 45\nCity: Bonn\n\nName: Maria Lopes\nAge: 34\nCity: Porto\n"
    assert "is a usual word for a cue, field or tier" in doubts(profile)
    changes = (
        "# Changelog\n\n- Added: new gate\n- Fixed: the lock\n- Added: a lamp\n- Fixed: hinge\n"
    )
    assert "words in a list" in doubts(changes)


def test_much_prose_above_a_short_talk_is_in_doubt() -> None:
    prose = "I arrived at five. It was dark. Two men stood at the gate, smoking. Nobody spoke. " * 2
    content = f"Field notes\n\n{prose}\n\n" + "".join(f"{who}: {text}\n\n" for who, text in TALK)
    assert "have no speaker, although the file names speakers" in doubts(content)


RELATED = [
    "Patient's wife",
    "Ann Lee's mother",
    "Patient\u2019s carer",
    "Wife of patient",
    "Daughter of Ann",
    "Witness's lawyer",
    "Participant 3's interpreter",
]


@pytest.mark.parametrize("who", RELATED)
def test_those_whom_somebody_brings_along_speak(who: str) -> None:
    content = (
        "Nurse: How have you been?\n\nPatient: Up and down. Morning: nine.\n\n"
        f"Nurse: And the dose?\n\nPatient: It makes me sick.\n\n{who}: He skips it.\n"
    )
    reading = read(content)
    assert said(reading)[-2:] == [("Patient", "It makes me sick."), (who, "He skips it.")]


@pytest.mark.parametrize(
    "note", ["", "TOM OKAFOR, SWORN\n\nEXAMINED BY MR DUNN\n\n", "TOM OKAFOR, AFFIRMED\n\n"]
)
def test_a_question_and_an_answer_among_a_courts_speakers(note: str) -> None:
    content = (
        "THE CLERK: All rise.\n\nHIS HONOUR JUDGE PIKE: Sit down, please.\n\n"
        f"MR DUNN: I call Tom Okafor.\n\n{note}Q. Where do you live?\n\nA. On Mill Lane.\n"
    )
    assert said(read(content)) == [
        ("THE CLERK", "All rise."),
        ("HIS HONOUR JUDGE PIKE", "Sit down, please."),
        ("MR DUNN", "I call Tom Okafor."),
        ("Q", "Where do you live?"),
        ("A", "On Mill Lane."),
    ]


def test_a_picture_before_a_bold_name_is_no_part_of_the_talk() -> None:
    content = "".join(
        f"\U0001f399 **{who}:** {text}\n\n"
        for who, text in (
            ("Dana", "How?"),
            ("Omar", "With one."),
            ("Dana", "One?"),
            ("Omar", "So."),
        )
    )
    assert said(read(content)) == [
        ("Dana", "How?"),
        ("Omar", "With one."),
        ("Dana", "One?"),
        ("Omar", "So."),
    ]
