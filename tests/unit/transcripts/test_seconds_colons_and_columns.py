"""Times in seconds beside names, other scripts' colons, names within lines, columns of speakers.

Each is a family: what one tool or script writes, and what its siblings do.
"""

from __future__ import annotations

import pytest

from transcripts import MalformedTranscriptError, TranscriptError
from unit.transcripts.reading_support import read, said

# Seconds

TALK = (("1.52", "Ilse", "How did it begin?"), ("5.04", "Tom", "With one drill."),
        ("11.2", "Ilse", "Only one?"), ("113.9", "Tom", "Only one."))  # fmt: skip
SPOKEN = [(who, text) for _, who, text in TALK]


@pytest.mark.parametrize(
    "layout",
    [
        "[{at}] {who}: {text}",
        "({at}) {who}: {text}",
        "<{at}> {who}: {text}",
        "[{at}s] {who}: {text}",
        "[ {at} ] {who}: {text}",
        "{at} {who}: {text}",
        "{at}s {who}: {text}",
        "{at}: {who}: {text}",
        "{at}\t{who}: {text}",
        "{who} [{at}]: {text}",
        "{who} ({at}): {text}",
        "{who} ({at}s): {text}",
        "{who} [{at}] {text}",
        "{who}: [{at}] {text}",
        "[{at}] {who}\n{text}\n",
        "{who} [{at}]\n{text}\n",
        "{who} ({at}s)\n{text}\n",
        "[{who}] [{at}] {text}",
        "[{at}] [{who}] {text}",
    ],
)
def test_seconds_beside_names_are_times_where_they_rise(layout: str) -> None:
    content = "\n".join(layout.format(at=at, who=who, text=text) for at, who, text in TALK)
    reading = read(content)
    assert said(reading) == SPOKEN
    assert [one.start_ms for one in reading.segments] == [1_520, 5_040, 11_200, 113_900]
    assert not reading.report.doubts


@pytest.mark.parametrize(
    "layout",
    [
        "{who} [{at} - {to}]: {text}",
        "{who} [{at} --> {to}]: {text}",
        "{who} ({at}s - {to}s): {text}",
        "{who} [{at}-{to}] {text}",
        "{who} [{at} - {to}]\n{text}\n",
        "[{at} - {to}] {who}: {text}",
        "[{at}, {to}] {who}: {text}",
        "{at} - {to} {who}: {text}",
        "{at}-{to}: {who}: {text}",
        "{at} {to} {who}: {text}",
        "{who} {at} {to} {text}",
    ],
)
def test_seconds_of_a_start_and_an_end_are_times(layout: str) -> None:
    content = "\n".join(
        layout.format(at=at, to=f"{float(at) + 1.5:.2f}", who=who, text=text)
        for at, who, text in TALK
    )
    reading = read(content)
    assert said(reading) == SPOKEN
    assert [one.start_ms for one in reading.segments] == [1_520, 5_040, 11_200, 113_900]
    assert [one.end_ms for one in reading.segments] == [3_020, 6_540, 12_700, 115_400]


@pytest.mark.parametrize("layout", ["[{at}] {who}: {text}", "({at}) {who}: {text}"])
@pytest.mark.parametrize(
    "numbers",
    [("1.1", "1.2", "1.3", "2.1"), ("1.9", "1.10", "1.11", "2.1"), ("9.5", "3.1", "2.0", "0.4")],
)
def test_numbers_of_sections_and_pauses_are_no_times(layout: str, numbers: tuple[str, ...]) -> None:
    talk = zip(numbers, SPOKEN, strict=True)
    content = "\n".join(layout.format(at=at, who=who, text=text) for at, (who, text) in talk)
    try:
        reading = read(content)
    except TranscriptError:
        return  # asked about, with a reason
    assert not any(one.start_ms is not None for one in reading.segments)


def test_numbers_that_are_said_stay_speech() -> None:
    content = (
        "Ilse: How long is it?\nTom: [1.5] was what I wrote, then 2.5 and 3.75.\n"
        "Ilse: 4.5 metres?\nTom: 5.25 now.\n"
    )
    reading = read(content)
    assert [one.start_ms for one in reading.segments] == [None] * 4
    assert "4.5 metres?" in reading.segments[2].text


# Times at the ends of turns


def test_turns_begin_where_those_before_end_if_only_ends_are_stated() -> None:
    content = (
        "I: How did it begin? #00:00:04-0#\n\nB: With one drill. #00:00:08-5#\n\n"
        "I: Only one? #00:00:10-0#\n\nB: Only one. #00:01:12-3#\n"
    )
    reading = read(content)
    assert said(reading) == [("I", "How did it begin?"), ("B", "With one drill."),
                             ("I", "Only one?"), ("B", "Only one.")]  # fmt: skip
    assert [one.start_ms for one in reading.segments] == [None, 4_000, 8_500, 10_000]
    assert [one.end_ms for one in reading.segments][1:] == [8_500, 10_000, 72_300]
    assert any("begin where" in one for one in reading.notices)


def test_times_at_ends_that_do_not_rise_tell_no_starts() -> None:
    content = (
        "I: How did it begin? #00:00:14-0#\n\nB: With one drill. #00:00:08-5#\n\n"
        "I: Only one? #00:00:10-0#\n\nB: Only one. #00:01:12-3#\n"
    )
    assert {one.start_ms for one in read(content).segments} == {None}


# Colons


@pytest.mark.parametrize("mark", ["\u2236 ", "\ufe13 ", "\u05c3 ", "\ufe55 ", "\uff1a", " \u2236 "])
def test_signs_that_look_like_a_colon_set_off_names(mark: str) -> None:
    names = ("רות", "דוד") if mark == "\u05c3 " else ("Ilse", "Tom")
    texts = ("How did it begin?", "With one drill.", "Only one?", "Only one.")
    turns = list(zip(names * 2, texts, strict=True))
    assert said(read("\n".join(f"{who}{mark}{text}" for who, text in turns))) == turns
    cues = "\n\n".join(
        f"{at}\n00:00:0{at},000 --> 00:00:0{at},900\n{who}{mark}{text}"
        for at, (who, text) in enumerate(turns, start=1)
    )
    assert said(read(cues)) == turns


ARMENIAN = [
    ("Աննա", "Ե՞րբ սկսեցիք աշխատել այստեղ\u0589"),
    ("Տիգրան", "Տասը տարի առաջ\u0589 Փոքր էր\u0589"),
    ("Աննա", "Իսկ հիմա՞\u0589"),
    ("Տիգրան", "Հիմա մեծ է\u0589 Շատ մեծ\u0589"),
]


@pytest.mark.parametrize("mark", ["\u0589 ", "\u055d ", ": ", " \u2014 ", ". "])
def test_armenian_names_are_found_before_each_of_its_marks(mark: str) -> None:
    content = "\n".join(f"{who}{mark}{text}" for who, text in ARMENIAN)
    assert said(read(content)) == ARMENIAN


def test_armenian_sentences_that_recur_are_no_speakers() -> None:
    talk = [("Աննա", "Այո\u0589 Շնորհակալություն\u0589"), ("Տիգրան", "Լավ\u0589 Ոչինչ\u0589")] * 3
    content = "\n".join(f"{who}: {text}" for who, text in talk)
    assert said(read(content)) == talk


# Names within lines


@pytest.mark.parametrize(
    "second",
    [
        "[SPEAKER_01]: Here. [SPEAKER_00]: And here?",
        "[SPEAKER_01]: here [SPEAKER_00]: and here?",
        "[SPEAKER_01] Here. [SPEAKER_00] And here?",
        "(SPEAKER_01) Here. (SPEAKER_00) And here?",
        "(SPEAKER_01): Here. (SPEAKER_00): And here?",
        "SPEAKER_01: Here. SPEAKER_00: And here?",
        "SPEAKER_01: Here. [SPEAKER_00]: And here?",
        ">> SPEAKER_01: Here. >> SPEAKER_00: And here?",
        "- SPEAKER_01: Here. - SPEAKER_00: And here?",
        "<SPEAKER_01>: Here. <SPEAKER_00>: And here?",
        "**SPEAKER_01:** Here. **SPEAKER_00:** And here?",
    ],
)
@pytest.mark.parametrize("captions", [True, False])
def test_a_second_name_within_a_line_ends_what_the_first_says(
    second: str, *, captions: bool
) -> None:
    def written(who: str, text: str) -> str:
        begin = second[: second.index("SPEAKER_01")]
        ends = second[second.index("SPEAKER_01") + len("SPEAKER_01") :]
        return f"{begin}{who}{ends[: ends.lower().index('here')]}{text}"

    lines = [
        written("SPEAKER_00", "Where does it hurt?"),
        second,
        written("SPEAKER_01", "No."),
        written("SPEAKER_00", "And there?"),
        written("SPEAKER_01", "A little."),
    ]
    if captions:
        lines = [
            f"{at}\n00:00:0{at},000 --> 00:00:0{at},900\n{line}\n"
            for at, line in enumerate(lines, start=1)
        ]
    reading = read("\n".join(lines))
    spoken = [(who.strip("[]<>*"), text.casefold().rstrip("?.")) for who, text in said(reading)]
    assert spoken == [
        ("SPEAKER_00", "where does it hurt"),
        ("SPEAKER_01", "here"),
        ("SPEAKER_00", "and here"),
        ("SPEAKER_01", "no"),
        ("SPEAKER_00", "and there"),
        ("SPEAKER_01", "a little"),
    ]


def test_brackets_within_a_line_that_name_nobody_stay_speech() -> None:
    content = (
        "[Tom] It was cold. [Laughs] And then warm.\n[Ilse] Where? [Laughs] Here?\n"
        "[Tom] There. [Pause] I think.\n[Ilse] Good. [Laughs] Thanks.\n"
    )
    reading = read(content)
    assert [one.speaker for one in reading.segments] == ["Tom", "Ilse", "Tom", "Ilse"]
    assert "[Laughs] And then warm." in reading.segments[0].text


# A column for each speaker


def columns(second: str, delimiter: str = ",") -> str:
    return (
        "\n".join(
            line.replace(",", delimiter) if '"' not in line else line
            for line in (
                "Time,Interviewer,Tom,Anna",
                "00:01,How did it begin?,,",
                second,
                "00:08,,,Not with me.",
                "00:11,And then?,,",
                '00:13,,"It grew.",' if delimiter == "," else "00:13,,It grew.,",
                "00:15,,,Home time.",
            )
        )
        + "\n"
    )


@pytest.mark.parametrize(
    "second",
    [
        '00:05,,"With one drill.,',
        '00:05,,"With one drill. ""Ha,',
        '00:05,,"With\n00:06,,one drill.",',
        '00:05,,"With one drill.\nAnna: No.",',
    ],
)
def test_a_cell_that_may_have_swallowed_rows_is_refused_in_columns_of_speakers(second: str) -> None:
    with pytest.raises(MalformedTranscriptError, match="line break"):
        read(columns(second))


def test_a_cell_of_two_lines_is_read_in_columns_of_speakers() -> None:
    reading = read(columns('00:05,,"With one drill.\nA small one.",'))
    assert said(reading) == [
        ("Interviewer", "How did it begin?"),
        ("Tom", "With one drill. A small one."),
        ("Anna", "Not with me."),
        ("Interviewer", "And then?"),
        ("Tom", "It grew."),
        ("Anna", "Home time."),
    ]
    assert [one.start_ms for one in reading.segments][:3] == [1_000, 5_000, 8_000]


def test_a_quotation_mark_within_tabs_is_speech_in_columns_of_speakers() -> None:
    content = (
        'Time\tInterviewer\tTom\n00:01\tHow did it begin?\t\n00:05\t\t"With one drill.\n'
        '00:11\tAnd then?\t\n00:13\t\tIt "grew".\n00:15\t"Did it?\t\n'
    )
    assert said(read(content)) == [
        ("Interviewer", "How did it begin?"),
        ("Tom", '"With one drill.'),
        ("Interviewer", "And then?"),
        ("Tom", 'It "grew".'),
        ("Interviewer", '"Did it?'),
    ]


def test_two_may_speak_in_one_row_of_columns_of_speakers() -> None:
    content = (
        "Time,Ilse,Tom\n0:01,Who built it?,\n0:05,,My uncle.\n0:09,Alone?,Well...\n"
        "1:12,,Alone.\n1:15,,\n1:20,Good.,\n"
    )
    reading = read(content)
    assert [(one.speaker, one.text, one.start_ms) for one in reading.segments] == [
        ("Ilse", "Who built it?", 1_000),
        ("Tom", "My uncle.", 5_000),
        ("Ilse", "Alone?", 9_000),
        ("Tom", "Well... Alone.", 9_000),
        ("Ilse", "Good.", 80_000),
    ]


@pytest.mark.parametrize("label", ["[{}]:", "({}):", "<{}>:"])
def test_a_name_in_brackets_within_a_line_is_told_as_it_may_be_quoted(label: str) -> None:
    ilse, tom = label.format("Ilse"), label.format("Tom")
    content = (
        f"{ilse} Who built it?\n{tom} Then she said. {ilse} I will go. And she left.\n"
        f"{ilse} No.\n{tom} Yes.\n"
    )
    assert any("line 2" in one for one in read(content).notices)
    assert not read(content.replace(f" {ilse}", "")).notices
