"""Reads whether a number is told as the least or the most: "more than 40", "up to 40", "40+"."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from grounding.text.words import Word, listed


class Bound(StrEnum):
    """On which side of a number the amount lies."""

    ABOVE = "above"
    BELOW = "below"

    @property
    def other(self) -> Bound:
        """The other side."""
        return Bound.BELOW if self is Bound.ABOVE else Bound.ABOVE


_BEFORE: Final = {
    ("more", "than"): Bound.ABOVE,
    ("greater", "than"): Bound.ABOVE,
    ("at", "least"): Bound.ABOVE,
    ("upwards", "of"): Bound.ABOVE,
    ("less", "than"): Bound.BELOW,
    ("fewer", "than"): Bound.BELOW,
    ("lower", "than"): Bound.BELOW,
    ("at", "most"): Bound.BELOW,
    ("up", "to"): Bound.BELOW,
    ("over",): Bound.ABOVE,
    ("above",): Bound.ABOVE,
    ("under",): Bound.BELOW,
    ("below",): Bound.BELOW,
    ("almost",): Bound.BELOW,
    ("nearly",): Bound.BELOW,
}
_AFTER: Final = {
    ("or", "more"): Bound.ABOVE,
    ("and", "up"): Bound.ABOVE,
    ("or", "less"): Bound.BELOW,
    ("or", "fewer"): Bound.BELOW,
}
_DENYING: Final = frozenset({"no", "not"})
_MOVING: Final = listed("go goes going went gone come came move moved rise rose risen get got")
"""Before "up to" these tell where something went, and not how much it is at most."""


def bound_of(words: Sequence[Word], start: int, end: int) -> Bound | None:
    """The bound of the number that reaches from the word ``start`` to before ``end``."""
    if words[end - 1].after.startswith("+"):
        return Bound.ABOVE
    after = tuple(word.text for word in words[end : end + 2])
    if after in _AFTER:
        return _AFTER[after]
    for size in (2, 1):
        begin = start - size
        said = tuple(word.text for word in words[max(begin, 0) : start])
        if said in _BEFORE:
            if said == ("up", "to") and words[begin - 1].text in _MOVING:
                return None
            denied = begin > 0 and words[begin - 1].text in _DENYING
            return _BEFORE[said].other if denied else _BEFORE[said]
    return None
