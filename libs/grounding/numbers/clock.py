"""Reads times of day and days of the year: "half past three", "15:00", "noon", "March 3rd"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from grounding.numbers.numerals import read_numeral
from grounding.numbers.units import ORDINALS, TEENS, TENS, UNIT_WORDS
from grounding.text.words import Word, spoken_words
from grounding.vocabulary.scales import MONTHS

_HOUR: Final = 60
_HALF_DAY: Final = 12
_DAY: Final = 24
_LONGEST_MONTH: Final = 31
_FIGURE: Final = re.compile(r"(\d{1,2})[:.]([0-5]\d)(am|pm|h)?|(\d{1,2})(am|pm)")
_NAMED: Final = {"noon": (0, "pm"), "midday": (0, "pm"), "midnight": (0, "am")}
_PARTS: Final = {"quarter": 15, "half": 30}
_PAST: Final = frozenset({"past", "after"})
_TO: Final = frozenset({"to", "till"})
_MARKS: Final = {
    ("am",): "am",
    ("a", "m"): "am",
    ("pm",): "pm",
    ("p", "m"): "pm",
    ("o'clock",): "",
    ("in", "the", "morning"): "am",
    ("in", "the", "afternoon"): "pm",
    ("in", "the", "evening"): "pm",
}
_MONTHS: Final = MONTHS | {"may": "may"}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day, or a day of the year.

    Attributes:
        place: minutes after noon or midnight, or month and day.
        half: "am", "pm", or "" where it is not told; a day has none.
        start: index of its first character in the text.
        end: index after its last character.
        text: how the text words it.
    """

    place: int | tuple[str, int]
    half: str
    start: int
    end: int
    text: str

    def agrees_with(self, other: Moment) -> bool:
        """Whether both can be the same."""
        told = self.half and other.half
        return self.place == other.place and (not told or self.half == other.half)


_Read = tuple[int, int, str]
"""Index after the last word; minutes; half of the day."""


@lru_cache(maxsize=256)
def times_of_day(text: str) -> tuple[Moment, ...]:
    """The times of day of a text that are told to the minute or with their half of the day."""
    words = spoken_words(text)
    found: list[Moment] = []
    at = 0
    while at < len(words):
        read = next(filter(None, (one(words, at) for one in _READERS)), None)
        if read is None:
            at += 1
            continue
        end, minutes, half = read
        minutes %= _HALF_DAY * _HOUR
        start, stop = words[at].start, words[end - 1].end
        found.append(Moment(minutes, half, start, stop, text[start:stop]))
        at = end
    return tuple(found)


@lru_cache(maxsize=256)
def days_of_year(text: str) -> tuple[Moment, ...]:
    """The days of a text that are told by month and day."""
    words = spoken_words(text)
    return tuple(
        Moment((_MONTHS[words[at].text], day), "", words[at].start, words[at].end, words[at].text)
        for at in range(len(words))
        if words[at].text in _MONTHS
        for day in _days_beside(words, at)
    )


def _days_beside(words: Sequence[Word], at: int) -> Iterator[int]:
    """The day of the month that is told before or after the month's name."""
    skipped = 1 if _text(words, at + 1) == "the" else 0
    after = _day(words, at + 1 + skipped)
    if after is not None:
        yield after
        return
    before = at - 2 if _text(words, at - 1) == "of" else at - 1
    last = _day(words, before)
    tens = TENS.get(_text(words, before - 1), 0)
    if last is not None and last <= _LONGEST_MONTH:
        yield last + tens if last < ORDINALS["tenth"] and tens else last


def _day(words: Sequence[Word], at: int) -> int | None:
    numeral = read_numeral(words, at) if 0 <= at < len(words) else None
    value = None if numeral is None else min(numeral.values)
    whole = value is not None and value == int(value) and 1 <= value <= _LONGEST_MONTH
    return int(value) if value is not None and whole else None


def _named(words: Sequence[Word], at: int) -> _Read | None:
    named = _NAMED.get(words[at].text)
    return None if named is None else (at + 1, *named)


def _around_an_hour(words: Sequence[Word], at: int) -> _Read | None:
    """Half past three; a quarter to four; ten past five."""
    if words[at].text == "a" and _text(words, at + 1) == "quarter":
        return _around_an_hour(words, at + 1)
    minutes = _PARTS.get(words[at].text) or _small(words, at)
    side = _text(words, at + 1)
    if minutes is None or minutes >= _HOUR or side not in _PAST | _TO:
        return None
    if side in _TO and words[at].text != "quarter":
        return None  # "ten to five" may be a range
    hour = _small(words, at + 2)
    if hour is None or hour > _HALF_DAY:
        return None
    end, half = _marked(words, at + 3)
    return end, hour * _HOUR + (minutes if side in _PAST else -minutes), half


def _in_figures(words: Sequence[Word], at: int) -> _Read | None:
    """3:30, 15:00, 3pm."""
    match = _FIGURE.fullmatch(words[at].text)
    if match is None or (match[1] and "." in match.group() and not match[3]):
        return None
    hour, minute = int(match[1] or match[4]), int(match[2] or 0)
    end, half = _marked(words, at + 1)
    half = match[3] or match[5] or half
    if hour >= _DAY:
        return None
    if hour > _HALF_DAY:
        half = "pm"
    return end, hour * _HOUR + minute, half.replace("h", "")


def _marked_hour(words: Sequence[Word], at: int) -> _Read | None:
    """Three in the afternoon; three thirty p.m."""
    hour, end = _small(words, at), at + 1
    if hour is None or not 1 <= hour <= _HALF_DAY:
        return None
    minutes = TEENS.get(_text(words, end), TENS.get(_text(words, end), 0))
    if minutes:
        end += 1
        units = UNIT_WORDS.get(_text(words, end), 0) if minutes in TENS.values() else 0
        minutes, end = minutes + units, end + bool(units)
    after, half = _marked(words, end)
    return None if after == end or minutes >= _HOUR else (after, hour * _HOUR + minutes, half)


def _marked(words: Sequence[Word], at: int) -> tuple[int, str]:
    """The half of the day that is told next, and the index after it."""
    for size in (3, 2, 1):
        said = tuple(word.text for word in words[at : at + size])
        if len(said) == size and said in _MARKS:
            return at + size, _MARKS[said]
    return at, ""


def _small(words: Sequence[Word], at: int) -> int | None:
    """A number of one word."""
    text = _text(words, at)
    if text.isdecimal() and len(text) <= len("59"):
        return int(text)
    return UNIT_WORDS.get(text, TEENS.get(text, TENS.get(text)))


def _text(words: Sequence[Word], at: int) -> str:
    return words[at].text if 0 <= at < len(words) else ""


_READERS: Final[tuple[Callable[[Sequence[Word], int], _Read | None], ...]] = (
    _named,
    _around_an_hour,
    _in_figures,
    _marked_hour,
)
