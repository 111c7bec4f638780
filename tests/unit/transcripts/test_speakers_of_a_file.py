"""Speakers are found over the whole file: labels of any form, and speech that looks like one."""

# ruff: noqa: E501, ISC004 - samples read best a line each

from __future__ import annotations

import pytest

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
