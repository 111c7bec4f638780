"""Finds the quantities of a text: numbers with what they count, comparable across wordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from grounding.measures import UNITS, Unit
from grounding.numerals import ARITHMETIC, Numeral, and_a_fraction, read_numeral
from grounding.words import FUNCTION_WORDS, Word, listed, spoken_words, stem

_ONE = Decimal(1)
_ORDINAL = Unit("place")
_DECADE = Unit("decade")
_JOINING = listed("to or and maybe even about through like say")
_LONGEST_JOIN = 2
_TWO_WORD_UNITS = {("per", "cent"): "%", ("a", "m"): "am", ("p", "m"): "pm"}
_BEFORE_UNITS = frozenset({"of", "more", "other", "full", "whole", "us"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text.

    Attributes:
        values: its possible values.
        unit: the unit it is given in, if one is told.
        noun: the stem of the word it counts ("" if none follows).
        is_weak: "one", "an hour", "first": often no count at all, so only a conflict refuses it.
        text: how the text words it.
        parts: what it may also be: two numbers in a row.
    """

    values: frozenset[Decimal]
    unit: Unit | None
    noun: str
    is_weak: bool
    text: str
    parts: tuple[Quantity, ...] = ()

    def agrees_with(self, other: Quantity) -> bool:
        """Whether both tell the same: units are compared only where both have one."""
        if self.unit and other.unit:
            return self.unit.base == other.unit.base and bool(self._measured() & other._measured())
        return bool(self.values & other.values)

    def rivals(self, other: Quantity) -> bool:
        """Whether both count the same thing, be it in one unit or by one noun."""
        if self.unit and other.unit:
            return self.unit.base == other.unit.base
        return bool(self.noun) and self.noun == other.noun

    def _measured(self) -> frozenset[Decimal]:
        assert self.unit is not None
        factor = self.unit.factor
        return frozenset(ARITHMETIC.multiply(value, factor).normalize() for value in self.values)


@lru_cache(maxsize=256)
def quantities(text: str, *, across_pauses: bool = False) -> tuple[Quantity, ...]:
    """The quantities of a text in order; with ``across_pauses`` also over commas."""
    words = spoken_words(text)
    found: list[tuple[int, int, Quantity]] = []
    at = 0
    while at < len(words):
        numeral = read_numeral(words, at, across_pauses=across_pauses)
        if numeral is None:
            single = _a_unit(words, at, found)
            if single is not None:
                found.append((at, *single))
            at = at + 1 if single is None else single[0]
            continue
        quantity, end = _quantity(text, words, at, numeral)
        found.append((at, end, quantity))
        at = end
    return _shared_units(words, found)


def _quantity(text: str, words: Sequence[Word], at: int, numeral: Numeral) -> tuple[Quantity, int]:
    unit, end = _unit(words, at, numeral)
    values = numeral.values
    if end > numeral.end and (extra := and_a_fraction(words, end)) is not None:
        values = frozenset(ARITHMETIC.add(value, extra[0]) for value in values)
        end = extra[1]
    if unit not in {None, _DECADE} and len(values) > 1:
        values = frozenset({min(values)})
    quantity = Quantity(
        values=values,
        unit=unit,
        noun="" if unit and unit is not _ORDINAL else _noun(words, numeral.end),
        is_weak=_is_weak(words, at, numeral),
        text=text[words[at].start : words[end - 1].end],
        parts=tuple(
            Quantity(part.values, unit, noun="", is_weak=False, text="") for part in numeral.parts
        ),
    )
    return quantity, end


def _unit(words: Sequence[Word], at: int, numeral: Numeral) -> tuple[Unit | None, int]:
    """The unit of a number and the index after it."""
    end = numeral.end
    if numeral.is_decade or numeral.is_ordinal:
        return (_DECADE if numeral.is_decade else _ORDINAL), end
    beside = (words[at].before[-1:], words[end - 1].after[:1], numeral.suffix)
    sign = next((one for one in beside if one in UNITS), None)
    return _spelled_unit(words, end) if sign is None else (UNITS[sign], end)


def _spelled_unit(words: Sequence[Word], end: int) -> tuple[Unit | None, int]:
    """The unit that the words from ``end`` name, and the index after it."""
    texts = [word.text for word in words[end : end + 2]] + ["", ""]
    if not texts[0] or _parted(words[end]):
        return None, end
    if (texts[0], texts[1]) in _TWO_WORD_UNITS:
        return UNITS[_TWO_WORD_UNITS[texts[0], texts[1]]], end + 2
    skipped = 1 if texts[0] in _BEFORE_UNITS else 0
    unit = UNITS.get(texts[skipped])
    return unit, end if unit is None else end + skipped + 1


def _parted(word: Word) -> bool:
    return any(mark in word.before for mark in ",.;:!?…")


def _noun(words: Sequence[Word], at: int) -> str:
    """The stem of the content word right after a number."""
    if at >= len(words) or _parted(words[at]) or words[at].text in FUNCTION_WORDS:
        return ""
    return stem(words[at].text)


def _is_weak(words: Sequence[Word], at: int, numeral: Numeral) -> bool:
    text = words[at].text
    alone = numeral.end == at + 1
    if text == "couple":
        return at > 0 and words[at - 1].text in {"the", "this", "that"}
    return alone and text in {"one", "once", "first"}


def _a_unit(
    words: Sequence[Word], at: int, found: Sequence[tuple[int, int, Quantity]]
) -> tuple[int, Quantity] | None:
    """One unit, as in "an hour", but not in "$40 an hour", which tells a rate."""
    if words[at].text not in {"a", "an"} or at + 1 >= len(words):
        return None
    unit = UNITS.get(words[at + 1].text)
    is_rate = bool(found) and found[-1][1] == at
    if unit is None or is_rate or words[at + 1].before.strip():
        return None
    extra = and_a_fraction(words, at + 2)
    value, end = (_ONE, at + 2) if extra is None else (ARITHMETIC.add(_ONE, extra[0]), extra[1])
    text = " ".join(word.text for word in words[at:end])
    return end, Quantity(frozenset({value}), unit, "", extra is None, text)


def _shared_units(
    words: Sequence[Word], found: Sequence[tuple[int, int, Quantity]]
) -> tuple[Quantity, ...]:
    """In "eight, nine hours" and "40 to 60 dollars" the first number has the second's unit."""
    shared: list[Quantity] = []
    following: tuple[int, Quantity] | None = None
    for start, end, quantity in reversed(found):
        taken = quantity
        if following and not quantity.unit and not quantity.noun and not quantity.is_weak:
            between = words[end : following[0]]
            if len(between) <= _LONGEST_JOIN and all(one.text in _JOINING for one in between):
                taken = replace(quantity, unit=following[1].unit, noun=following[1].noun)
        shared.append(taken)
        following = start, taken
    return tuple(reversed(shared))
