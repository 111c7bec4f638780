"""Which of a statement's numbers follow from the evidence's: differences, totals, spans of time.

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

from grounding.numbers.clock import Moment, times_of_day
from grounding.numbers.numerals import ARITHMETIC
from grounding.numbers.quantities import PERCENT, Quantity, courses, quantities, quantities_at
from grounding.numbers.units import UNITS
from grounding.text.words import listed, spoken_words

_RISING: Final = listed(
    """rise rises rose risen rising increase increases increased increasing grow grows grew grown
    growing climb climbs climbed gain gains gained up more higher raised"""
)
_FALLING: Final = listed(
    """fall falls fell fallen falling drop drops dropped dropping decrease decreases decreased
    decline declines declined shrink shrinks shrank shrunk lose loses lost down less lower cut
    reduced reduces reduce"""
)
_TOTAL: Final = listed("total totally altogether combined overall together")
_EACH: Final = listed("each every apiece per")
_UNTIL: Final = listed("to until till til through")
_BEFORE: Final = 5
_BETWEEN: Final = 4
_MOST_ADDED: Final = 40
"""Amounts of a passage that are added up or multiplied: each with each, so not any number."""
_HALF_DAY: Final = 12 * 60
_MINUTE: Final = UNITS["minute"]


def derived_at(statement: str, quotes: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where a statement has numbers that follow from its quotes'.

    Returns:
        The first character of each, and the one after its last.
    """
    spoken = spoken_words(statement)
    is_total = not _TOTAL.isdisjoint(one.text for one in spoken)
    for start, end, claimed in quantities_at(statement):
        at = bisect_right(spoken, start, key=lambda word: word.end)
        before = [one.text for one in spoken[max(0, at - _BEFORE) : at]]
        if any(_follows(claimed, before, quote, is_total=is_total) for quote in quotes):
            yield start, end


def _follows(claimed: Quantity, before: Sequence[str], quote: str, *, is_total: bool) -> bool:
    worked_out: list[Quantity] = list(_spans(quote)) if _is_span(claimed) else []
    if before[-1:] == ["by"]:
        worked_out += _differences(before, quote)
    if is_total:
        worked_out += _totals(quote)
    if claimed.unit == PERCENT:  # from 80 to 60 is by 20, not by 20 per cent
        worked_out = [one for one in worked_out if one.unit == PERCENT or one.is_part]
    return any(claimed.agrees_with(one) for one in worked_out)


def _differences(before: Sequence[str], quote: str) -> Iterator[Quantity]:
    """By how much, and by which share of it, something changed in the way the words before say."""
    rises, falls = bool(_RISING & {*before}), bool(_FALLING & {*before})
    for begin, end in courses(quote)[:_MOST_ADDED]:
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
def _totals(quote: str) -> tuple[Quantity, ...]:
    """What a quote's amounts of one kind add up to, and so many times what each of them is."""
    return tuple(_added_up(quote))


def _added_up(quote: str) -> Iterator[Quantity]:
    told = [one for one in quantities(quote) if len(one.values) == 1][:_MOST_ADDED]
    each = bool(_EACH & {one.text for one in spoken_words(quote)})
    for at, one in enumerate(told):
        alike = [other for other in told[at:] if _is_alike(one, other)]
        if len(alike) > 1:
            yield replace(one, values=frozenset({_sum(alike)}), bound=None)
        for times in told if each else ():
            if times is not one and times.unit is None and one.unit is not None:
                value = ARITHMETIC.multiply(min(times.values), min(one.values))
                yield replace(one, values=frozenset({value}), bound=None)


def _is_alike(one: Quantity, other: Quantity) -> bool:
    return one.unit == other.unit and (one.unit is not None or one.noun == other.noun)


def _sum(alike: Sequence[Quantity]) -> Decimal:
    total = Decimal(0)
    for one in alike:
        total = ARITHMETIC.add(total, min(one.values))
    return total


def _is_span(claimed: Quantity) -> bool:
    return claimed.unit is not None and claimed.unit.base == _MINUTE.base


@lru_cache(maxsize=64)
def _spans(quote: str) -> tuple[Quantity, ...]:
    """How long it is from one time of day until the next."""
    return tuple(_between_times(quote))


def _between_times(quote: str) -> Iterator[Quantity]:
    told = times_of_day(quote)[:_MOST_ADDED]
    for begin, end in pairwise(told):
        between = [one.text for one in spoken_words(quote[begin.end : end.start])]
        if len(between) <= _BETWEEN and _UNTIL & {*between}:
            for minutes in _minutes(begin, end):
                values = frozenset({Decimal(minutes)})
                yield Quantity(values, _MINUTE, noun="", is_weak=False, text=quote)


def _minutes(begin: Moment, end: Moment) -> Iterator[int]:
    """How many; two if a half of the day is not told."""
    assert isinstance(begin.place, int)
    assert isinstance(end.place, int)
    within = (end.place - begin.place) % _HALF_DAY
    if begin.half and end.half:
        yield within + (_HALF_DAY if _crosses(begin, end) else 0)
    else:
        yield from (within, within + _HALF_DAY)


def _crosses(begin: Moment, end: Moment) -> bool:
    """Whether more than half a day lies between, both halves being told."""
    assert isinstance(begin.place, int)
    assert isinstance(end.place, int)
    return (begin.half == end.half) == (end.place < begin.place)
