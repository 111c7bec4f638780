"""Who a statement speaks of, and whose words it says they are."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from simulator.wording import parse_word_set

_FIRST_PERSON: Final = {
    "i": "they",
    "i'm": "they're",
    "i've": "they've",
    "i'd": "they'd",
    "i'll": "they'll",
    "me": "them",
    "my": "their",
    "mine": "theirs",
    "myself": "themselves",
    "we": "they",
    "we're": "they're",
    "we've": "they've",
    "we'd": "they'd",
    "we'll": "they'll",
    "us": "them",
    "our": "their",
    "ours": "theirs",
    "ourselves": "themselves",
}
_AGREEMENT: Final = (
    (re.compile(r"\b(they|i) am\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"\b(they) (just |really |also |only |never |always )?was\b"), r"\1 \2were"),
    (re.compile(r"\bam they\b"), "are they"),
    (re.compile(r"\bwas they\b"), "were they"),
)
_OTHERS: Final = re.compile(r"\b(?:they|them|their|theirs|'em)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"[\w'\u2019]+")
BEGINNINGS: Final = parse_word_set(
    """they they're they've they'd they'll their the a an it it's there there's there're this that
    that's these those he he's she she's you you're your we if when because so and but what in at on
    for from with people some most all everybody everyone nobody not never sometimes usually then
    now here one two as by after before every no my i we'd we're we've i'm i've i'd i'll our who
    which someone somebody everyone each many several both another their one's mine since while once
    perhaps maybe plenty normally often last back also just only"""
)
"""Words that have a capital only where they begin a sentence."""


def convert_to_third_person(text: str) -> str:
    """Rewrite a sentence from the first to the third person: "they" for "I" and "we"."""
    retold = _WORD.sub(_exchange, text)
    for pattern, form in _AGREEMENT:
        retold = pattern.sub(form, retold)
    return retold[:1].upper() + retold[1:]


def _exchange(word: re.Match[str]) -> str:
    said = word.group().replace("\u2019", "'")
    if said == "US":
        return said
    return _FIRST_PERSON.get(said.casefold(), word.group())


def phrase_as_note(text: str, speaker: str, chance: Random) -> str:
    """Phrase a speaker's first-person sentence as a note's statement.

    Where others are "they" besides, it stays in the first person, so that it can be understood.
    """
    retold = convert_to_third_person(text)
    if retold != text and _OTHERS.search(text):
        return text
    match chance.randrange(6):
        case 0:
            return text
        case 1 | 2:
            return retold
        case 3:
            return f"According to {speaker}, {_continue(retold)}"
        case 4:
            return f"The participant said that {_continue(retold)}"
    return attribute_statement(retold, speaker)


def attribute_statement(retold: str, speaker: str) -> str:
    """Attribute a sentence to a speaker by name: "Ann said that …"."""
    return f"{speaker} said that {_continue(retold)}"


def _continue(text: str) -> str:
    """Return a sentence without a capital, unless it begins with a name."""
    first = text.split(" ", 1)[0].replace("\u2019", "'").rstrip(",")
    is_usual = first != "I" and first.casefold() in BEGINNINGS
    return text[:1].lower() + text[1:] if is_usual else text
