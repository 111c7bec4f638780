"""Read whether a number is a minimum or a maximum: "more than 40", "up to 40", "40+"."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from grounding.text.words import Word, parse_word_list


class NumberBoundDirection(StrEnum):
    """Direction of a bound on a number: "at least 5" is above, "at most 5" is below."""

    ABOVE = "above"
    BELOW = "below"

    @property
    def other(self) -> NumberBoundDirection:
        """The opposite side."""
        return (
            NumberBoundDirection.BELOW
            if self is NumberBoundDirection.ABOVE
            else NumberBoundDirection.ABOVE
        )


_BEFORE: Final = {
    ("more", "than"): NumberBoundDirection.ABOVE,
    ("greater", "than"): NumberBoundDirection.ABOVE,
    ("at", "least"): NumberBoundDirection.ABOVE,
    ("upwards", "of"): NumberBoundDirection.ABOVE,
    ("less", "than"): NumberBoundDirection.BELOW,
    ("fewer", "than"): NumberBoundDirection.BELOW,
    ("lower", "than"): NumberBoundDirection.BELOW,
    ("at", "most"): NumberBoundDirection.BELOW,
    ("up", "to"): NumberBoundDirection.BELOW,
    ("over",): NumberBoundDirection.ABOVE,
    ("above",): NumberBoundDirection.ABOVE,
    ("under",): NumberBoundDirection.BELOW,
    ("below",): NumberBoundDirection.BELOW,
    ("almost",): NumberBoundDirection.BELOW,
    ("nearly",): NumberBoundDirection.BELOW,
}
_AFTER: Final = {
    ("or", "more"): NumberBoundDirection.ABOVE,
    ("and", "up"): NumberBoundDirection.ABOVE,
    ("or", "less"): NumberBoundDirection.BELOW,
    ("or", "fewer"): NumberBoundDirection.BELOW,
}
_BEHIND: Final = {("almost",), ("nearly",)}
"""Also said behind a number, at the end of a clause: "$200 almost"."""
_PUNCTUATION: Final = frozenset(",.;:!?…")
_DENYING: Final = frozenset({"no", "not"})
_MOVING: Final = parse_word_list(
    "go goes going went gone come came move moved rise rose risen get got"
)
"""Before "up to" these mean where something went, and not how much it is at most."""


def parse_number_bound(words: Sequence[Word], start: int, end: int) -> NumberBoundDirection | None:
    """Parse the words before or after a number, such as "at least"; return its bound or None."""
    if words[end - 1].after.startswith("+"):
        return NumberBoundDirection.ABOVE
    after = tuple(word.text for word in words[end : end + 2])
    if after in _AFTER:
        return _AFTER[after]
    if after[:1] in _BEHIND and _closes_clause(words[end]):
        return NumberBoundDirection.BELOW
    for size in (2, 1):
        begin = start - size
        said = tuple(word.text for word in words[max(begin, 0) : start])
        if said in _BEFORE:
            if said == ("up", "to") and words[begin - 1].text in _MOVING:
                return None
            denied = begin > 0 and words[begin - 1].text in _DENYING
            return _BEFORE[said].other if denied else _BEFORE[said]
    return None


def _closes_clause(word: Word) -> bool:
    """Return whether a word belongs to what stands before it, and nothing follows."""
    if not _PUNCTUATION.isdisjoint(word.before):
        return False
    return not word.after or not _PUNCTUATION.isdisjoint(word.after)
