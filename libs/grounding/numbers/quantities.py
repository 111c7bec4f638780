"""Find the quantities of a text: numbers with what they count, comparable across wordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Final

from grounding.numbers.bounds import NumberBoundDirection, parse_number_bound
from grounding.numbers.numerals import (
    ARITHMETIC,
    Numeral,
    may_begin_numeral,
    parse_added_fraction,
    parse_numeral,
)
from grounding.numbers.units import UNITS, MeasurementUnit
from grounding.syntax.polarity import SENTENCE_END
from grounding.text.words import (
    FUNCTION_WORDS,
    Word,
    parse_word_list,
    split_spoken_words,
    stem_word,
)

PERCENT: Final = UNITS["%"]
_ONE = Decimal(1)
_ROUNDED = Decimal(1)
_ORDINAL = MeasurementUnit("place")
_ORDER = MeasurementUnit("order")
_DECADE = MeasurementUnit("decade")
_JOINING = parse_word_list("to or and maybe even about through like say")
_LONGEST_JOIN = 2
_DASHES = frozenset("-\u2013\u2014")
_TWO_WORD_UNITS = {("per", "cent"): "%", ("a", "m"): "am", ("p", "m"): "pm"}
_BEFORE_UNITS = frozenset({"of", "more", "other", "full", "whole", "us"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """Number in a text, with its unit or the noun that it counts.

    Attributes:
        values: its possible values.
        unit: the unit it is given in, if there is one.
        noun: the stem of the word it counts ("" if none follows).
        is_weak: "one", "an hour", "first": often no count at all, so only a conflict refuses it.
        text: how the text words it.
        parts: what it may also be: two numbers in a row.
        bound: whether it is a minimum or a maximum ("more than 40", "up to 40").
        is_part: whether it is a part of a whole ("two thirds").
    """

    values: frozenset[Decimal]
    unit: MeasurementUnit | None
    noun: str
    is_weak: bool
    text: str
    parts: tuple[Quantity, ...] = ()
    bound: NumberBoundDirection | None = None
    is_part: bool = False

    def agrees_with(self, other: Quantity) -> bool:
        """Return whether both have the same value; units are compared only where both have one.

        A part may be given in per cent, rounded: two thirds are 66 or 67 per cent.
        """
        if self.unit and other.unit:
            return self.unit.base == other.unit.base and bool(self._measured() & other._measured())
        if (self.is_part and other.unit == PERCENT) or (self.unit == PERCENT and other.is_part):
            return any(abs(a - b) < _ROUNDED for a in self._shares() for b in other._shares())
        return bool(self.values & other.values)

    def _shares(self) -> frozenset[Decimal]:
        factor = Decimal(1) if self.unit == PERCENT else Decimal(100)
        return frozenset(ARITHMETIC.multiply(value, factor) for value in self.values)

    def counts_same_as(self, other: Quantity) -> bool:
        """Return whether both count the same thing, by one unit or by one noun."""
        if self.unit and other.unit:
            return self.unit.base == other.unit.base
        return bool(self.noun) and self.noun == other.noun

    def _measured(self) -> frozenset[Decimal]:
        assert self.unit is not None
        factor = self.unit.factor
        return frozenset(ARITHMETIC.multiply(value, factor).normalize() for value in self.values)


_Placed = tuple[int, int, Quantity]
"""A quantity, with the indices of its first word and of the word after it."""


def find_quantities(text: str, *, across_pauses: bool = False) -> tuple[Quantity, ...]:
    """Return the numbers in a text, each with its unit or counted noun."""
    return tuple(one for _, _, one in _find_placed(text, across_pauses=across_pauses))


def locate_quantities(text: str) -> tuple[tuple[int, int, Quantity], ...]:
    """Return the numbers in a text with their units, and their start and end positions."""
    words = split_spoken_words(text)
    return tuple(
        (words[start].start, words[end - 1].end, one)
        for start, end, one in _find_placed(text, across_pauses=False)
    )


@lru_cache(maxsize=256)
def find_quantity_ranges(text: str) -> tuple[tuple[Quantity, Quantity], ...]:
    """Return the number ranges in a text, such as "from 40 to 60", as pairs."""
    words, placed = split_spoken_words(text), _find_placed(text, across_pauses=False)
    return tuple(
        (one, other)
        for (start, end, one), (begin, _, other) in pairwise(placed)
        if start > 0
        and words[start - 1].text == "from"
        and [word.text for word in words[end:begin]] == ["to"]
    )


@lru_cache(maxsize=256)
def find_quantity_intervals(text: str) -> tuple[tuple[Quantity, Quantity], ...]:
    """Return the intervals that a text gives, such as "between 10 and 20" or "3 to 5", as pairs."""
    words, placed = split_spoken_words(text), _find_placed(text, across_pauses=False)
    return tuple(
        (low, high)
        for (start, end, low), (begin, _, high) in pairwise(placed)
        if _is_interval(words, start, end, begin) and min(low.values) < max(high.values)
    )


def _is_interval(words: Sequence[Word], start: int, end: int, begin: int) -> bool:
    """Return whether the words between two numbers make them the ends of an interval."""
    between = [word.text for word in words[end:begin]]
    if any(map(_is_separated, words[end : begin + 1])):
        return False
    if not between:
        return words[begin].before.strip() in _DASHES
    if between == ["and"]:
        return start > 0 and words[start - 1].text == "between"
    return between in (["to"], ["or"])


@lru_cache(maxsize=256)
def _find_placed(text: str, *, across_pauses: bool) -> tuple[_Placed, ...]:
    words = split_spoken_words(text)
    found: list[_Placed] = []
    at = 0
    while at < len(words):
        if not may_begin_numeral(words[at].text):
            at += 1
            continue
        numeral = parse_numeral(words, at, across_pauses=across_pauses)
        if numeral is None:
            single = _read_single_unit(words, at, found)
            if single is not None:
                found.append((at, *single))
            at = at + 1 if single is None else single[0]
            continue
        quantity, end = _build_quantity(text, words, at, numeral)
        found.append((at, end, quantity))
        at = end
    return _combine_amounts(words, _share_units(words, found))


def _build_quantity(
    text: str, words: Sequence[Word], at: int, numeral: Numeral
) -> tuple[Quantity, int]:
    unit, end = parse_unit(words, at, numeral)
    values = numeral.values
    if end > numeral.end and (extra := parse_added_fraction(words, end)) is not None:
        values = frozenset(ARITHMETIC.add(value, extra[0]) for value in values)
        end = extra[1]
    if unit not in {None, _DECADE} and len(values) > 1:
        values = frozenset({min(values)})
    quantity = Quantity(
        values=values,
        unit=unit,
        bound=parse_number_bound(words, at, end),
        is_part=numeral.is_part and unit is None,
        noun="" if unit and unit is not _ORDINAL else _read_counted_noun(words, numeral.end),
        is_weak=unit is _ORDER or _is_weak(words, at, numeral),
        text=text[words[at].start : words[end - 1].end],
        parts=tuple(
            Quantity(part.values, unit, noun="", is_weak=False, text="") for part in numeral.parts
        ),
    )
    return quantity, end


def parse_unit(
    words: Sequence[Word], at: int, numeral: Numeral
) -> tuple[MeasurementUnit | None, int]:
    """Parse the unit after a number; return it with the index of the next word."""
    end = numeral.end
    if numeral.is_ordinal and _is_enumeration(words, at, end):
        return _ORDER, end + (words[end].text == "half")
    if numeral.is_decade or numeral.is_ordinal:
        return (_DECADE if numeral.is_decade else _ORDINAL), end
    beside = (words[at].before[-1:], words[end - 1].after[:1], numeral.suffix)
    sign = next((one for one in beside if one in UNITS), None)
    if sign is not None:
        return UNITS[sign], end
    of = [word.text for word in words[end : end + 3]] if numeral.is_part else []
    if of[:1] == ["of"] and of[1:2] in (["a"], ["an"]) and of[-1] in UNITS:
        return UNITS[of[-1]], end + 3
    return _read_spelled_unit(words, end)


def _read_spelled_unit(words: Sequence[Word], end: int) -> tuple[MeasurementUnit | None, int]:
    """Return the unit that the words from ``end`` name, and the index after it."""
    texts = [word.text for word in words[end : end + 2]] + ["", ""]
    if not texts[0] or _is_separated(words[end]):
        return None, end
    if (texts[0], texts[1]) in _TWO_WORD_UNITS:
        return UNITS[_TWO_WORD_UNITS[texts[0], texts[1]]], end + 2
    skipped = 1 if texts[0] in _BEFORE_UNITS else 0
    unit = UNITS.get(texts[skipped])
    return unit, end if unit is None else end + skipped + 1


def _is_separated(word: Word) -> bool:
    return any(mark in word.before for mark in ",.;:!?…")


def _read_counted_noun(words: Sequence[Word], at: int) -> str:
    """Return the stem of the content word right after a number."""
    if at >= len(words) or _is_separated(words[at]) or words[at].text in FUNCTION_WORDS:
        return ""
    return stem_word(words[at].text)


def _is_weak(words: Sequence[Word], at: int, numeral: Numeral) -> bool:
    text = words[at].text
    alone = numeral.end == at + 1
    if text in {"double", "triple"}:
        return bool(_read_counted_noun(words, at + 1))  # "double-check"
    if text == "couple":
        return at > 0 and words[at - 1].text in {"the", "this", "that"}
    return alone and text in {"one", "once", "first"}


def _is_enumeration(words: Sequence[Word], at: int, end: int) -> bool:
    """Whether a number only enumerates: "First of all, …", "the second half of the interview"."""
    following = words[end] if end < len(words) else None
    if following is None:
        return False
    begins = at == 0 or bool(SENTENCE_END.search(words[at].before))
    enumerates = begins and ("," in following.before or following.text == "of")
    return enumerates or following.text in {"half", "part"}


def _read_single_unit(
    words: Sequence[Word], at: int, found: Sequence[_Placed]
) -> tuple[int, Quantity] | None:
    """Read one unit, as in "an hour", but not in "$40 an hour", which is a rate."""
    if words[at].text not in {"a", "an"} or at + 1 >= len(words):
        return None
    unit = UNITS.get(words[at + 1].text)
    is_rate = bool(found) and found[-1][1] == at
    if unit is None or is_rate or words[at + 1].before.strip():
        return None
    extra = parse_added_fraction(words, at + 2)
    value, end = (_ONE, at + 2) if extra is None else (ARITHMETIC.add(_ONE, extra[0]), extra[1])
    text = " ".join(word.text for word in words[at:end])
    return end, Quantity(frozenset({value}), unit, "", extra is None, text)


def _share_units(words: Sequence[Word], found: Sequence[_Placed]) -> list[_Placed]:
    """Give numbers the unit of the next one: "eight, nine hours" and "40 to 60 dollars".

    In "from nine days to three" the second has the first's.
    """
    shared: list[_Placed] = []
    following: tuple[int, Quantity] | None = None
    for start, end, quantity in reversed(found):
        taken = quantity
        if following and not quantity.unit and not quantity.noun and not quantity.is_weak:
            between = words[end : following[0]]
            if len(between) <= _LONGEST_JOIN and all(one.text in _JOINING for one in between):
                taken = replace(quantity, unit=following[1].unit, noun=following[1].noun)
        shared.append((start, end, taken))
        following = start, taken
    return _share_units_in_ranges(words, shared[::-1])


def _share_units_in_ranges(words: Sequence[Word], found: Sequence[_Placed]) -> list[_Placed]:
    shared: list[_Placed] = []
    for start, end, quantity in found:
        begin, before, last = shared[-1] if shared else (0, 0, quantity)
        goes_on = begin > 0 and words[begin - 1].text == "from" and last.unit is not None
        bare = quantity.unit is None and not quantity.noun
        if bare and goes_on and [one.text for one in words[before:start]] == ["to"]:
            shared.append((start, end, replace(quantity, unit=last.unit)))
        else:
            shared.append((start, end, quantity))
    return shared


def _combine_amounts(words: Sequence[Word], found: Sequence[_Placed]) -> tuple[_Placed, ...]:
    """Combine amounts in two units into one: "an hour and 30 minutes", "5 dollars and 50 cents"."""
    added: list[_Placed] = []
    for start, end, quantity in found:
        begin, before, last = added[-1] if added else (0, start, quantity)
        joined = [word.text for word in words[before:start]]
        apart = not added or "," in words[start].before or joined not in ([], ["and"])
        total = None if apart else _add_amounts(last, quantity)
        if total is None:
            added.append((start, end, quantity))
        else:
            added[-1] = begin, end, total
    return tuple(added)


def _add_amounts(more: Quantity, less: Quantity) -> Quantity | None:
    """Add two amounts in the first's unit, if the second is in a smaller one of its kind."""
    if more.unit is None or less.unit is None or more.unit.base != less.unit.base:
        return None
    ratio = ARITHMETIC.divide(less.unit.factor, more.unit.factor)
    (small,), (large,) = list(less.values)[:1], list(more.values)[:1]
    if not 0 < ARITHMETIC.multiply(small, ratio) < 1 <= large:
        return None
    value = ARITHMETIC.add(large, ARITHMETIC.multiply(small, ratio))
    text = f"{more.text} and {less.text}"
    return replace(more, values=frozenset({value}), is_weak=False, text=text)
