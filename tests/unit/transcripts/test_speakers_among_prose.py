"""Labels beside numbers, fields, minutes and courts' notes, in layouts that people type.

Made up; what should come out was written down before they were read.
"""

from __future__ import annotations

import pytest

from unit.transcripts.reading_support import read, said

Turn = tuple[str, str]


def check(content: str, turns: list[Turn]) -> None:
    reading = read(content)
    assert [one for one in said(reading) if one[0] != "Speaker"] == turns
    assert reading.report.doubts == ()


def test_counsel_and_witness_speak_between_questions_in_columns() -> None:
    check(
        "                                     12\n"
        " 4   BY MS. LANE:\n"
        " 5        Q.   Good morning. Where do you work?\n"
        " 6        A.   At the Harlow plant.\n"
        " 7             Since 2009.\n"
        " 8        Q.   In what role?\n"
        " 9             MR. PITT:  Objection.  Form.\n"
        "10             THE WITNESS:  I'm a fitter.\n"
        "11   BY MS. LANE:\n"
        "12        Q.   Thank you.\n",
        [
            ("Q", "Good morning. Where do you work?"),
            ("A", "At the Harlow plant. Since 2009."),
            ("Q", "In what role?"),
            ("MR. PITT", "Objection. Form."),
            ("THE WITNESS", "I'm a fitter."),
            ("Q", "Thank you."),
        ],
    )


@pytest.mark.parametrize("mark", [".-", ".—", ".\u2013"])
def test_a_full_stop_and_a_dash_set_names_off(mark: str) -> None:
    check(
        f"Entrevistadora{mark} ¿Dónde nació usted?\nJacinto{mark} En un pueblo de Soria.\n"
        f"Entrevistadora{mark} ¿Y sus padres?\nJacinto{mark} También.\n",
        [
            ("Entrevistadora", "¿Dónde nació usted?"),
            ("Jacinto", "En un pueblo de Soria."),
            ("Entrevistadora", "¿Y sus padres?"),
            ("Jacinto", "También."),
        ],
    )


def test_fields_above_the_talk_are_nobodys_words() -> None:
    check(
        "Respondent ID: 0417\nAge: 43\nRegion: North\n\nQ1. How often do you shop online?\n"
        "A1. Twice a week.\n\nQ2. What annoys you?\nA2. Windows: they never keep them.\n",
        [
            ("Q", "How often do you shop online?"),
            ("A", "Twice a week."),
            ("Q", "What annoys you?"),
            ("A", "Windows: they never keep them."),
        ],
    )


def test_members_of_a_house_are_named_in_full_once_and_numbered() -> None:
    check(
        "1. Lisa Harrow (Ashby) (Lab): What steps is he taking? [901234]\n\n"
        "The Minister of State (Paul Denny): We have frozen fares.\n\n"
        "Lisa Harrow: My constituents tell me a different story: they pay more.\n\n"
        "Paul Denny: I hear that, and I will write to her.\n\n"
        "Mr Speaker: I call the shadow Minister.\n",
        [
            ("Lisa Harrow (Ashby) (Lab)", "What steps is he taking? [901234]"),
            ("The Minister of State (Paul Denny)", "We have frozen fares."),
            ("Lisa Harrow", "My constituents tell me a different story: they pay more."),
            ("Paul Denny", "I hear that, and I will write to her."),
            ("Mr Speaker", "I call the shadow Minister."),
        ],
    )


def test_the_address_of_a_letter_within_an_answer_is_speech() -> None:
    check(
        "Interviewer: What did the doctor say?\n\n"
        "Ruth: Then she wrote a letter.\nDear Colleague: please see this patient.\nThat was it.\n\n"
        "Interviewer: And the second time?\n\nRuth: Worse.\n",
        [
            ("Interviewer", "What did the doctor say?"),
            (
                "Ruth",
                "Then she wrote a letter. Dear Colleague: please see this patient. That was it.",
            ),
            ("Interviewer", "And the second time?"),
            ("Ruth", "Worse."),
        ],
    )


def test_initials_that_spell_a_word_recur_beside_others() -> None:
    check(
        "Interview Transcript\n\nTitle / project: Atlas\nDate: 4 May 2024\n"
        "Participants: Lena Fitz (LF), Omar Haddad (OH)\nDuration: 42 min\nStyle: clean\n\n"
        "LF: How long have you used it?\nOH: Two years. [crosstalk] Three.\nLF: What for?\n"
        "OH: Invoices. Result: fewer late ones.\nLF: Ha.\n",
        [
            ("LF", "How long have you used it?"),
            ("OH", "Two years. [crosstalk] Three."),
            ("LF", "What for?"),
            ("OH", "Invoices. Result: fewer late ones."),
            ("LF", "Ha."),
        ],
    )


def test_seconds_stand_beside_the_name_in_one_bracket() -> None:
    content = (
        "[SPEAKER_00, 0.52] how was it\n[SPEAKER_01, 2.10] fine\n[SPEAKER_00, 4.00] only fine\n"
    )
    check(
        content, [("SPEAKER_00", "how was it"), ("SPEAKER_01", "fine"), ("SPEAKER_00", "only fine")]
    )
    assert [one.start_ms for one in read(content).segments] == [520, 2_100, 4_000]


def test_people_round_a_table_are_named_by_their_places() -> None:
    check(
        "Moderator: Let's go round.\n1: I'm a baker.\n2: Retired.\n3: Nurse. Shift work: nights.\n"
        "Moderator: And you?\n4: Student.\n2: I forgot: I drive a van.\n",
        [
            ("Moderator", "Let's go round."),
            ("1", "I'm a baker."),
            ("2", "Retired."),
            ("3", "Nurse. Shift work: nights."),
            ("Moderator", "And you?"),
            ("4", "Student."),
            ("2", "I forgot: I drive a van."),
        ],
    )


def test_numbers_of_paragraphs_have_a_mark_before_them() -> None:
    check(
        "¶1 INT: When?\n¶2 ANA: In 1990.\n¶3 INT: Why?\n¶4 ANA: Work.\n",
        [("INT", "When?"), ("ANA", "In 1990."), ("INT", "Why?"), ("ANA", "Work.")],
    )


def test_a_command_that_was_typed_is_nobodys_words() -> None:
    reading = read(
        "$ whisper talk.mp3\n[00:00.000 --> 00:03.000]  Hello.\n"
        "[00:03.000 --> 00:06.500]  Thanks.\n"
    )
    assert said(reading) == [("Speaker", "Hello. Thanks.")]
    assert "1 line that a tool wrote around the talk was dropped: line 1" in reading.notices


def test_a_label_that_stands_once_within_a_line_is_in_doubt() -> None:
    reading = read(
        "Q: What was it about?\nA: I can quote it. POLONIUS: What is the matter? And so on.\n"
        "Q: Did you play it?\nA: I was the ghost.\nQ: Ha.\n"
    )
    assert "“POLONIUS” stands once only, within a line" in reading.report.doubts[0]


def test_chairs_of_a_house_are_named_by_their_office() -> None:
    check(
        "Mr. WALTON. Mr. Speaker, I rise.\nThe SPEAKER pro tempore. Time has expired.\n"
        "Ms. ORTIZ of Texas. I yield.\nMr. WALTON. I thank the gentlewoman.\n",
        [
            ("Mr. WALTON", "Mr. Speaker, I rise."),
            ("The SPEAKER pro tempore", "Time has expired."),
            ("Ms. ORTIZ of Texas", "I yield."),
            ("Mr. WALTON", "I thank the gentlewoman."),
        ],
    )


def test_numbers_in_brackets_count_lines_and_marks_set_initials_off() -> None:
    check(
        "[1] INT> How was it?\n[2] CL> Hard.\n[3] INT> The usual?\n[4] CL> Sleep.\n",
        [("INT", "How was it?"), ("CL", "Hard."), ("INT", "The usual?"), ("CL", "Sleep.")],
    )


def test_last_names_speak_where_the_whole_names_spoke_before() -> None:
    check(
        "JO PARK, ANCHOR: Good evening.\n\nTIM ODE, CORRESPONDENT: The river rose at dawn.\n\n"
        "UNIDENTIFIED FEMALE: We lost it all.\n\nPARK: Tim, what now?\n\nODE: Now they wait.\n",
        [
            ("JO PARK, ANCHOR", "Good evening."),
            ("TIM ODE, CORRESPONDENT", "The river rose at dawn."),
            ("UNIDENTIFIED FEMALE", "We lost it all."),
            ("PARK", "Tim, what now?"),
            ("ODE", "Now they wait."),
        ],
    )


def test_questions_that_are_said_again_and_again_are_no_head_of_pages() -> None:
    content = "Odile: So\nQ. so so so so\nQ. so so so so\nQ. so so so so"
    assert " ".join(text for _, text in said(read(content))).count("so") == 12


def test_marks_set_names_off_behind_times() -> None:
    content = "00:01 NORA » Where?\n00:04 PIET » There.\n00:09 NORA » I see.\n00:12 PIET » Yes.\n"
    check(content, [("NORA", "Where?"), ("PIET", "There."), ("NORA", "I see."), ("PIET", "Yes.")])
    assert [one.start_ms for one in read(content).segments] == [1_000, 4_000, 9_000, 12_000]


def test_members_who_are_not_named_speak_too() -> None:
    check(
        "Hon. Marie Roy (Lib.): Mr. Speaker, we have acted.\n\n"
        "Some hon. members: Oh, oh!\n\nThe Speaker: Order.\n\n"
        "Hon. Marie Roy: It is clear: 40 boats.\n",
        [
            ("Hon. Marie Roy (Lib.)", "Mr. Speaker, we have acted."),
            ("Some hon. members", "Oh, oh!"),
            ("The Speaker", "Order."),
            ("Hon. Marie Roy", "It is clear: 40 boats."),
        ],
    )


@pytest.mark.parametrize("title", ["Mevr.", "Dhr.", "Sra.", "Dott.", "Cllr."])
def test_titles_with_a_full_stop_begin_names(title: str) -> None:
    check(
        f"Interviewer: When?\n{title} de Wit: In 1960. Reason: work.\nInterviewer: And then?\n"
        f"{title} de Wit: I stayed.\n",
        [
            ("Interviewer", "When?"),
            (f"{title} de Wit", "In 1960. Reason: work."),
            ("Interviewer", "And then?"),
            (f"{title} de Wit", "I stayed."),
        ],
    )


def test_words_before_a_colon_within_a_cue_are_speech() -> None:
    check(
        "0:00:01.000,0:00:03.000\nLena: Where was it?\n\n0:00:03.500,0:00:05.000\n"
        "Omar: Behind the barn.\nNear: the well.\n\n0:00:05.500,0:00:07.000\nLena: I see.\n",
        [
            ("Lena", "Where was it?"),
            ("Omar", "Behind the barn. Near: the well."),
            ("Lena", "I see."),
        ],
    )


@pytest.mark.parametrize(
    ("content", "doubt"),
    [
        (
            (
                "### 00:00 \u2013 Start\n\n**Lena:** Morning.\n\n**Omar:** Morning.\n\n"
                "### 05:00 \u2013 Tea\n\n"
                "**Lena:** Point one.\n\n**Omar:** At last.\n"
            ),
            "a heading stands in what Omar says",
        ),
        (
            "> [!quote] Lena\n> Where?\n\n> [!quote] Omar\n> There.\n\n> [!quote] Lena\n> So.\n",
            "looks like part of the layout",
        ),
        (
            "Session 4\n@Nora  [t=1.0]  Where?\n@Piet  [t=4.5]  There.\n@Nora  [t=9.0]  So.\n",
            "3 segments begin alike, as “[t=0.0]”",
        ),
        (
            (
                "Strand: When was that?1\n\nOyelaran: In 1931.[2] My aunt came.\n\n"
                "Strand: And then?\n\n"
                "Oyelaran: She stayed.\n\n1. At noon.\n2. In 1932, says the register.\n"
            ),
            "the lines from line 9 may be footnotes",
        ),
        (
            (
                "[00:00.000 --> 00:02.500] Where was it? [SPEAKER_TURN]\n"
                "[00:02.500 --> 00:04.000] There.\n"
            ),
            "“[SPEAKER_TURN]” marks changes of speaker",
        ),
        (
            ">> NORA: Where was it?\n>> PIET: Behind the barn.\n>> NORA: I see.\n>> Near it.\n",
            "“>>” stands in what NORA says",
        ),
        (
            (
                "INTERVIEWER: Born where?\n\nADA: In Split.\n\nCHILDHOOD\n\n"
                "INTERVIEWER: A house?\n\n"
                "ADA: Two rooms.\n"
            ),
            "line 5, “CHILDHOOD”, may be a heading",
        ),
        (
            (
                "Interviewer: Born where?\n\nAda: In Split.\n\nEarly days\n\n"
                "Interviewer: A house?\n\nAda: Two rooms.\n\nThe war\n\n"
                "Interviewer: And then?\n\nAda: We left.\n"
            ),
            "they may be headings",
        ),
        (
            (
                "JO PARK: Good evening.\nIt is late.\nTIM ODE: It rose.\nAll of it.\nJO PARK: So?\n"
                "TIM ODE: They wait.\nBREAKING: The dam held.\n"
            ),
            "“BREAKING” stands before a colon in capitals",
        ),
        (
            (
                "Interviewer: Could you read it?\nMina: OK.\nTom: where are you\n"
                "Mina: On the bus.\nTom: hurry\nInterviewer: And Tom?\nMina: My cousin.\n"
            ),
            "what “Tom” says always begins in small letters",
        ),
    ],
)
def test_signs_that_somebody_else_speaks_are_doubts(content: str, doubt: str) -> None:
    assert doubt in " ".join(read(content).report.doubts)
