"""Quotes are found whether or not the model writes what nobody sees, and copied as they stand."""

from __future__ import annotations

import re

import pytest

from grounding.evidence import find_passage
from grounding.text.words import split_words

SPOKEN = {
    "Persian": "من می\u200cخواهم کتاب\u200cها را بخوانم",
    "Arabic": "هَذَا نَصٌّ حَكِيمٌ لَهُ سِرٌّ",
    "Hebrew": "בְּרֵאשִׁית בָּרָא אֱלֹהִים",
    "Devanagari": "वे कहते हैं कि क्\u200dषमा की बात है",
    "Bengali": "আমি র\u200d্যাব নিয়ে কথা বলি",
    "Malayalam": "അവന്\u200d എന്നോട് പറഞ്ഞു",
    "Sinhala": "මම ශ්\u200dරී ලංකාවේ ඉන්නවා",
    "Khmer": "ខ្ញុំ\u200bនិយាយ ភាសា\u200bខ្មែរ ល្អ",
    "Thai": "ฉันพูด ภาษา\u200bไทย ได้ดี",
    "German": "die Donau\u00addampf\u00adschiff war teuer",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ\u180eᠠ ᠪᠠ\u180bᠠ ᠬᠦᠮᠦᠨ",
    "Japanese": "葛\U000e0100城市 で 話した",
}


@pytest.mark.parametrize("script", SPOKEN)
@pytest.mark.parametrize("writes", ["all", "without"])
def test_a_quote_is_found_whether_or_not_the_model_writes_joiners(script: str, writes: str) -> None:
    text = SPOKEN[script]
    first, last = text.split()[0], text.split()[-2]
    if writes == "without":
        first, last = (
            re.sub("[\u00ad\u180b\u180e\u200b-\u200d\U000e0100]", "", one) for one in (first, last)
        )
    found = find_passage(text, first, last)
    assert found is not None
    assert text[slice(*found)] == " ".join(text.split()[:-1])


@pytest.mark.parametrize("script", SPOKEN)
def test_words_are_not_broken_at_their_marks(script: str) -> None:
    assert len(split_words(SPOKEN[script])) == len(SPOKEN[script].split())


@pytest.mark.parametrize(
    ("text", "cited"),
    [("राम की किताब", "राम का"), ("කා ගියා", "කි"), ("ครับ มา", "คราบ"), ("שָׁלוֹם", "שָׁלֵם")],
)
def test_another_vowel_sign_is_another_word(text: str, cited: str) -> None:
    assert find_passage(text, cited, "") is None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("we went from go-go bars to work", "we went", "from go"),
        ("we had a re-sign of the lease", "sign of", ""),
        ("it is a state-of-the-art thing", "it is", "state of the"),
        ("well-being is on my mind", "being", "mind"),
        ("we went from go\u2010go bars", "we", "from go"),
    ],
)
def test_a_quote_does_not_begin_or_end_within_a_hyphenated_word(
    text: str, first: str, last: str
) -> None:
    assert find_passage(text, first, last) is None


@pytest.mark.parametrize(
    ("text", "first", "last", "quote"),
    [
        (
            "we went from go-go bars to from go then",
            "we",
            "from go",
            "we went from go-go bars to from go",
        ),
        ("from go-go bars and from go", "from", "go go", "from go-go"),
        ("a two-year plan, ten- or so", "two-year", "ten", "two-year plan, ten-"),
        ("we left - and then", "we", "left", "we left"),
        ("the re-sign and the sign of it", "sign of", "it", "sign of it"),
    ],
)
def test_whole_hyphenated_words_are_found(text: str, first: str, last: str, quote: str) -> None:
    found = find_passage(text, first, last)
    assert found is not None
    assert text[slice(*found)] == quote
