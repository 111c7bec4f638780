"""Find a statement's numbers that follow from the evidence's: differences, totals, durations.

A number that was said is found elsewhere. One that was not may be worked out from those that were,
if the statement says so: "rose by 300" of what went from 900 to 1,200, "two hours in total" of
three times forty minutes, "seven and a half hours" from nine until half past four.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Final

from grounding.numbers.clock import TimeReference, find_times_of_day
from grounding.numbers.numerals import ARITHMETIC
from grounding.numbers.quantities import (
    PERCENT,
    Quantity,
    find_quantities,
    find_quantity_ranges,
    locate_quantities,
)
from grounding.numbers.units import UNITS
from grounding.text.words import parse_word_list, split_spoken_words

_RISING: Final = parse_word_list(
    """rise rises rose risen rising increase increases increased increasing grow grows grew grown
    growing climb climbs climbed gain gains gained up more higher raised"""
)
_FALLING: Final = parse_word_list(
    """fall falls fell fallen falling drop drops dropped dropping decrease decreases decreased
    decline declines declined shrink shrinks shrank shrunk lose loses lost down less lower cut
    reduced reduces reduce"""
)
_TOTAL: Final = parse_word_list("total totally altogether combined overall together")
_EACH: Final = parse_word_list("each every apiece per")
_UNTIL: Final = parse_word_list("to until till til through")
_BEFORE: Final = 5
_BETWEEN: Final = 4
_MAX_ADDED: Final = 40
"""Amounts of a passage that are added up or multiplied: each with each, so not any number."""
_HALF_DAY: Final = 12 * 60
_MINUTE: Final = UNITS["minute"]


def find_derived_numbers(statement: str, quotes: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the positions of a statement's numbers that follow from its quotes' numbers.

    Returns:
        The first character of each, and the one after its last.
    """
    spoken = split_spoken_words(statement)
    is_total = not _TOTAL.isdisjoint(one.text for one in spoken)
    for start, end, claimed in locate_quantities(statement):
        at = bisect_right(spoken, start, key=lambda word: word.end)
        before = [one.text for one in spoken[max(0, at - _BEFORE) : at]]
        if any(_is_derivable(claimed, before, quote, is_total=is_total) for quote in quotes):
            yield start, end


def _is_derivable(claimed: Quantity, before: Sequence[str], quote: str, *, is_total: bool) -> bool:
    worked_out: list[Quantity] = list(_list_durations(quote)) if _is_duration(claimed) else []
    if before[-1:] == ["by"]:
        worked_out += _iter_differences(before, quote)
    if is_total:
        worked_out += _list_totals(quote)
    if claimed.unit == PERCENT:  # from 80 to 60 is by 20, not by 20 per cent
        worked_out = [one for one in worked_out if one.unit == PERCENT or one.is_part]
    return any(claimed.agrees_with(one) for one in worked_out)


def _iter_differences(before: Sequence[str], quote: str) -> Iterator[Quantity]:
    """Yield by how much, and by which share, something changed in the way the words before say."""
    rises, falls = bool(_RISING & {*before}), bool(_FALLING & {*before})
    for begin, end in find_quantity_ranges(quote)[:_MAX_ADDED]:
        first, last = min(begin.values), min(end.values)
        change = ARITHMETIC.subtract(last, first)
        if rises == falls or rises != (change > 0) or not first:
            continue
        yield replace(end, values=frozenset({abs(change)}), unit=end.unit or begin.unit, bound=None)
        share = ARITHMETIC.divide(abs(change), first)
        part = replace(end, values=frozenset({share}), unit=None, noun="", bound=None, is_part=True)
        yield part
        percent = ARITHMETIC.multiply(share, Decimal(100))
        yield replace(part, values=frozenset({percent}), unit=PERCENT, is_part=False)


@lru_cache(maxsize=64)
def _list_totals(quote: str) -> tuple[Quantity, ...]:
    """Return the sums and multiples of a quote's amounts of one kind."""
    return tuple(_iter_totals(quote))


def _iter_totals(quote: str) -> Iterator[Quantity]:
    in_evidence = [one for one in find_quantities(quote) if len(one.values) == 1][:_MAX_ADDED]
    each = bool(_EACH & {one.text for one in split_spoken_words(quote)})
    for at, one in enumerate(in_evidence):
        alike = [other for other in in_evidence[at:] if _is_alike(one, other)]
        if len(alike) > 1:
            yield replace(one, values=frozenset({_add_values(alike)}), bound=None)
        for times in in_evidence if each else ():
            if times is not one and times.unit is None and one.unit is not None:
                value = ARITHMETIC.multiply(min(times.values), min(one.values))
                yield replace(one, values=frozenset({value}), bound=None)


def _is_alike(one: Quantity, other: Quantity) -> bool:
    return one.unit == other.unit and (one.unit is not None or one.noun == other.noun)


def _add_values(alike: Sequence[Quantity]) -> Decimal:
    total = Decimal(0)
    for one in alike:
        total = ARITHMETIC.add(total, min(one.values))
    return total


def _is_duration(claimed: Quantity) -> bool:
    return claimed.unit is not None and claimed.unit.base == _MINUTE.base


@lru_cache(maxsize=64)
def _list_durations(quote: str) -> tuple[Quantity, ...]:
    """Return how long it is from one time of day until the next."""
    return tuple(_iter_durations(quote))


def _iter_durations(quote: str) -> Iterator[Quantity]:
    in_evidence = find_times_of_day(quote)[:_MAX_ADDED]
    for begin, end in pairwise(in_evidence):
        between = [one.text for one in split_spoken_words(quote[begin.end : end.start])]
        if len(between) <= _BETWEEN and _UNTIL & {*between}:
            for minutes in _iter_possible_minutes(begin, end):
                values = frozenset({Decimal(minutes)})
                yield Quantity(values, _MINUTE, noun="", is_weak=False, text=quote)


def _iter_possible_minutes(begin: TimeReference, end: TimeReference) -> Iterator[int]:
    """Yield the minutes between two times; two values if a half of the day is unknown."""
    assert isinstance(begin.place, int)
    assert isinstance(end.place, int)
    within = (end.place - begin.place) % _HALF_DAY
    if begin.half and end.half:
        yield within + (_HALF_DAY if _exceeds_half_day(begin, end) else 0)
    else:
        yield from (within, within + _HALF_DAY)


def _exceeds_half_day(begin: TimeReference, end: TimeReference) -> bool:
    """Return whether more than half a day lies between two times with known halves."""
    assert isinstance(begin.place, int)
    assert isinstance(end.place, int)
    return (begin.half == end.half) == (end.place < begin.place)
