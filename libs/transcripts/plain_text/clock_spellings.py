"""Clocks without colons, such as ``00.01.05`` and ``1'05''``, or with full-width ones.

They are spelled so only where they stand beside what is said: before it, in brackets, or at the end
of a line. What somebody says stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.label_rows import Row
from transcripts.times import parse_clock_time

_OPENING: Final = r"[\[(<{【\uff08\uff3b\u3014]"
_CLOSING: Final = r"[\])>}】\uff09\uff3d\u3015]"
_LABEL: Final = (
    r"[^\W\d_][^\[\](){}<>\uff08\uff09\u3010\u3011:\uff1a.,!?\u3002\uff0c\uff01\uff1f\n]{0,40}?"
)
# A clock in brackets that are as wide as a Chinese character: before a row, or behind its label.
_IN_WIDE_BRACKETS: Final = re.compile(
    rf"(?P<before>\s{{0,8}}(?:{_LABEL}\s?(?:[:\uff1a]\s?)?)?)[\uff08\uff3b\u3014]\s?"
    r"(?P<clock>\d{1,3}(?::\d{2}){1,2}(?:[.,]\d{1,3})?)\s?[\uff09\uff3d\u3015]"
    r"(?P<behind>\s?[:\uff1a]|\s*$)?"
)
_WIDE_BRACKETS: Final = ("\uff08", "\uff3b", "\u3014")
_FEW: Final = 3
_MINUTE: Final = 60
_DAYS: Final = 31
_MONTHS: Final = 12
_HALF: Final = 0.5
# `*00:01*`, a time in italics.
_IN_ITALICS: Final = re.compile(
    r"(?<![*_\w])([*_])([\[(]?(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?[\])]?)\1(?![*_\w])"
)
_EMPHASIS: Final = ("*", "_")


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A way of writing clocks: what it looks like, the signs it needs, and when it is believed."""

    clock: str
    signs: str
    parts: re.Pattern[str]
    is_clock: Callable[[Sequence[re.Match[str]]], bool]
    is_measure: bool = False

    def places(self) -> re.Pattern[str]:
        """Where such a clock stands beside speech.

        What may be a measure, as of feet and inches, may stand in brackets or last in what is said.
        """
        if self.is_measure:
            closed = rf"(?=[^\n]{{1,12}}{_CLOSING}\s?(?::|$))"
            behind = rf"{_LABEL}\s?(?::\s?{_OPENING}|{_OPENING}{closed})"
            return re.compile(
                rf"(?P<before>^\s{{0,8}}(?:{_OPENING}?|{behind})\s?){self.clock}"
                rf"(?=\s?{_CLOSING}|\s|$|:)"
            )
        begins = rf"(?:^\s{{0,8}}{_OPENING}?\s?|{_OPENING}\s?)"
        ends = rf"(?=\s?{_CLOSING}|\s|$|:)"
        return re.compile(rf"(?P<before>{begins}){self.clock}{ends}|(?<=\s){self.clock}(?=\s*$)")


def replace_clock_spellings(rows: list[Row], notices: Notices) -> list[Row]:
    """Replace other spellings of clock times beside speech by ``mm:ss``, with colons.

    Args:
        rows: a plain text's lines with their numbers.
        notices: takes how many were rewritten, and the first of them.
    """
    rows = [
        (number, _IN_ITALICS.sub(r"\2", row))
        if ":" in row and any(mark in row for mark in _EMPHASIS)
        else (number, row)
        for number, row in rows
    ]
    for spelling, places in _SPELLINGS:
        holding = [
            at for at, (_, row) in enumerate(rows) if any(map(row.__contains__, spelling.signs))
        ]
        matched = {at: match for at in holding if (match := places.search(rows[at][1]))}
        clocks = [spelling.parts.search(match[0]) for match in matched.values()]
        found = [one for one in clocks if one is not None]
        if len(found) >= _FEW and spelling.is_clock(found):
            spell = partial(_spell_within, spelling.parts)
            notices.add(
                Repair.CLOCK_SPELLING, len(found), spelled=found[0][0], clock=_spell(found[0])
            )
            rows = [
                (number, places.sub(spell, row)) if at in matched else (number, row)
                for at, (number, row) in enumerate(rows)
            ]
    return _with_narrow_brackets(rows)


def _with_narrow_brackets(rows: list[Row]) -> list[Row]:
    """The rows with `[0:05]` in place of a clock in wide brackets beside speech, if they rise.

    Behind a name without a colon, a colon or the end of the row has to follow, as what is said may
    name times of day in brackets too.
    """
    found = {
        at: match
        for at, (_, row) in enumerate(rows)
        if any(bracket in row for bracket in _WIDE_BRACKETS)
        and (match := _IN_WIDE_BRACKETS.match(row)) is not None
        and (
            not (before := match["before"].strip())
            or before.endswith((":", "\uff1a"))
            or match["behind"] is not None
        )
    }
    times = [parse_clock_time(match["clock"]) or 0 for match in found.values()]
    if len(times) < _FEW or any(later < earlier for earlier, later in pairwise(times)):
        return rows
    return [
        (number, f"{one['before']}[{one['clock']}]{one['behind'] or ''} {row[one.end() :]}")
        if (one := found.get(at)) is not None
        else (number, row)
        for at, (number, row) in enumerate(rows)
    ]


def _spell_within(parts: re.Pattern[str], place: re.Match[str]) -> str:
    return parts.sub(_spell, place[0])


def _spell(clock: re.Match[str]) -> str:
    fraction = f".{clock['fraction']}" if clock["fraction"] else ""
    hours = f"{int(clock['hours'])}:" if clock["hours"] else ""
    minutes = f"{int(clock['minutes']):02}"
    return f"{hours}{minutes}:{int(clock['seconds']):02}{fraction}"


def _is_any(found: Sequence[re.Match[str]]) -> bool:
    return all(int(one["seconds"]) < _MINUTE for one in found)


def _rise(found: Sequence[re.Match[str]]) -> bool:
    """Whether all are times of a clock, each no earlier than the one before, and most differ."""
    times = [(int(one["minutes"]), int(one["seconds"])) for one in found]
    return (
        _is_any(found)
        and all(earlier <= later for earlier, later in pairwise(times))
        and len(set(times)) > _HALF * len(times)
    )


def _is_no_date(found: Sequence[re.Match[str]]) -> bool:
    """Whether numbers between points rise as times do, and cannot all be dates.

    In none of the orders of day, month and year: a recording's first hour is 0, as no day is, and
    most have a minute or second that no month has.
    """
    times = [(int(one["hours"]), int(one["minutes"]), int(one["seconds"])) for one in found]
    seconds = {second for _, _, second in times}
    may_be_dates = all(first for first, _, _ in times) and (
        all(first <= _DAYS and 0 < second <= _MONTHS for first, second, _ in times)
        or all(first <= _MONTHS and 0 < second <= _DAYS for first, second, _ in times)
        or all(0 < second <= _MONTHS and 0 < third <= _DAYS for _, second, third in times)
    )
    return (
        not may_be_dates
        and all(minute < _MINUTE and second < _MINUTE for _, minute, second in times)
        and all(earlier <= later for earlier, later in pairwise(times))
        and len(seconds) > _HALF * len(times)
    )


_FRACTION: Final = r"(?P<fraction>\d{1,3})"
_SPELLINGS: Final = tuple(
    (one, one.places())
    for one in (
        _Spelling(
            r"\d{1,3}(?:[\uff1a\u2236\ufe55]\d{2}){1,2}(?:[.,\uff0c\uff0e]\d{1,3})?",
            "\uff1a\u2236\ufe55",
            re.compile(
                r"(?:(?P<hours>\d{1,2})[\uff1a\u2236\ufe55])?(?P<minutes>\d{1,3})"
                rf"[\uff1a\u2236\ufe55](?P<seconds>\d{{2}})(?:[.,\uff0c\uff0e]{_FRACTION})?"
            ),
            _is_any,
        ),
        _Spelling(
            r"\d{1,2}\.\d{2}\.\d{2}(?:,\d{1,3})?",
            ".",
            re.compile(
                r"(?P<hours>\d{1,2})\.(?P<minutes>\d{2})\.(?P<seconds>\d{2})"
                rf"(?:,{_FRACTION})?"
            ),
            _is_no_date,
        ),
        _Spelling(
            r"\d{1,3}['\u2019\u2032]\d{2}(?:''|\u2019\u2019|[\"\u201d\u2033])?",
            "'\u2019\u2032",
            re.compile(
                r"(?P<hours>(?!))?(?P<minutes>\d{1,3})['\u2019\u2032](?P<seconds>\d{2})"
                r"(?:''|\u2019\u2019|[\"\u201d\u2033])?(?P<fraction>(?!))?"
            ),
            _rise,
            is_measure=True,
        ),
    )
)
