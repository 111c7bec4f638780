"""Notes, parts and fields that stand among turns, names that are words, and words within words.

Made up as tools and people write them; what should come out was written down before they were read.
"""

from __future__ import annotations

import pytest

from unit.transcripts.reading_support import read, said

ASKED, ANSWERED, AGAIN = "Where do you keep them?", "On the roof.", "Really?"
TALK = [("Maria Lopes", ASKED), ("Jonas Berg", ANSWERED), ("Maria Lopes", AGAIN)]


def spoken(content: str) -> list[tuple[str, str]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return said(reading)


def doubts(content: str) -> str:
    return " ".join(read(content).report.doubts)


@pytest.mark.parametrize(
    "name", ["Maria Lopes", "Veronica Banks", "Crystal Waters", "Calvin Stone"]
)
@pytest.mark.parametrize(
    "form", ["### {} \u00b7 0:0{}\n\n{}\n\n", "Speaker: {}\nTime: 0:0{}\n{}\n\n"]
)
def test_names_that_are_words_of_the_dictionary_are_names(name: str, form: str) -> None:
    talk = [(name if who == "Maria Lopes" else who, text) for who, text in TALK]
    content = "".join(form.format(who, at, text) for at, (who, text) in enumerate(talk))
    assert spoken(content) == talk
    assert [one.start_ms for one in read(content).segments] == [0, 1_000, 2_000]


@pytest.mark.parametrize(
    "note", ["[Memo: he hesitates]", "[Code: routine, gate]", "[Note 2: loud]"]
)
def test_notes_of_whoever_codes_are_nobodys_words(note: str) -> None:
    content = "".join(f"{who}: {text}\n{note}\n" for who, text in TALK)
    assert spoken(content) == TALK
    assert any("that a tool wrote" in one for one in read(content).notices)


@pytest.mark.parametrize(
    "part", ["INTERVIEW 2", "TAPE 1, SIDE B", "PART II", "SESSION 3 - MORNING"]
)
def test_headings_of_parts_are_nobodys_words(part: str) -> None:
    content = "".join(f"{who}: {text}\n\n{part}\n\n" for who, text in TALK)
    assert spoken(content) == TALK


@pytest.mark.parametrize("half", ["오전 ", "오후 ", "午前 ", ""])
def test_chats_of_kakaotalk_have_times_of_day_behind_names(half: str) -> None:
    talk = [("민수", "요즘 어때요?"), ("지영", "바빠요."), ("민수", "주말에도요?")]
    content = "저장한 날짜 : 2024-03-04 11:00:00\n\n------- 2024년 3월 4일 월요일 -------\n"
    content += "".join(f"[{who}] [{half}10:0{at}] {text}\n" for at, (who, text) in enumerate(talk))
    assert [one for one in spoken(content) if one[0] != "Speaker"] == talk


@pytest.mark.parametrize("inner", ["[Jonas Berg: At five.]", "(Jonas Berg: Yes.)"])
def test_words_of_another_speaker_in_brackets_are_in_doubt(inner: str) -> None:
    content = f"Maria Lopes: You open the gate {inner} at five?\n\nJonas Berg: Yes.\n"
    assert "stands in brackets within Maria Lopes's words" in doubts(content)
    assert doubts(content.replace(inner, "[pause: two seconds]")) == ""


def test_an_article_with_quotations_is_in_doubt() -> None:
    prose = "That is what the foreman says today, twenty years later, in the rain.\n\n"
    content = "".join(f'{who}: "{text}"\n\n{prose}' for who, text in TALK)
    assert "an author's words" in doubts(content)
    assert doubts("".join(f'{who}: "{text}"\n\n' for who, text in TALK)) == ""


def test_reports_name_the_lines_that_were_dropped() -> None:
    content = (
        "Maria: How?\n[Memo: loud]\nTom: So.\n[Tape 1, Side B begins]\nMaria: And?\n\n"
        "Transcribed by https://otter.ai\n"
    )
    reading = read(content)
    assert said(reading) == [("Maria", "How?"), ("Tom", "So."), ("Maria", "And?")]
    assert (
        "3 lines that a tool wrote around the talk were dropped: lines 2, 4, 7" in reading.notices
    )


def test_of_many_dropped_lines_the_first_are_named() -> None:
    content = "".join(f"{who}: {text}\n[Code: x]\n" for who, text in TALK * 3)
    (notice,) = [one for one in read(content).notices if "a tool wrote" in one]
    assert notice.endswith("were dropped: lines 2, 4, 6, 8, 10 and 4 more")
