"""More exports as people remember them, one of each kind that was once misread.

What should come out was written down before they were read. Where nobody could know who speaks,
the reading must be in doubt.
"""

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
    assert turns("Maja: Rain.\nWhy always Monday?\nMaja: The vet came.\nNothing.\nMaja: Sun.\n")


@pytest.mark.parametrize(("head", "doubts"), [("Text", 0), ("Original", 1)])
def test_two_columns_of_text(head: str, doubts: int) -> None:
    content = (
        f"Speaker\t{head}\tTranslation\nInt\tHvor bor du nu?\tWhere do you live?\n"
        "Jens\tI Århus.\tIn Aarhus.\nInt\tHelt alene?\tAll alone?\n"
    )
    reading = read(content)
    assert len(reading.report.doubts) == doubts
    assert len(reading.notices) == 1 - doubts
