"""Speakers are found over the whole file: labels of any form, and speech that looks like one."""

# ruff: noqa: E501, ISC004 - samples read best a line each

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts import TranscriptError
from unit.transcripts.reading_support import read, said

ASKED, ANSWERED, AGAIN = "How did it begin?", "With a borrowed ladder.", "And who came?"

LABELS = [
    ("Marsh, Odile", "Quist, Ravi"),
    ("Odile Marsh (Allotments)", "Ravi Quist [Water Board]"),
    ('Odile "Odie" Marsh', "Ravi"),
    ("Dr. Odile Marsh, PhD", "Ravi Quist"),
    ("ODILE", "RAVI"),
    ("odile", "ravi"),
    ("Odile Marsh de la Fuente y Castro Bell Tower", "Ravi"),
    ("Odile \N{SEEDLING}", "Ravi"),
    ("Interviewer 1", "Participant 07"),
    ("SPEAKER_00", "SPEAKER_01"),
    ("O'Hara", "van den Berg"),
    ("Одиль", "Рави"),
    ("オディール", "ラヴィ"),
    ("Q", "A"),
]
FORMS = [
    "{0}: {1}",
    "{0}:{1}",
    "**{0}:** {1}",
    "**{0}**: {1}",
    "[{0}]: {1}",
    "{0}\N{FULLWIDTH COLON}{1}",
    "{0} : {1}",
    "- {0}: {1}",
    "\u200f{0}:\u200f {1}",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: labels[0])
def test_reads_labels_of_any_kind_in_any_form(form: str, labels: tuple[str, str]) -> None:
    if form.startswith("[") and "[" in labels[1]:
        pytest.skip("brackets within brackets are nobody's form")
    lines = [(labels[0], ASKED), (labels[1], ANSWERED), (labels[0], AGAIN)]
    content = "\n".join(form.format(*line) for line in lines) + "\n"
    assert [text for _, text in said(read(content))] == [ASKED, ANSWERED, AGAIN]
    assert [speaker for speaker, _ in said(read(content))] == [labels[0], labels[1], labels[0]]


@pytest.mark.parametrize(
    "speech",
    [
        "Price: it must be free.",
        "Note: bring gloves.",
        "Rule: no shoes.",
        "One thing: I like it.",
        "see https://example.org/a:b",
        "10:30 is when we met",
        "Opening hours: ten to four.",
        "she said: never",
        "- Cost: nothing",
        "Monday: closed.",
    ],
)
def test_what_an_answer_holds_before_a_colon_is_speech(speech: str) -> None:
    content = f"Odile: {ASKED}\nRavi: Three things.\n{speech}\nOdile: {AGAIN}\nRavi: Two friends.\n"
    turns = said(read(content))
    assert [speaker for speaker, _ in turns] == ["Odile", "Ravi", "Odile", "Ravi"]
    assert speech.removeprefix("- ") in turns[1][1]


@pytest.mark.parametrize(
    ("content", "starts"),
    [
        (f"[0:05] Odile: {ASKED}\n[0:09] Ravi: {ANSWERED}\n", [5_000, 9_000]),
        (f"Odile [0:05]: {ASKED}\nRavi [0:09]: {ANSWERED}\n", [5_000, 9_000]),
        (f"Odile: [00:00:05] {ASKED}\nRavi: [00:00:09] {ANSWERED}\n", [5_000, 9_000]),
        (f"Odile Marsh 0:05\n{ASKED}\n\nRavi Quist 0:09\n{ANSWERED}\n", [5_000, 9_000]),
        (f"Odile Marsh\n0:05\n{ASKED}\nRavi Quist\n0:09\n{ANSWERED}\n", [5_000, 9_000]),
        (f"0:05\nOdile Marsh\n{ASKED}\n\n0:09\nRavi Quist\n{ANSWERED}\n", [5_000, 9_000]),
        (f"00:00:05  Odile  {ASKED}\n00:00:09  Ravi  {ANSWERED}\n", [5_000, 9_000]),
        (f"| 0:05 | Odile | {ASKED} |\n|---|---|---|\n| 0:09 | Ravi | {ANSWERED} |\n"
         f"| 0:12 | Odile | {AGAIN} |\n", [5_000, 9_000, 12_000]),
        (f"Odile (2:04 PM): {ASKED}\nRavi (2:05 PM): {ANSWERED}\n", [None, None]),
        (f"[00:05 - 00:08] Odile: {ASKED}\n[00:09 - 00:11] Ravi: {ANSWERED}\n", [5_000, 9_000]),
        (f"## Odile Marsh (0:05)\n\n{ASKED}\n\n## Ravi Quist (0:09)\n\n{ANSWERED}\n", [5_000, 9_000]),
    ],
)  # fmt: skip
def test_reads_times_wherever_tools_put_them(content: str, starts: list[int | None]) -> None:
    reading = read(content)
    assert [one.speaker.split()[0] for one in reading.segments][:2] == ["Odile", "Ravi"]
    assert [text for _, text in said(reading)][:2] == [ASKED, ANSWERED]
    assert [one.start_ms for one in reading.segments] == starts


def test_reads_names_that_stand_alone() -> None:
    content = (
        f"Odile Marsh\n{ASKED}\n\nRavi Quist\n{ANSWERED}\nRule: no shoes.\n\nOdile Marsh\n{AGAIN}\n"
    )
    assert said(read(content)) == [
        ("Odile Marsh", ASKED),
        ("Ravi Quist", f"{ANSWERED} Rule: no shoes."),
        ("Odile Marsh", AGAIN),
    ]


def test_reads_several_speakers_on_one_line() -> None:
    content = f"Interviewer: {ASKED} Ravi: {ANSWERED} Interviewer: {AGAIN} Ravi: Two friends.\n"
    assert [speaker for speaker, _ in said(read(content))] == [
        "Interviewer", "Ravi", "Interviewer", "Ravi",
    ]  # fmt: skip


def test_numbers_that_count_lines_are_no_speech() -> None:
    content = f"1  Odile: {ASKED}\n2  Ravi: {ANSWERED}\n3  Odile: {AGAIN}\n"
    assert said(read(content)) == [("Odile", ASKED), ("Ravi", ANSWERED), ("Odile", AGAIN)]


def test_soft_breaks_of_word_processors_end_lines() -> None:
    for soft in "\v\u2028\u2029":
        content = f"Odile: {ASKED}{soft}Ravi: {ANSWERED}{soft}Odile: {AGAIN}"
        assert len(said(read(content))) == 3


CHAT = "[04.11.24, 09:31:{0:02}] {1}: {2}"


def test_no_word_of_a_chat_is_lost_whatever_its_messages_hold() -> None:
    said_by = [
        ("Nele", "Kommst du?"),
        ("Papa", "Ja. Brauche: Brot"),
        ("Papa", "Und: Milch"),
        ("Nele", "ok"),
    ]
    content = "\n".join(CHAT.format(n, *one) for n, one in enumerate(said_by)) + "\n"
    assert said(read(content)) == [
        ("Nele", "Kommst du?"),
        ("Papa", "Ja. Brauche: Brot Und: Milch"),
        ("Nele", "ok"),
    ]


@pytest.mark.parametrize(
    "heading", ["{0}  0:0{1}", "{0}:", "{0} 00:0{1}", "**{0}**\n0:0{1}", "0:0{1}\n{0}"]
)
def test_what_stands_below_a_name_is_said_whatever_it_begins_with(heading: str) -> None:
    answers = [
        "Answer 1: it is noon.",
        "Yes. Revenue: flat. Costs: up.",
        "Two things: a saw, a rope.",
        "I say it clearly: no.",
        "Fine by me. Three tabs: raw, clean, lies.",
    ]
    names = ["Odile Marsh", "Ravi Quist"] * 3
    content = "\n\n".join(
        f"{heading.format(name, n)}\n{answer}"
        for n, (name, answer) in enumerate(zip(names, answers, strict=False))
    )
    assert said(read(content)) == list(zip(names, answers, strict=False))


@pytest.mark.parametrize(
    ("content", "speakers"),
    [
        (f"Odile Marsh   0:03\n{ASKED}\n\nRavi Quist (Guest)   0:06\n{ANSWERED}\n",
         ["Odile Marsh", "Ravi Quist (Guest)"]),
        (f"Mr Marsh: {ASKED}\nThe Minister for Water (Dame Ada Quist): {ANSWERED}\nMr Marsh: {AGAIN}\n",
         ["Mr Marsh", "The Minister for Water (Dame Ada Quist)", "Mr Marsh"]),
        (f"Q. {ASKED}\nA. {ANSWERED}\nTHE COURT: Go on.\nQ. {AGAIN}\nA. Friends.\nTHE COURT: Thanks.\n",
         ["Q", "A", "THE COURT", "Q", "A", "THE COURT"]),
        (f"[09:14] <odile> {ASKED}\n[09:15] <ravi> summary: bad\n[09:16] <odile> {AGAIN}\n",
         ["odile", "ravi", "odile"]),
        (f"11/4/24, 9:31 AM - Odile: {ASKED}\n11/4/24, 9:32 AM - +34 600 123 456: {ANSWERED}\n"
         f"11/4/24, 9:33 AM - Odile: {AGAIN}\n", ["Odile", "+34 600 123 456", "Odile"]),
        (f"[0:01] Speaker 1 {ASKED}\n\n[0:05] Speaker 2 {ANSWERED}\n", ["Speaker 1", "Speaker 2"]),
        ("\u8077\u4eba\u300c\u5341\u4e94\u306e\u6642\u3067\u3059\u300d\n\u805e\u304d\u624b\u300c\u6bcd\uff1a\u3044\u3044\u3048\u300d\n",
         ["\u8077\u4eba", "\u805e\u304d\u624b"]),
        (f"**[00:01] Odile Marsh:** {ASKED}\n\n**[00:05] Ravi:** {ANSWERED}\n", ["Odile Marsh", "Ravi"]),
        ("Resp: Well: it was noon.\nInt: Why?\nResp: Well: it was one.\nInt: And?\n",
         ["Resp", "Int", "Resp", "Int"]),
    ],
)  # fmt: skip
def test_nobody_is_swallowed_by_the_speaker_before(content: str, speakers: list[str]) -> None:
    assert [speaker for speaker, _ in said(read(content))] == speakers


@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from(["Odile", "Ravi Quist", "", "Price", "Q.", "[0:05] ", "Answer 1", "Hm. And"]),
            st.sampled_from([": ", ":", "  0:05\n", "\n", " "]),
            st.lists(st.sampled_from(["so", "we", "lent", "ladders:", "Yes.", "10:30", "(all)", "Two"]),
                     min_size=1, max_size=8),
        ),
        min_size=2, max_size=12,
    )
)  # fmt: skip
def test_every_word_is_said_or_is_a_label(lines: list[tuple[str, str, list[str]]]) -> None:
    content = "\n".join(f"{label}{mark}{' '.join(words)}" for label, mark, words in lines)
    try:
        reading = read(content)
    except TranscriptError:
        return
    heard = Counter(
        re.findall(r"\w+", " ".join(f"{one.speaker} {one.text}" for one in reading.segments))
    )
    merged = len({one.speaker for one in reading.segments})  # a label is shown once a turn
    spoken = Counter(re.findall(r"\w+", " ".join(" ".join(words) for _, _, words in lines)))
    for word in ("lent", "ladders", "so", "we"):
        in_labels = sum(word in one.speaker for one in reading.segments)
        assert heard[word] >= spoken[word] - (merged * len(lines) if in_labels else 0)
