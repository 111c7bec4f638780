"""What is denied and what is affirmed agree, whatever the wording."""

from __future__ import annotations

import pytest

from grounding import assess_note
from unit.grounding.drafts import chunk, draft, failed_beyond_form, segment

SUPPORTED = [
    (
        "She has been there for 3 years and does not want to leave.",
        "I've been there three years now. I don't wanna leave.",
    ),
    ("We pay yearly", "We don't pay monthly but we pay yearly"),
    ("They pay yearly, not monthly.", "We don't pay monthly but we pay yearly"),
    ("It's good, isn't it?", "It's good, isn't it?"),
    ("It's good", "It's good, isn't it?"),
    ("It's good", "It's good, don't you think?"),
    ("It's slow", "It's, no, I mean, it's slow"),
    ("It's not only cheap but fast", "It's not only cheap but fast"),
    ("It's cheap and fast", "It's not only cheap but fast"),
    ("The participant would not recommend the product.", "I would not recommend it to anyone."),
    ("She never recommends it", "I ain't never recommended it to nobody."),
    ("He has no problem with the price", "I don't have any problems with the price"),
    ("No one uses it", "No one uses it"),
    ("One of the reasons is price", "the price is a reason"),
    ("He can't afford it", "He cannot afford it"),
    ("They no longer use it", "We don't use it any longer"),
    ("He refuses to pay", "I won't pay"),
    ("I didn't know", "I don't, I didn't know"),
    ("I like it", "I don't... I like it"),
    ("We pay for it", "We, we don't, uh, we pay for it"),
    ("I think it's not good", "I don't think it's good"),
    ("I don't know if I'd go", "I don't know if I'd go"),
    ("They use it without help", "We use it without any help"),
    ("It's hardly used", "It's hardly ever used"),
    ("I have no money", "I don't have money"),
    ("Neither of them works", "Neither of them works"),
    ("The tram does not run at night.", "There's no tram at night."),
    ("It was not easy to find.", "It was difficult to find"),
    ("He's not 'against it'", "He's not against it"),
    ("It is not that people don't care", "It's not that people don't care"),
]

UNSUPPORTED = [
    (
        "She has been there for 3 years and wants to leave.",
        "I've been there three years now. I don't wanna leave.",
    ),
    ("I would recommend it", "I would not recommend it"),
    ("They packed the boxes", "They did not pack or unpack the boxes"),
    ("They unpacked the boxes", "They did not unpack the boxes"),
    ("She pays unless asked", "She does not, not unless asked, pay"),
    ("I would not recommend it", "I would recommend it"),
    ("We pay monthly", "We don't pay monthly but we pay yearly"),
    ("The participant would recommend it to others.", "I would not recommend it to anyone."),
    ("She recommends it to friends", "I ain't never recommended it to nobody."),
    ("He has problems with the price", "I don't have any problems with the price"),
    ("He can afford it", "He can't afford it"),
    ("He can afford it", "He can\u2019t afford it"),
    ("They use it", "We no longer use it"),
    ("He pays", "I refuse to pay"),
    ("Nobody helped", "Somebody helped"),
    ("Everybody helped", "Nobody helped"),
    ("I would recommend it", "I would not, uh, recommend it"),
    ("I would recommend it", "I would, you know, not recommend it"),
    ("I think it's good", "I don't think it's good"),
    ("I'd go", "I don't know if I'd go"),
    ("They use it with help", "We use it without help"),
    ("It's used", "It's hardly used"),
    ("I have money", "I have no money"),
    ("Both of them work", "Neither of them works"),
    ("The tram runs at night.", "There's no tram at night."),
    ("People don't care", "It's not that people don't care"),
]


@pytest.mark.parametrize(("statement", "quote"), SUPPORTED)
def test_accepts_the_same_sense_in_other_words(statement: str, quote: str) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote)))) == []


@pytest.mark.parametrize(("statement", "quote"), UNSUPPORTED)
def test_rejects_what_does_not_agree_in_negations(statement: str, quote: str) -> None:
    assert "negation_mismatch" in failed_beyond_form(
        assess_note(draft(statement), chunk(segment(1, quote)))
    )
