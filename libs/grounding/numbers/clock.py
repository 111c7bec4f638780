"""Read times of day and days of the year: "half past three", "15:00", "noon", "March 3rd"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from grounding.numbers.numerals import parse_numeral
from grounding.numbers.units import ORDINALS, TEENS, TENS, UNIT_WORDS
from grounding.text.words import Word, split_spoken_words
from grounding.vocabulary.scales import MONTHS

_HOUR: Final = 60
_HALF_DAY: Final = 12
_DAY: Final = 24
_LONGEST_MONTH: Final = 31
_FIGURE: Final = re.compile(r"(\d{1,2})[:.]([0-5]\d)(am|pm|h)?|(\d{1,2})(am|pm)")
_NAMED: Final = {"noon": (0, "pm"), "midday": (0, "pm"), "midnight": (0, "am")}
_PARTS: Final = {"quarter": 15, "half": 30}
_FIRST_WORDS: Final = frozenset(
    {*_NAMED, *_PARTS, *UNIT_WORDS, *TEENS, *TENS, "a"}  # "a quarter past"
)
"""Words with which a time of day begins that does not begin with a figure."""
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
class TimeReference:
    """Time of day, or day of the year, mentioned in a text.

    Attributes:
        place: minutes after noon or midnight, or month and day.
        half: "am", "pm", or "" where it is unknown; a day has none.
        start: index of its first character in the text.
        end: index after its last character.
        text: how the text words it.
    """

    place: int | tuple[str, int]
    half: str
    start: int
    end: int
    text: str

    def agrees_with(self, other: TimeReference) -> bool:
        """Return whether both may be the same moment."""
        both_given = self.half and other.half
        return self.place == other.place and (not both_given or self.half == other.half)


_Read = tuple[int, int, str]
"""Index after the last word; minutes; half of the day."""


@lru_cache(maxsize=256)
def find_times_of_day(text: str) -> tuple[TimeReference, ...]:
    """Return the times of day in a text, such as "half past two" or "3 pm"."""
    words = split_spoken_words(text)
    found: list[TimeReference] = []
    at = 0
    while at < len(words):
        first = words[at].text
        if first not in _FIRST_WORDS and not first[:1].isdigit():
            at += 1  # as most words; each reader would take a look at it
            continue
        read = next(filter(None, (one(words, at) for one in _READERS)), None)
        if read is None:
            at += 1
            continue
        end, minutes, half = read
        minutes %= _HALF_DAY * _HOUR
        start, stop = words[at].start, words[end - 1].end
        found.append(TimeReference(minutes, half, start, stop, text[start:stop]))
        at = end
    return tuple(found)


@lru_cache(maxsize=256)
def find_days_of_year(text: str) -> tuple[TimeReference, ...]:
    """Return the dates of month and day in a text, such as "May 3rd"."""
    words = split_spoken_words(text)
    return tuple(
        TimeReference(
            (_MONTHS[words[at].text], day), "", words[at].start, words[at].end, words[at].text
        )
        for at in range(len(words))
        if words[at].text in _MONTHS
        for day in _iter_adjacent_days(words, at)
    )


def _iter_adjacent_days(words: Sequence[Word], at: int) -> Iterator[int]:
    """Yield the day of the month that stands before or after the month's name."""
    skipped = 1 if _get_text(words, at + 1) == "the" else 0
    after = _read_day(words, at + 1 + skipped)
    if after is not None:
        yield after
        return
    before = at - 2 if _get_text(words, at - 1) == "of" else at - 1
    last = _read_day(words, before)
    tens = TENS.get(_get_text(words, before - 1), 0)
    if last is not None and last <= _LONGEST_MONTH:
        yield last + tens if last < ORDINALS["tenth"] and tens else last


def _read_day(words: Sequence[Word], at: int) -> int | None:
    numeral = parse_numeral(words, at) if 0 <= at < len(words) else None
    value = None if numeral is None else min(numeral.values)
    whole = value is not None and value == int(value) and 1 <= value <= _LONGEST_MONTH
    return int(value) if value is not None and whole else None


def _read_named_time(words: Sequence[Word], at: int) -> _Read | None:
    named = _NAMED.get(words[at].text)
    return None if named is None else (at + 1, *named)


def _read_around_hour(words: Sequence[Word], at: int) -> _Read | None:
    """Read "half past three", "a quarter to four", "ten past five"."""
    if words[at].text == "a" and _get_text(words, at + 1) == "quarter":
        return _read_around_hour(words, at + 1)
    minutes = _PARTS.get(words[at].text) or _read_small_number(words, at)
    side = _get_text(words, at + 1)
    if minutes is None or minutes >= _HOUR or side not in _PAST | _TO:
        return None
    if side in _TO and words[at].text != "quarter":
        return None  # "ten to five" may be a range
    hour = _read_small_number(words, at + 2)
    if hour is None or hour > _HALF_DAY:
        return None
    end, half = _read_half_of_day(words, at + 3)
    return end, hour * _HOUR + (minutes if side in _PAST else -minutes), half


def _read_figures(words: Sequence[Word], at: int) -> _Read | None:
    """Read "3:30", "15:00", "3pm"."""
    match = _FIGURE.fullmatch(words[at].text)
    if match is None or (match[1] and "." in match.group() and not match[3]):
        return None
    hour, minute = int(match[1] or match[4]), int(match[2] or 0)
    end, half = _read_half_of_day(words, at + 1)
    half = match[3] or match[5] or half
    if hour >= _DAY:
        return None
    if hour > _HALF_DAY:
        half = "pm"
    return end, hour * _HOUR + minute, half.replace("h", "")


def _read_marked_hour(words: Sequence[Word], at: int) -> _Read | None:
    """Read "three in the afternoon", "three thirty p.m."."""
    hour, end = _read_small_number(words, at), at + 1
    if hour is None or not 1 <= hour <= _HALF_DAY:
        return None
    minutes = TEENS.get(_get_text(words, end), TENS.get(_get_text(words, end), 0))
    if minutes:
        end += 1
        units = UNIT_WORDS.get(_get_text(words, end), 0) if minutes in TENS.values() else 0
        minutes, end = minutes + units, end + bool(units)
    after, half = _read_half_of_day(words, end)
    return None if after == end or minutes >= _HOUR else (after, hour * _HOUR + minutes, half)


def _read_half_of_day(words: Sequence[Word], at: int) -> tuple[int, str]:
    """Return the half of the day that is named next, and the index after it."""
    for size in (3, 2, 1):
        said = tuple(word.text for word in words[at : at + size])
        if len(said) == size and said in _MARKS:
            return at + size, _MARKS[said]
    return at, ""


def _read_small_number(words: Sequence[Word], at: int) -> int | None:
    """Return the value of a number of one word, or None."""
    text = _get_text(words, at)
    if text.isdecimal() and len(text) <= len("59"):
        return int(text)
    return UNIT_WORDS.get(text, TEENS.get(text, TENS.get(text)))


def _get_text(words: Sequence[Word], at: int) -> str:
    return words[at].text if 0 <= at < len(words) else ""


_READERS: Final[tuple[Callable[[Sequence[Word], int], _Read | None], ...]] = (
    _read_named_time,
    _read_around_hour,
    _read_figures,
    _read_marked_hour,
)
