"""Layouts in which a name has an abbreviation in brackets, a column has two names, and the like."""

from __future__ import annotations

import pytest

from transcripts import UnknownFormatError
from unit.transcripts.reading_support import read, said


@pytest.mark.parametrize(
    "name",
    [
        "Dr. Ida Groß (Univ. Graz)",
        "Otto Lind (Dep. of Law)",
        "Ms. Vale (Vol. 2)",
        "Ida [Fac. Arts]",
    ],
)
def test_an_abbreviation_in_brackets_is_part_of_a_name(name: str) -> None:
    talk = f"{name}: Two: food, beds.\nChair: Food first.\n{name}: None.\nChair: Oh.\n"
    assert said(read(talk)) == [
        (name, "Two: food, beds."), ("Chair", "Food first."), (name, "None."), ("Chair", "Oh."),
    ]  # fmt: skip


def test_the_end_of_a_bracket_is_no_name() -> None:
    talk = "Ida: It stood (on p. Graz): a lie.\nOtto: Why?\nIda: (See e. g. Graz): no.\nOtto: Oh.\n"
    assert {who for who, _ in said(read(talk))} == {"Ida", "Otto"}


def test_a_column_of_speakers_is_preferred_to_whose_session_it_was() -> None:
    table = (
        "Participant,Timestamp,Speaker,Transcript\nP3,00:01,Moderator,What now?\n"
        "P3,00:05,P3,A bed.\nP3,00:11,Moderator,Where?\n"
    )
    assert said(read(table)) == [
        ("Moderator", "What now?"), ("P3", "A bed."), ("Moderator", "Where?"),
    ]  # fmt: skip
    only = "Participant,Time,Text\nIda,0:01,How?\nOtto,0:03,Slowly.\nIda,0:05,Why?\n"
    assert [who for who, _ in said(read(only))] == ["Ida", "Otto", "Ida"]


def test_the_end_of_a_recording_may_have_a_time() -> None:
    talk = (
        "[00:00:00]\n\n**Ida:** How was it?\n\n**Otto:** Slow.\n\n[00:01:00]\n\n**Ida:** Why?\n\n"
        "**Otto:** Beds.\n\n[00:01:34] [END OF AUDIO]\n"
    )
    reading = read(talk)
    assert said(reading)[-1] == ("Otto", "Beds.")
    assert any(
        "1 line that a tool wrote around the talk was dropped: line " in one
        for one in reading.notices
    )


def test_ids_of_cues_may_be_names_without_a_count() -> None:
    cues = "".join(
        f'"{name}" ({number})\n00:00:0{at}.000 --> 00:00:0{at + 1}.000\n{text}\n\n'
        for at, (name, number, text) in enumerate(
            [
                ("Mei Tan", 2839201, "Shall we?"),
                ("Ravi", 99201, "At 4:15."),
                ("Mei Tan", 2839201, "Ha."),
            ]
        )
    )
    assert said(read("WEBVTT\n\n" + cues)) == [
        ("Mei Tan", "Shall we?"), ("Ravi", "At 4:15."), ("Mei Tan", "Ha."),
    ]  # fmt: skip


def test_tasks_above_the_transcript_with_boxes_to_tick_are_nobodys_turns() -> None:
    points = "Key points\n- Budget: fine\n\n"
    tasks = "Action items\n- [ ] Ida: write\n- [x] Otto: book\n\n"
    talk = "00:03 | Ida\nWell?\n\n00:06 | Otto\nFine. Beds: two.\n\n00:10 | Ida\nGood.\n"
    turns = [("Ida", "Well?"), ("Otto", "Fine. Beds: two."), ("Ida", "Good.")]
    above = f"Weekly\n\n{points}{tasks}Transcript\n\n{talk}"
    assert said(read(above)) == [("Speaker", "Weekly"), *turns]
    below = f"Weekly\n\n{talk}\n{tasks}"
    assert said(read(below)) == [("Speaker", "Weekly"), *turns]


def test_chapters_with_times_between_turns_are_headings_and_names_with_times_are_not() -> None:
    talk = (
        "# Bees\n\n## 00:00 Introduction\n\n**Ida:** Hello.\n\n**Otto:** Thank you.\n\n"
        "## 02:10 The first hive\n\n**Ida:** When was it?\n\n**Otto:** In May. It died: mites.\n"
    )
    reading = read(talk)
    assert said(reading)[-4:] == [
        ("Ida", "Hello."), ("Otto", "Thank you."), ("Ida", "When was it?"),
        ("Otto", "In May. It died: mites."),
    ]  # fmt: skip
    assert any("a tool wrote around the talk" in one for one in reading.notices)
    named = "## 00:01 Ida\n\nHello.\n\n## 00:04 Otto\n\nHello, Ida.\n\n## 00:09 Ida\n\nWell?\n"
    assert [who for who, _ in said(read(named))] == ["Ida", "Otto", "Ida"]


def test_numbers_before_the_questions_only_are_no_speech() -> None:
    talk = (
        "1. Interviewer: What is your job?\nRespondent: Nurse. Ward: B4.\n"
        "2. Interviewer: For long?\nRespondent: 1. here, ten years. 2. before, five.\n"
        "3. Interviewer: Thank you.\n"
    )
    assert said(read(talk)) == [
        ("Interviewer", "What is your job?"), ("Respondent", "Nurse. Ward: B4."),
        ("Interviewer", "For long?"), ("Respondent", "1. here, ten years. 2. before, five."),
        ("Interviewer", "Thank you."),
    ]  # fmt: skip
    points = "Ida: What for?\nOtto: Two days.\n1. Monday: plan\n2. Friday: look\nIda: Oh.\n"
    assert said(read(points))[1] == ("Otto", "Two days. 1. Monday: plan 2. Friday: look")


def test_a_title_may_have_an_initial_behind_it() -> None:
    talk = "I: How so?\nMR R: I was alone.\nMRS R: I was.\nI: Oh?\nMRS R: Yes. Price: love.\n"
    assert [who for who, _ in said(read(talk))] == ["I", "MR R", "MRS R", "I", "MRS R"]


def test_a_name_within_a_line_that_goes_on_in_small_letters_is_in_doubt() -> None:
    talk = (
        "Hope: Who waters them?\nGrant: Will does. Will: that's my brother.\nHope: And who pays?\n"
        "Grant: Not me.\nWill: I heard that.\nHope: Hello.\n"
    )
    assert any("“Will” stands within a line" in one for one in read(talk).report.doubts)
    lower = "ada: where? bo: at sea.\nada: long? bo: years.\nbo: well.\nada: oh.\n"
    assert not read(lower).report.doubts


def test_times_in_words_stand_alone_on_lines() -> None:
    talk = (
        "Nora Blom\n0 minutes 3 seconds\nCan we get ten?\nJürgen Katz\n0 minutes 7 seconds\n"
        "Five. Final: five.\nNora Blom\n1 minute 10 seconds\nOkay.\n"
    )
    reading = read(talk)
    assert [(one.speaker, one.text, one.start_ms) for one in reading.segments] == [
        ("Nora Blom", "Can we get ten?", 3_000), ("Jürgen Katz", "Five. Final: five.", 7_000),
        ("Nora Blom", "Okay.", 70_000),
    ]  # fmt: skip


def test_rows_of_a_table_without_a_name_go_on_where_names_mark_changes() -> None:
    table = "Speaker,Start,Text\nIda,0:01,How?\n,0:03,I mean it.\nOtto,0:05,Well.\n"
    table += ",0:08,Well.\nIda,0:10,So?\n"
    reading = read(table)
    assert said(reading) == [("Ida", "How? I mean it."), ("Otto", "Well. Well."), ("Ida", "So?")]
    assert any("2 rows without a name go on" in one for one in reading.notices)
    named = "Speaker,Text\nIda,How?\nIda,I mean it.\n,Bang.\nOtto,Well.\nOtto,Well.\nIda,So?\n"
    assert ("Speaker", "Bang.") in said(read(named))


def test_a_column_of_names_is_preferred_to_one_of_ids() -> None:
    table = "id,speaker_id,speaker_name,start_ms,text\n1,7,Ida,1200,How?\n"
    table += "2,9,Otto,3000,Well.\n3,7,Ida,5300,So?\n"
    assert [who for who, _ in said(read(table))] == ["Ida", "Otto", "Ida"]


def test_what_a_speaker_does_in_brackets_is_no_part_of_the_name() -> None:
    talk = (
        "Host (smiling): Welcome!\nGuest (sits down): Thank you.\nHost: How is it?\n"
        "Guest (laughs): Broken.\nHost (to all): He is old.\n"
    )
    assert said(read(talk)) == [
        ("Host", "(smiling) Welcome!"), ("Guest", "(sits down) Thank you."), ("Host", "How is it?"),
        ("Guest", "(laughs) Broken."), ("Host", "(to all) He is old."),
    ]  # fmt: skip
    firms = "Ida (acme): How?\nOtto (initech): Well.\nIda (acme): So?\nOtto (initech): So.\n"
    assert said(read(firms))[0] == ("Ida (acme)", "How?")


@pytest.mark.parametrize(
    "text",
    [
        "The wind: it came,\nthe sea: it rose,\nand I: the same\nas these: my woes.\n",
        "Article 1: Scope\nAll.\n\nArticle 2: Payment\nFees: 100 EUR. Late: 10.\n\nTerm: May.\n",
        "Ida Lind: a poet from Riga\nOtto Falk: a sailor, and a poet\nAda Moen: born in Oslo\n",
    ],
)
def test_names_and_headings_that_all_stand_once_are_in_doubt_or_refused(text: str) -> None:
    try:
        reading = read(text)
    except UnknownFormatError:
        return
    assert reading.report.doubts
