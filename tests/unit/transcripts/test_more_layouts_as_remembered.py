"""More exports as people remember them, one of each kind that was once misread.

What should come out was written down before they were read. Where nobody could know who speaks,
the reading must be in doubt.
"""

# ruff: noqa: RUF001 - samples of many scripts

from __future__ import annotations

import pytest

from unit.transcripts.reading_support import read, said


def turns(content: str) -> list[tuple[str, str]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return said(reading)


# Labels


@pytest.mark.parametrize("mark", ["|", ">", " =", "...", " →", " ~"])
def test_names_before_a_mark_of_the_files_own(mark: str) -> None:
    content = "".join(
        f"{name}{mark} {text}\n"
        for name, text in [("Ada", "Where was it?"), ("Bo", "At sea. Port: Riga.")] * 2
    )
    assert turns(content) == [("Ada", "Where was it?"), ("Bo", "At sea. Port: Riga.")] * 2


def test_such_marks_in_speech_name_nobody() -> None:
    content = "Ada: Where?\nBo: I wrote x\nHope = fear\nSea = salt\nAda: Oh.\nBo: Yes.\n"
    assert turns(content) == [
        ("Ada", "Where?"), ("Bo", "I wrote x Hope = fear Sea = salt"), ("Ada", "Oh."),
        ("Bo", "Yes."),
    ]  # fmt: skip


def test_a_number_that_speaks_once_among_numbers() -> None:
    content = "1: When?\n2: In May.\n1: Who?\n3: Me too.\n2: Yes, she.\n1: Thanks.\n"
    assert [speaker for speaker, _ in turns(content)] == ["1", "2", "1", "3", "2", "1"]


def test_a_role_within_a_line_before_small_letters_is_speech() -> None:
    content = "Dr. Klein: Sind Sie bereit?\nHr. Vogt: Ja. Frage: wie lange?\nDr. Klein: Kurz.\n"
    assert turns(content)[1] == ("Hr. Vogt", "Ja. Frage: wie lange?")


def test_minutes_of_a_french_parliament() -> None:
    content = (
        "M. le président. La parole est à M. Jean Roux.\n"
        "M. Jean Roux. Merci. Deux points : l'eau, le prix.\n"
        "Mme Claire Petit, ministre. L'eau est chère.\nM. Jean Roux. Justement.\n"
    )
    assert turns(content) == [
        ("M. le président", "La parole est à M. Jean Roux."),
        ("M. Jean Roux", "Merci. Deux points : l'eau, le prix."),
        ("Mme Claire Petit, ministre", "L'eau est chère."),
        ("M. Jean Roux", "Justement."),
    ]


def test_an_initial_before_a_short_sentence_is_no_french_title() -> None:
    content = "M. Where were you? Tell us.\nK. At sea. Two years.\nM. Hello. Go on.\nK. Yes.\n"
    assert turns(content)[2] == ("M", "Hello. Go on.")


def test_a_list_of_exmaralda_tiers() -> None:
    content = (
        "[1]\nInt [v]  Wo wohnst du?\nKim [v]               In Bonn.\nKim [nv]  nickt\n"
        "[2]\nInt [v]  Allein?\nKim [v]          Nein. Mit: Hund.\n"
    )
    reading = read(content)
    assert said(reading) == [
        ("Int", "Wo wohnst du?"), ("Kim", "In Bonn."), ("Int", "Allein?"),
        ("Kim", "Nein. Mit: Hund."),
    ]  # fmt: skip
    assert "1 line of a tier of notes or translations was passed over" in reading.notices


# Words that were lost


def test_a_translation_in_brackets_is_kept_where_a_label_would_say_nothing() -> None:
    content = "Int: Hvor bor du?\n(Where?)\nJens: I Århus.\n(In Aarhus.)\nInt: Alene?\n(Alone?)\n"
    assert turns(content)[1] == ("Jens", "I Århus. (In Aarhus.)")


def test_rows_of_pauses_are_passed_over_and_counted() -> None:
    content = (
        "Line\tSpkr\tStTime\tContent\tEnTime\n1\tInt\t0.5\tWhere?\t1.9\n"
        "2\tInt\t1.9\t(pause 0.40)\t2.3\n3\tKim\t2.3\tHere.\t4.0\n"
    )
    reading = read(content)
    assert said(reading) == [("Int", "Where?"), ("Kim", "Here.")]
    assert reading.notices == ("1 row that holds nothing but a pause was passed over",)


# Doubts


def test_lines_that_ask_and_have_no_name_are_in_doubt() -> None:
    content = (
        "Where did you grow up?\nMaja: On a farm.\nAnd school?\nMaja: An hour by bus.\n"
        "What did you read?\nMaja: Anything.\n"
    )
    assert read(content).report.doubts == (
        "only Maja is named, and lines without a name that ask stand before each turn",
    )


def test_one_speaker_who_also_asks_is_in_no_doubt() -> None:
    assert turns("Maja: Rain.\nWhy Monday?\nMaja: The vet came.\nNothing.\nRain.\nMaja: Sun.\n")


@pytest.mark.parametrize(("head", "doubts"), [("Text", 0), ("Original", 1)])
def test_two_columns_of_text(head: str, doubts: int) -> None:
    content = (
        f"Speaker\t{head}\tTranslation\nInt\tHvor bor du nu?\tWhere do you live?\n"
        "Jens\tI Århus.\tIn Aarhus.\nInt\tHelt alene?\tAll alone?\n"
    )
    reading = read(content)
    assert len(reading.report.doubts) == doubts
    assert len(reading.notices) == 1 - doubts


@pytest.mark.parametrize(
    ("content", "doubt"),
    [
        (
            "Ada: Where?\nBo: At sea.\nAda: Long?\nwaiter: more tea?\nAda: Please.\nBo: No.\n",
            "“waiter” stands before a colon between two turns of Ada: it may be another speaker",
        ),
        (
            "Int: Who?\nRosa: We.\nMother: at the stove.\nFather: outside.\nInt: You?\nRosa: No.\n",
            (
                "“Mother” is named once only, and goes on in small letters: it may be part of "
                "what was said before it"
            ),
        ),
        (
            (
                "**The Paper: Where?**\n\nOlga Berg: At sea.\n\n**Long?**\n\nYears.\n\n"
                "**And then?**\n\nHome.\n"
            ),
            (
                "2 paragraphs that ask have no name, although others are named: they may be the "
                "interviewer's"
            ),
        ),
        (
            "Ada: I rose.\nIt was dark\nAda: I ate.\nIt was late\nAda: I left.\n",
            "only Ada is named, and one line without a name stands between any two turns",
        ),
    ],
)
def test_what_the_other_labels_make_unlikely_is_in_doubt(content: str, doubt: str) -> None:
    assert read(content).report.doubts == (doubt,)


def test_a_third_speaker_written_like_the_others_is_in_no_doubt() -> None:
    content = "Ada: Where?\nBo: At sea.\nWaiter: More tea?\nAda: Please.\nBo: No.\n"
    assert turns(content)[2] == ("Waiter", "More tea?")


def test_questions_below_names_on_lines_of_their_own_are_in_no_doubt() -> None:
    content = "Ada\n\nWhere was it?\n\nBo\n\nWhere? At sea.\n\nAda\n\nLong?\n\nBo\n\nWhy?\n"
    assert len(turns(content)) == 4


# Names and tiers


def test_a_title_makes_a_name_of_an_ordinary_word() -> None:
    content = (
        "THE COURT: Be seated.\nMS. VALE: Thank you.\nQ. Were you there?\nA. I was.\n"
        "Q. When?\nA. At six.\nTHE COURT: Recess.\n"
    )
    assert turns(content)[1] == ("MS. VALE", "Thank you.")


def test_whole_lines_in_bold() -> None:
    content = "**Q: Where?**\n\nA: At sea.\n\n**Q: Long?**\n\nA: Years.\n"
    assert turns(content) == [("Q", "Where?"), ("A", "At sea."), ("Q", "Long?"), ("A", "Years.")]


def test_dependent_tiers_of_chat_without_its_head() -> None:
    reading = read("*ADA: where ?\n%mor: adv|where\n*OLG: at sea .\n*ADA: long ?\n")
    assert said(reading) == [("ADA", "where ?"), ("OLG", "at sea ."), ("ADA", "long ?")]
    assert reading.notices == ("1 line of a tier of notes or translations was passed over",)


def test_names_before_an_ideographic_blank() -> None:
    content = "记者　你在哪里？\n王芳　在家。\n记者　一个人？\n王芳　不。\n"
    assert turns(content)[:2] == [("记者", "你在哪里？"), ("王芳", "在家。")]
