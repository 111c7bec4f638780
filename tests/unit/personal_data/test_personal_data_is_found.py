from __future__ import annotations

import pytest

from personal_data import (
    IDENTIFYING,
    DetectionMode,
    PersonalDataKind,
    find_personal_data,
    get_default_detection_mode,
    preload_models,
)

MODES = [
    DetectionMode.LIGHT,
    *([DetectionMode.HEAVY] if get_default_detection_mode() is DetectionMode.HEAVY else []),
]


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    preload_models()


def _found(
    text: str, wanted: DetectionMode = DetectionMode.LIGHT, **options: object
) -> list[tuple[str, str]]:
    findings = find_personal_data(text, mode=wanted, **options)  # type: ignore[arg-type] # options by name
    return [(one.kind.value, text[one.start : one.end]) for one in findings]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to ann.lee+x@example.co.uk, please.", "EMAIL_ADDRESS", "ann.lee+x@example.co.uk"),
        ("it's ann dot lee at gmail dot com", "EMAIL_ADDRESS", "ann dot lee at gmail dot com"),
        ("It is at https://example.org/a?b=1.", "DOMAIN_NAME", "https://example.org/a?b=1"),
        ("The server is 192.0.2.44 now.", "IP_ADDRESS", "192.0.2.44"),
        ("The server is 2001:db8::1 now.", "IP_ADDRESS", "2001:db8::1"),
        ("They charged 4111 1111 1111 1111 twice.", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("I typed GB82 WEST 1234 5698 7654 32 in", "IBAN_CODE", "GB82 WEST 1234 5698 7654 32"),
        ("It is 536-90-4399, I think.", "US_SSN", "536-90-4399"),
        ("my driver's license is K4712345", "US_DRIVER_LICENSE", "K4712345"),
        ("my insurance number is AB 12 34 56 C", "ID_NUMBER", "AB 12 34 56 C"),
        ("The plate was KX19 ABC, I think.", "ID_NUMBER", "KX19 ABC"),
        ("I post as @ama_builds.", "DOMAIN_NAME", "@ama_builds"),
        (
            "it is oh seven seven double oh nine one two",
            "PHONE_NUMBER",
            "oh seven seven double oh nine one two",
        ),
        ("I told Siobhán and the others.", "PERSON", "Siobhán"),
        ("my passport number is 533380006", "ID_NUMBER", "533380006"),
        ("Call me on +44 20 7946 0958 tonight.", "PHONE_NUMBER", "+44 20 7946 0958"),
        ("my mobile is 9472 7916", "PHONE_NUMBER", "9472 7916"),
        ("It is 12 Timms Drive, Suite 3, honestly.", "STREET_ADDRESS", "12 Timms Drive, Suite 3"),
        ("He lives in Hauptstraße 5 now.", "STREET_ADDRESS", "Hauptstraße 5"),
        ("Send it to P.O. Box 4711 there.", "STREET_ADDRESS", "P.O. Box 4711"),
        ("My zip code is 90210, right?", "ZIP_CODE", "90210"),
        ("She was born on March 3rd, 1981.", "DATE_TIME", "March 3rd, 1981"),
        ("We moved here in 1994 or so.", "DATE_TIME", "1994"),
        ("a 38-year-old nurse", "AGE", "38"),
        ("I'm forty-two, so I know.", "AGE", "forty-two"),
        ("My neighbours are Estonian.", "NRP", "Estonian"),
        ("I asked Krisztián Szöllösy about it.", "PERSON", "Krisztián Szöllösy"),
        ("We moved to New Jersey later.", "GPE", "New Jersey"),
        ("I work for Becker Holdings now.", "ORGANIZATION", "Becker Holdings"),
    ],
)
@pytest.mark.parametrize("wanted", MODES)
def test_finds_what_is_personal(wanted: DetectionMode, text: str, kind: str, value: str) -> None:
    assert _found(text, wanted) == [(kind, value)]


@pytest.mark.parametrize("wanted", MODES)
def test_finds_the_form_of_address_apart_from_the_name(wanted: DetectionMode) -> None:
    assert _found("I told Mrs. Okafor that.", wanted) == [("TITLE", "Mrs."), ("PERSON", "Okafor")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "Yeah, I-I've been there. Uh-huh. Okay. So, like, whatever.",
        "Well, on Monday we plan the week, and by Friday it's all different.",
        "About 3,000 people paid $40 a month for 2 years, that's 16% more.",
        "It took twelve weeks, maybe twenty; every day, twice a day, at 10:30.",
        "The TV and the DVD player were on sale at the store last week.",
        "I'm like, Where'd you go? Nah. Gonna do it. Whatcha think?",
        "We counted one, two, three, four, five, six, seven of them. Meet @ noon.",
        "Chapter 5 has 24 pages. Step 3 is easy.",
        "Wh- what? I d- I don't know.",
        "It's fine. He's there. That's it, what's next? Let's go.",
    ],
)
@pytest.mark.parametrize("wanted", MODES)
def test_leaves_ordinary_talk_alone(wanted: DetectionMode, text: str) -> None:
    assert _found(text, wanted) == []


def test_refuses_a_card_number_whose_checksum_fails() -> None:
    found = find_personal_data("The order 4111 1111 1111 1112 came late.", mode=DetectionMode.LIGHT)
    assert PersonalDataKind.CREDIT_CARD not in {one.kind for one in found}


def test_reads_names_in_talk_that_has_no_capitals() -> None:
    assert _found("i told krisztián about it and went home") == [("PERSON", "krisztián")]


@pytest.mark.parametrize("wanted", MODES)
def test_finds_known_names_and_their_parts_anywhere(wanted: DetectionMode) -> None:
    names = {"Rose Field", "Speaker 2"}
    found = _found("Rose said so. Then Field left the field.", wanted, known_names=names)
    assert found == [("PERSON", "Rose"), ("PERSON", "Field")]


@pytest.mark.parametrize(
    "label",
    [
        "Young, Rose",
        "Rose “Sunny” Young:",
        "Rose_Young",
        "ROSE YOUNG",
        "rose young",
        "Rose's phone (Young)",
    ],
)
@pytest.mark.parametrize("wanted", MODES)
def test_finds_the_parts_of_a_known_name_however_it_is_written(
    wanted: DetectionMode, label: str
) -> None:
    found = _found("Rose pays. Young pays.", wanted, known_names=[label])
    assert found == [("PERSON", "Rose"), ("PERSON", "Young")]


def test_finds_nicknames_in_quotation_marks() -> None:
    found = _found("Sunny pays.", known_names=["Rose “Sunny” Young"])
    assert found == [("PERSON", "Sunny")]


def test_labels_that_name_nobody_are_no_known_names() -> None:
    names = ["Speaker 2", "Interviewer", "P01", "", "Moderator:"]
    assert _found("The Speaker and the Interviewer met a Moderator.", known_names=names) == []


def test_finds_known_names_in_talk_that_has_no_capitals() -> None:
    found = _found("well, mark said ndidi knows", known_names=["Mark", "Ndidi Mark"])
    assert found == [("PERSON", "ndidi")]


def test_finds_forms_but_no_names_in_another_language() -> None:
    text = "Ich heiße Anna Schäfer, anna@example.org."
    assert _found(text, language="de") == [("EMAIL_ADDRESS", "anna@example.org")]


def test_finds_known_names_in_another_language() -> None:
    found = _found("Das war Anna.", language="de-AT", known_names=["Anna Schäfer"])
    assert found == [("PERSON", "Anna")]


def test_counts_positions_in_code_points() -> None:
    [one] = find_personal_data("👩🏽‍⚕️ Szabina called", mode=DetectionMode.LIGHT)
    assert "👩🏽‍⚕️ Szabina called"[one.start : one.end] == "Szabina"


def test_identifying_kinds_are_separate_from_others() -> None:
    assert PersonalDataKind.PERSON in IDENTIFYING
    assert PersonalDataKind.ORGANIZATION not in IDENTIFYING
