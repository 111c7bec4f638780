"""Exports as people remember them, one of each kind that was once misread.

What should come out was written down before they were read.
"""

# ruff: noqa: RUF001 - samples of many scripts

from __future__ import annotations

import io
import json
import textwrap
from typing import Any

import docx
import pytest

from transcripts.files.decoding import decode_file
from unit.transcripts.reading_support import read, said

Turn = tuple[str, str, int | None]


def turns(content: str) -> list[Turn]:
    reading = read(content)
    assert reading.report.doubts == ()
    return [(one.speaker, one.text, one.start_ms) for one in reading.segments]


def srt(*texts: str) -> str:
    return "\n\n".join(
        f"{at}\n00:00:0{at},000 --> 00:00:0{at},900\n{text}" for at, text in enumerate(texts, 1)
    )


# Names


@pytest.mark.parametrize("brackets", [("(", ")"), ("[", "]")])
def test_captions_with_names_in_brackets_behind_the_speech(brackets: tuple[str, str]) -> None:
    opening, closing = brackets
    texts = ("Have you slept?", "Not a minute.", "Why not?", "The dog.")
    named = [
        f"{text} {opening}{name}{closing}"
        for text, name in zip(texts, ("Ilka", "Bram") * 2, strict=True)
    ]
    assert turns(srt(*named)) == [
        (name, text, at * 1_000)
        for at, (name, text) in enumerate(zip(("Ilka", "Bram") * 2, texts, strict=True), 1)
    ]


def test_lines_with_times_and_names_in_brackets_behind_the_speech() -> None:
    content = "[0:01] Where? (Ilka)\n[0:02] At home. (Bram)\n[0:03] Alone? (Ilka)\n"
    assert turns(content) == [
        ("Ilka", "Where?", 1_000), ("Bram", "At home.", 2_000), ("Ilka", "Alone?", 3_000)
    ]  # fmt: skip


def test_other_brackets_behind_the_speech_name_nobody() -> None:
    content = srt("Ann: No. (laughs)", "Bo: Yes. (laughs)", "Ann: Well. (sighs)")
    assert said(read(content)) == [
        ("Ann", "No. (laughs)"), ("Bo", "Yes. (laughs)"), ("Ann", "Well. (sighs)")
    ]  # fmt: skip


def test_a_name_in_small_letters_that_stands_once_in_brackets() -> None:
    content = "[ana] How?\n[li] Through a window.\n[ana] Which?\n[laughs] No.\n"
    assert said(read(content)) == [
        ("ana", "How?"), ("li", "Through a window."), ("ana", "Which? [laughs] No.")
    ]  # fmt: skip


@pytest.mark.parametrize("dash", ["-", "–", "—"])
def test_a_dash_behind_a_bold_name_is_no_speech(dash: str) -> None:
    content = f"**Ana** {dash} When?\n**Zofia** {dash} In March.\n**Ana** {dash} Alone?\n"
    assert said(read(content)) == [("Ana", "When?"), ("Zofia", "In March."), ("Ana", "Alone?")]


def test_names_that_are_the_values_of_a_field() -> None:
    content = "SPEAKER: S1\nIs it?\n\nSPEAKER: S2\nIt is. Mostly: yes.\n\nSPEAKER: S1\nGood.\n"
    assert said(read(content)) == [
        ("S1", "Is it?"), ("S2", "It is. Mostly: yes."), ("S1", "Good.")
    ]  # fmt: skip


def test_a_role_behind_a_time_with_nothing_between_it_and_the_speech() -> None:
    content = (
        "[0:01] Interviewer What is it?\n\n[0:03] Speaker 2 A loom.\n\n[0:06] Interviewer Yes?\n"
    )
    assert turns(content) == [
        ("Interviewer", "What is it?", 1_000), ("Speaker 2", "A loom.", 3_000),
        ("Interviewer", "Yes?", 6_000),
    ]  # fmt: skip


def test_names_that_nothing_sets_off_behind_times_are_in_doubt() -> None:
    content = "00:00:01 Oana Hello there\n00:00:03 Marek Hi all\n00:00:05 Oana How are you\n"
    assert "Marek" in " ".join(read(content).report.doubts)


def test_a_name_that_is_a_word_too_in_a_file_with_a_title() -> None:
    content = (
        "Interview\n\nAlma (0:03)\nWhen?\n\nRune (0:08)\nAt night: always.\n\nAlma (0:12)\nWhy?\n"
    )
    assert turns(content)[1:] == [
        ("Alma", "When?", 3_000), ("Rune", "At night: always.", 8_000), ("Alma", "Why?", 12_000)
    ]  # fmt: skip


def test_the_colon_of_ethiopic() -> None:
    content = "ጠያቂ፦ የት ነው?\nአበበ፦ በጎንደር። ምክንያት፦ ሥራ።\nጠያቂ፦ ብቻህን?\n"
    assert said(read(content)) == [
        ("ጠያቂ", "የት ነው?"), ("አበበ", "በጎንደር። ምክንያት፦ ሥራ።"), ("ጠያቂ", "ብቻህን?")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("styles", "named"), [("Ada Bo Ada", True), ("Default Top Default", False)]
)
def test_styles_of_substation_that_are_names(styles: str, *, named: bool) -> None:
    texts = ("Where?", "Here: there.", "Oh.")
    events = "\n".join(
        f"Dialogue: 0,0:00:0{at}.00,0:00:0{at}.90,{style},,0,0,0,,{text}"
        for at, (style, text) in enumerate(zip(styles.split(), texts, strict=True), 1)
    )
    content = (
        "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, "
        f"MarginR, MarginV, Effect, Text\n{events}\n"
    )
    expected = [
        (style, text) for style, text in zip(styles.split(), texts, strict=True)
    ] if named else [("Speaker", " ".join(texts))]  # fmt: skip
    assert said(read(content)) == expected


@pytest.mark.parametrize("dash", ["--", "—"])
def test_a_dash_without_blanks_behind_a_name_in_capitals(dash: str) -> None:
    content = f"HAAS{dash}Where?\nBRIGGS{dash}In Duluth. My rule: none.\nHAAS{dash}And then?\n"
    assert said(read(content)) == [
        ("HAAS", "Where?"), ("BRIGGS", "In Duluth. My rule: none."), ("HAAS", "And then?")
    ]  # fmt: skip


def test_an_office_of_eight_words_with_a_name_in_brackets_on_a_line_of_its_own() -> None:
    office = "The Secretary of State for Transport (Heidi Alexander)"
    content = f"Mr Speaker\nOrder.\n\n{office}\nWe build.\n\nMr Speaker\nNext.\n"
    assert said(read(content)) == [
        ("Mr Speaker", "Order."), (office, "We build."), ("Mr Speaker", "Next.")
    ]  # fmt: skip


def test_bold_names_behind_times_in_word() -> None:
    document = docx.Document()
    for time, name, text in (("[0:00] ", "Fenna", "Hm?"), ("[0:03] ", "Joost", "I hated it."),
                             ("[0:08] ", "Fenna", "Why?")):  # fmt: skip
        paragraph = document.add_paragraph()
        paragraph.add_run(time)
        paragraph.add_run(f"{name} ").bold = True
        paragraph.add_run(text)
    file = io.BytesIO()
    document.save(file)
    assert turns(decode_file(file.getvalue()).text) == [
        ("Fenna", "Hm?", 0), ("Joost", "I hated it.", 3_000), ("Fenna", "Why?", 8_000)
    ]  # fmt: skip


# What names nobody


def test_points_of_an_answer_in_a_list() -> None:
    content = (
        "Interviewer: What do you need?\n\nHanna: Three things:\n- Time: a lot.\n- Money: some.\n"
        "- Luck: always.\n\nInterviewer: Yes?\n\nHanna: Yes.\n"
    )
    assert said(read(content)) == [
        ("Interviewer", "What do you need?"),
        ("Hanna", "Three things: - Time: a lot. - Money: some. - Luck: always."),
        ("Interviewer", "Yes?"),
        ("Hanna", "Yes."),
    ]


def test_headings_of_sections_in_capitals() -> None:
    content = (
        "ANNA: Is it?\nRUTH: It is.\nMARKET: PRICES\nANNA: Which?\nRUTH: All.\nMARKET: STALLS\n"
    )
    assert said(read(content)) == [
        ("ANNA", "Is it?"), ("RUTH", "It is. MARKET: PRICES"),
        ("ANNA", "Which?"), ("RUTH", "All. MARKET: STALLS"),
    ]  # fmt: skip


@pytest.mark.parametrize("mark", [". ", ": ", " "])
def test_who_examines_in_court_is_no_part_of_an_answer(mark: str) -> None:
    content = (
        f"THE COURT: Proceed.\nBY MR. DALE:\nQ{mark}You saw it?\nA{mark}I did.\n"
        f"THE WITNESS: Sorry.\nBY MS. FINCH:\nQ{mark}Were you tired?\nA{mark}No.\n"
    )
    assert said(read(content)) == [
        ("THE COURT", "Proceed."), ("Q", "You saw it?"), ("A", "I did."),
        ("THE WITNESS", "Sorry."), ("Q", "Were you tired?"), ("A", "No."),
    ]  # fmt: skip


def test_feet_of_two_pages_with_a_title() -> None:
    content = (
        "Ana: Was it late?\nBo: It was.\nTalk 4, page 1 of 2\nAna: How?\nTalk 4, page 2 of 2\n"
    )
    assert said(read(content)) == [("Ana", "Was it late?"), ("Bo", "It was."), ("Ana", "How?")]


def test_a_word_before_a_colon_behind_bold_names_is_speech() -> None:
    content = "**Ida** Where were you?\n**Olga** At sea. It was: cold.\n**Ida** Long?\n"
    assert said(read(content)) == [
        ("Ida", "Where were you?"), ("Olga", "At sea. It was: cold."), ("Ida", "Long?")
    ]  # fmt: skip


def test_a_word_that_is_a_name_too_is_speech_where_two_others_are_named() -> None:
    content = "Ana: Where?\nBo: At sea.\nPort: Riga.\nAna: Long?\n"
    assert said(read(content)) == [
        ("Ana", "Where?"),
        ("Bo", "At sea. Port: Riga."),
        ("Ana", "Long?"),
    ]


TALK = [
    ("Dr. Amara Nwosu", "Thanks for coming. Could you begin with the basics: what do you do?"),
    ("Wim de Boer", "Since 2009. My father said to me: Wim, take the boat. So I did."),
    ("Dr. Amara Nwosu", "And the costs? I heard it is a lot."),
    (
        "Wim de Boer",
        "Fuel: 40 percent. Wages: most of the rest. Repairs (in winter): never enough.",
    ),
    ("Lotte", "May I add something? He forgets the insurance."),
    ("Wim de Boer", "Right."),
]
"""Words before a colon begin lines of it at one width or another."""


def wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width)


@pytest.mark.parametrize("width", range(24, 48, 3))
def test_lines_that_go_on_with_words_and_a_colon_in_captions(width: int) -> None:
    cues = [
        f"{at}\n00:00:{at:02},000 --> 00:00:{at:02},900\n"
        + "\n".join(wrapped(f"{who}: {text}", width))
        for at, (who, text) in enumerate(TALK, 1)
    ]
    assert said(read("\n\n".join(cues))) == TALK


@pytest.mark.parametrize("width", range(24, 48, 3))
@pytest.mark.parametrize("name", ["{}: ", "[{}] ", "({}) ", ">> {}: "])
def test_cues_that_go_on_with_words_and_a_colon(name: str, width: int) -> None:
    texts = [part for who, text in TALK for part in wrapped(name.format(who) + text, width)]
    cues = [
        f"{at}\n00:{at // 60:02}:{at % 60:02},000 --> 00:{at // 60:02}:{at % 60:02},900\n{text}"
        for at, text in enumerate(texts, 1)
    ]
    assert said(read("\n\n".join(cues))) == TALK


@pytest.mark.parametrize("width", range(24, 48, 3))
def test_wrapped_paragraphs_that_go_on_with_words_and_a_colon(width: int) -> None:
    content = "\n\n".join("\n   ".join(wrapped(f"{who}: {text}", width)) for who, text in TALK)
    assert said(read(content)) == TALK


def test_a_speaker_who_cuts_a_sentence_where_no_line_is_wrapped() -> None:
    talk = [
        ("Ana", "It is."),
        ("Bo", "I went to the"),
        ("Lotte", "Shop!"),
        ("Bo", "Yes."),
        ("Ana", "Oh."),
    ]
    assert said(read("\n".join(f"{who}: {text}" for who, text in talk))) == talk


def test_names_in_capitals_on_lines_of_their_own_are_no_running_heads() -> None:
    content = "\n\n".join(f"{who.upper()}\n{text}" for who, text in TALK * 2)
    assert said(read(content)) == [(who.upper(), text) for who, text in TALK * 2]


@pytest.mark.parametrize("word", ["Zweitens", "Ensuite", "Razón", "Voorbeeld", "Во-вторых"])
def test_words_that_open_a_line_in_other_languages(word: str) -> None:
    cues = ["Jana: Eins, bitte.", f"Uwe: {word}: Kaffee.", f"{word}: Zeitung.", "Jana: Gut."]
    assert [one for one, _ in said(read(srt(*cues)))] == ["Jana", "Uwe", "Jana"]


def test_a_single_cue_that_goes_on_with_a_sentence_has_the_speaker_before() -> None:
    names = ["Ana", "Bo", "Ana", "Bo", "Ana", "Bo"]
    cues = [f"{name}: It is." for name in names]
    cues[2:3] = ["Ana: And who takes", "the bus?"]
    assert said(read(srt(*cues)))[2] == ("Ana", "And who takes the bus?")


# Times


def test_times_within_what_was_said_divide_it() -> None:
    reading = read(
        "[00:00:00] Kit: Live?\n\n[00:00:04] Zadie: Yes. [00:00:06] I see red.\n\n"
        "[00:00:09] Kit: Oh.\n"
    )
    assert said(reading) == [("Kit", "Live?"), ("Zadie", "Yes. I see red."), ("Kit", "Oh.")]
    assert [(one.offset, one.start_ms) for one in reading.segments[1].words] == [
        (0, 4_000),
        (5, 6_000),
    ]


def test_brackets_with_times_that_do_not_rise_are_speech() -> None:
    content = "[0:10] Ana: We met [10:30] there.\n[0:12] Bo: Not [09:15]?\n[0:14] Ana: No.\n"
    assert said(read(content))[0] == ("Ana", "We met [10:30] there.")


@pytest.mark.parametrize(
    "line",
    [
        "[{start:.1f} - {end:.1f}] {name}: {text}",
        "[{name}] [{start:.2f} - {end:.2f}] {text}",
        "[{name}] [00:00:0{start:.3f} --> 00:00:0{end:.3f}]: {text}",
        "00:0{start:.3f} --> 00:0{end:.3f} {name}: {text}",
        "{start:.2f}s - {end:.2f}s {name}: {text}",
    ],
)
def test_ranges_of_seconds_and_clocks_beside_names(line: str) -> None:
    talk = [("SPEAKER_00", "Did it?", 0.5), ("Ines", "A little.", 2.5), ("SPEAKER_00", "Yes.", 4.5)]
    content = "\n".join(
        line.format(name=name, text=text, start=start, end=start + 1) for name, text, start in talk
    )
    assert turns(content) == [(name, text, round(start * 1_000)) for name, text, start in talk]


def test_a_heading_between_two_times_in_columns_is_a_name() -> None:
    content = (
        "Ute\t\t0:01.2\t0:03.0\tWie?\nKind\t\t0:03.4\t0:04.1\tLena.\nUte\t\t0:04.9\t0:06.0\tOh.\n"
    )
    assert turns(content) == [
        ("Ute", "Wie?", 1_200), ("Kind", "Lena.", 3_400), ("Ute", "Oh.", 4_900)
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["{name}: 00:0{start} {text}", "[{name} 0:00:0{start}]: {text}"])
def test_times_right_before_the_speech_or_in_the_brackets_of_a_name(line: str) -> None:
    talk = [("Ada", "Where?", 1), ("Bo", "At sea. Port: Riga.", 4), ("Ada", "Long?", 8)]
    content = "\n\n".join(line.format(name=who, text=text, start=at) for who, text, at in talk)
    assert turns(content) == [(who, text, at * 1_000) for who, text, at in talk]


def test_clocks_before_the_speech_that_do_not_rise_are_speech() -> None:
    content = "Ada: 10:30 is fine.\nBo: 9:15 is better.\nAda: 8:00 is not.\n"
    assert said(read(content))[1] == ("Bo", "9:15 is better.")


def test_frames_behind_semicolons_in_tables() -> None:
    content = (
        "Speaker Name,Start Time,End Time,Text\nAna,00;00;01;00,00;00;02;00,Where?\n"
        "Bo,00;00;03;05,00;00;04;00,There.\n"
    )
    # Semicolons mark drop-frame counting, at 29.97 frames a second.
    assert turns(content) == [("Ana", "Where?", 1_001), ("Bo", "There.", 3_170)]


# Mark-up and JSON


def test_apples_podcasts_have_a_span_for_each_word_and_no_unit() -> None:
    paragraphs = "".join(
        f'<p begin="{start}" end="{start + 1}" ttm:agent="SPEAKER_{at}">'
        f'<span begin="{start}" unit="sentence">'
        + "".join(f'<span begin="{start}" unit="word">{word}</span>' for word in text.split())
        + "</span></p>"
        for at, (start, text) in enumerate([(0.48, "Who built it?"), (3.2, "My aunt.")], 1)
    )
    content = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata">'
        f"<body><div>{paragraphs}</div></body></tt>"
    )
    assert turns(content) == [("SPEAKER_1", "Who built it?", 480), ("SPEAKER_2", "My aunt.", 3_200)]


def test_a_time_of_otranscribe_touches_the_name_behind_it() -> None:
    text = "".join(
        f'<p><span class="timestamp">0:0{at}</span>{name}: {said}</p>'
        for at, name, said in ((1, "Ann", "Hello?"), (4, "Bo", "Yes."))
    )
    content = json.dumps({"text": text, "media": "a.mp3", "media-time": 4.2})
    assert turns(content) == [("Ann", "Hello?", 1_000), ("Bo", "Yes.", 4_000)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            [
                {"start_ms": 120, "speaker": "1", "voice": "Jana", "text": "Hallo?"},
                {"start_ms": 2_100, "speaker": "2", "voice": "Uwe", "text": "Moin."},
                {"start_ms": 4_100, "speaker": "1", "voice": "Jana", "text": "Gut?"},
            ],
            [("Jana", "Hallo?", 120), ("Uwe", "Moin.", 2_100), ("Jana", "Gut?", 4_100)],
        ),
        (
            {"tokens": [
                {"text": "Who", "start_ms": 100, "speaker": "1"},
                {"text": "?", "start_ms": 200, "speaker": "1"},
                {"text": " No", "start_ms": 900, "speaker": "2"},
                {"text": "t", "start_ms": 950, "speaker": "2"},
                {"text": " me", "start_ms": 990, "speaker": "2"},
            ]},
            [("Speaker 1", "Who?", 100), ("Speaker 2", "Not me", 900)],
        ),
        (
            {"entries": [
                {"startOffset": "00:00:01.5", "speakerId": "u1", "speakerDisplayName": "Ute",
                 "text": "Wie?"},
                {"startOffset": "00:00:04.0", "speakerId": "u2", "speakerDisplayName": "Ali",
                 "text": "So."},
            ]},
            [("Ute", "Wie?", 1_500), ("Ali", "So.", 4_000)],
        ),
        (
            {"words": [
                {"start": 0.5, "end": 0.9, "text": "Hi?"},
                {"start": 1.5, "end": 1.9, "text": "Yes."},
            ], "paragraphs": [
                {"start": 0.5, "end": 0.9, "speaker": "Ada"},
                {"start": 1.5, "end": 1.9, "speaker": "Bo"},
            ]},
            [("Ada", "Hi?", 500), ("Bo", "Yes.", 1_500)],
        ),
        (
            {"segments": [
                {"speakerName": "Kit", "startTime": 0.0, "endTime": 1.0, "body": "Live?"},
                {"speakerName": "Zadie", "startTime": 2.0, "endTime": 3.0, "body": "I think."},
            ]},
            [("Kit", "Live?", 0), ("Zadie", "I think.", 2_000)],
        ),
        (
            {"objects": [
                {"startTime": 1_000, "content": [{"text": "Welcome all."}]},
                {"startTime": 2_500, "content": [{"text": "Thanks."}]},
            ]},
            [("Speaker", "Welcome all. Thanks.", 1_000)],
        ),
    ],
    ids=[
        "voices beside numbers", "tokens with blanks", "names beside ids", "speakers beside words",
        "a podcast's keys but one", "content in lists",
    ],
)  # fmt: skip
def test_lists_of_turns_in_json(document: Any, expected: list[Turn]) -> None:
    assert turns(json.dumps(document)) == expected
