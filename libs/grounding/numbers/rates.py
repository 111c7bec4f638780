"""Read frequencies and rates: "twice a week", "every other day", "$40 a month"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from grounding.numbers.numerals import ARITHMETIC, Numeral, parse_numeral
from grounding.numbers.quantities import parse_unit
from grounding.numbers.units import ORDINALS, PERIODS, TIMES, UNITS, MeasurementUnit
from grounding.text.words import (
    FUNCTION_WORDS,
    Word,
    parse_word_list,
    split_spoken_words,
    stem_word,
)

OCCURRENCES: Final = "times"
"""What is counted where a rate says how often."""
_SPANS: Final = frozenset({"time", "month"})
_PER: Final = parse_word_list("a an per each every")
_EVERY: Final = parse_word_list("every each")
_OCCASIONS: Final = parse_word_list("time times x")
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class FrequencyRate:
    """Rate in a text: a number of something per period of time, such as "twice a week".

    Attributes:
        counted: what is counted: ``OCCURRENCES``, a unit's base, or the stem of a noun.
        value: how many in one of the period's base unit.
        base: the base of the period: "time" (seconds) or "month".
        start: index of its first character in the text.
        end: index after its last character.
        text: how the text words it.
    """

    counted: str
    value: Decimal
    base: str
    start: int
    end: int
    text: str

    def agrees_with(self, other: FrequencyRate) -> bool:
        """Return whether both are the same rate."""
        return self.counts_same_as(other) and (self.value, self.base) == (other.value, other.base)

    def counts_same_as(self, other: FrequencyRate) -> bool:
        """Return whether both count the same thing."""
        return self.counted == other.counted


@lru_cache(maxsize=256)
def find_frequency_rates(text: str) -> tuple[FrequencyRate, ...]:
    """Return the rates in a text, such as "twice a week", in order."""
    words = split_spoken_words(text)
    found: list[FrequencyRate] = []
    at = 0
    while at < len(words):
        read = _read_counted_rate(words, at) or _read_every(words, at) or _read_adverb(words, at)
        if read is None:
            at += 1
            continue
        counted, count, (period, end) = read
        value = ARITHMETIC.divide(count, period.factor).normalize()
        start, stop = words[at].start, words[end - 1].end
        found.append(FrequencyRate(counted, value, period.base, start, stop, text[start:stop]))
        at = end
    return tuple(found)


_Read = tuple[str, Decimal, tuple[MeasurementUnit, int]]


def _read_counted_rate(words: Sequence[Word], at: int) -> _Read | None:
    """Read a number of times, of units or of things, in a period: "40 hours a week"."""
    numeral = parse_numeral(words, at)
    if numeral is None or len(numeral.values) > 1 or numeral.is_ordinal:
        return None
    (value,) = numeral.values
    counted, factor, end = _read_counted(words, at, numeral)
    period = _read_period(words, end)
    if period is None or value == 0:
        return None
    return counted, ARITHMETIC.multiply(value, factor), period


def _read_counted(words: Sequence[Word], at: int, numeral: Numeral) -> tuple[str, Decimal, int]:
    """Return what a number counts, in which unit, and the index after it."""
    end = numeral.end
    if words[at].text in TIMES or numeral.suffix == "x":
        return OCCURRENCES, _ONE, end
    unit, after = parse_unit(words, at, numeral)
    if unit is not None:
        return unit.base, unit.factor, after
    following = words[end].text if end < len(words) else ""
    if following in _OCCASIONS:
        return OCCURRENCES, _ONE, end + 1
    if not following or following in FUNCTION_WORDS or following in PERIODS:
        return "", _ONE, end
    of_what = _get_text(words, end + 1) == "of" and _get_text(words, end + 2) not in FUNCTION_WORDS
    return stem_word(following), _ONE, end + (3 if of_what else 1)  # "two cups of coffee"


def _read_period(words: Sequence[Word], at: int) -> tuple[MeasurementUnit, int] | None:
    """Return the period that "a week", "per month", "every two days" or "weekly" name."""
    text = _get_text(words, at)
    if text in PERIODS:
        return PERIODS[text], at + 1
    if text in _EVERY:
        every = _read_every(words, at)
        return None if every is None else every[2]
    unit = _read_time_unit(words, at + 1) if text in _PER else None
    return None if unit is None else (unit, at + 2)


def _read_every(words: Sequence[Word], at: int) -> _Read | None:
    """Read a rate of once in a period: "every day", "every other week", "every three days"."""
    if words[at].text not in _EVERY:
        return None
    step, end = _ONE, at + 1
    if _get_text(words, end) == "single":
        end += 1
    elif _get_text(words, end) == "other":
        step, end = Decimal(2), end + 1
    elif _get_text(words, end) in ORDINALS:
        step, end = Decimal(ORDINALS[_get_text(words, end)]), end + 1
    elif end < len(words) and (numeral := parse_numeral(words, end)) is not None:
        step, end = min(numeral.values), numeral.end
        end += _get_text(words, end) == "of"
    unit = _read_time_unit(words, end)
    if unit is None or step == 0:
        return None
    period = MeasurementUnit(unit.base, ARITHMETIC.multiply(unit.factor, step))
    return OCCURRENCES, _ONE, (period, end + 1)


def _read_adverb(words: Sequence[Word], at: int) -> _Read | None:
    period = PERIODS.get(words[at].text)
    return None if period is None else (OCCURRENCES, _ONE, (period, at + 1))


def _read_time_unit(words: Sequence[Word], at: int) -> MeasurementUnit | None:
    """Return the unit of time that a word names, or None."""
    unit = UNITS.get(_get_text(words, at))
    return unit if unit is not None and unit.base in _SPANS else None


def _get_text(words: Sequence[Word], at: int) -> str:
    return words[at].text if at < len(words) else ""
