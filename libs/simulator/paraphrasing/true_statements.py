"""Templates of true notes: sentences tidied, or told in other words that say the same."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from simulator.paraphrasing.persons import phrase_as_note
from simulator.paraphrasing.sentences import SpokenSentence

_SAME: Final = tuple(
    (re.compile(rf"\b{said}\b", re.IGNORECASE), other)
    for said, other in (
        ("don't", "do not"),
        ("didn't", "did not"),
        ("can't", "cannot"),
        ("isn't", "is not"),
        ("wasn't", "was not"),
        ("it's", "it is"),
        ("gonna", "going to"),
        ("wanna", "want to"),
        ("kids", "children"),
        ("mom|mum", "mother"),
        ("dad", "father"),
        ("tv", "television"),
        ("everybody", "everyone"),
        ("nobody", "no one"),
        ("maybe", "perhaps"),
        ("got to be", "became"),
        ("bought", "purchased"),
        ("huge", "enormous"),
        ("usually", "normally"),
        ("scared", "afraid"),
        ("difficult", "hard"),
        ("started", "began"),
        ("grew up", "was raised"),
        ("a lot of", "plenty of"),
        ("a bunch of", "a number of"),
        ("right now", "at the moment"),
        ("cheap", "inexpensive"),
        ("often", "frequently"),
        ("helped", "assisted"),
        ("forty", "40"),
        ("ten", "10"),
        ("twenty", "20"),
    )
)
_MAX_CHANGES: Final = 3
_CLAUSES: Final = re.compile(
    r"^(?P<one>(?:I|we|they|he|she|it|there|my \w+)\b.{15,}?),? and "
    r"(?P<other>(?:I|we|they|he|she|it|there|my \w+)\b.{15,})$",
    re.IGNORECASE,
)
_FAR_REACHING: Final = re.compile(
    r"\b(?:if|when|unless|because|would|could|might|may|said|says|think|thought|guess|maybe|not|or"
    r"|never|no|all|every|only|most|until|whether|hope|wish|but|probably|perhaps)\b|n't\b|'d\b",
    re.IGNORECASE,
)


def restate_quote_truthfully(one: SpokenSentence, chance: Random) -> str | None:
    """Rewrite a sentence as a true statement: cleaned up, or in the third person."""
    return phrase_as_note(one.text, one.turn.speaker, chance) if one.is_plain else None


def paraphrase_faithfully(one: SpokenSentence, chance: Random) -> str | None:
    """Write a true statement that paraphrases a sentence, or one clause of it."""
    if not one.is_plain:
        return None
    text = _take_clause(one.text, chance)
    fitting = [(pattern, other) for pattern, other in _SAME if pattern.search(text)]
    chance.shuffle(fitting)
    for pattern, other in fitting[:_MAX_CHANGES]:
        text = pattern.sub(other, text)
    if text == one.text:
        return None
    return phrase_as_note(text[:1].upper() + text[1:], one.turn.speaker, chance)


def _take_clause(text: str, chance: Random) -> str:
    clauses = _CLAUSES.match(text)
    if clauses is None or _FAR_REACHING.search(text):
        return text
    return chance.choice((f"{clauses['one'].rstrip(' ,')}.", clauses["other"]))
