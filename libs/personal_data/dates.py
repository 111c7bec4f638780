"""Find dates that are days, months or years of a calendar, and ages of people.

"Last week", "every day", "two years" say nothing about who somebody is, and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from personal_data.findings import PersonalDataKind, PersonalDataSpan

_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_YEAR: Final = r"(?:1[89]\d\d|20\d\d)"
_DAY: Final = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_CLOCK: Final = r"(?:[T,]?\s?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?)"
_DATES: Final = (
    re.compile(rf"(?<![\w./-]){_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}{_CLOCK}?(?![\w])"),
    re.compile(
        rf"(?<![\w./-])\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:{_YEAR}|\d\d){_CLOCK}?(?![\w]|[./-]\d)"
    ),
    re.compile(rf"\b{_DAY}(?: day)?(?: of)?[ -]{_MONTH}(?:,?[ -]{_YEAR})?{_CLOCK}?(?!\w)"),
    re.compile(rf"\b{_MONTH} (?:the )?{_DAY}(?:,? {_YEAR})?{_CLOCK}?(?!\w)"),
    re.compile(rf"\b{_MONTH},?(?: of)? {_YEAR}(?!\w)"),
    re.compile(
        rf"\b[Tt]he (?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
        rf"|[a-z]+teenth|twelfth|twent[a-z-]+|thirt[a-z-]+) of {_MONTH}(?!\w)"
    ),
)
_ENDING_YEAR: Final = re.compile(
    rf"(?<![\w$£€#.,:/-])(?<![#$£€] ){_YEAR}(?=[.;!?)]*(?:$|\n|[.;!?)]\s))"
)
_LONE_YEAR: Final = re.compile(
    rf"(?:(?<=\b[Ii]n )|(?<=\b[Ss]ince )|(?<=\b[Dd]uring )|(?<=\b[Bb]y )|(?<=\b[Uu]ntil )"
    rf"|(?<=\b[Ff]rom )|(?<=\b[Oo]f )|(?<=\b[Bb]efore )|(?<=\b[Aa]fter )|(?<=\b[Yy]ear )"
    rf"|(?<=\b[Bb]orn )|(?<=\bcirca )|(?<=[(\u2013-])|(?<=\b[Tt]o )){_YEAR}(?![\w-]|[.,:]\d)"
)  # fmt: skip

_ONES: Final = "one|two|three|four|five|six|seven|eight|nine"
_TENS: Final = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMBER: Final = (
    rf"(?:1[01]\d|\d{{1,2}}(?:\.5)?|(?:{_TENS})(?:[- ](?:{_ONES}))?|{_ONES}|ten|eleven|twelve"
    r"|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
)
_UNIT: Final = r"(?:years?|yrs?|months?|weeks?)"
_AGES: Final = (
    re.compile(rf"\b(?P<age>{_NUMBER})(?:[- ]{_UNIT})?[- ]?(?:olds?\b|y/?o\b)", re.IGNORECASE),
    re.compile(rf"\b(?P<age>{_NUMBER})[- ]{_UNIT} of age\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:aged?|at the age of|the age of|age is|age was|turn(?:ed|ing|s)?|just turned)[:,]?"
        rf" (?P<age>{_NUMBER})\b(?!\s?(?:%|percent|times|degrees|pages))",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:I(?:['\u2019]m| am| was| will be|['\u2019]ll be)|(?:s?he|who)(?:['\u2019]s| is| was"
        rf"| will be)|they(?:['\u2019]re| are)|is now|when (?:I|he|she) was)"
        rf"(?: only| just| about| almost| nearly| now| like)?"
        rf" (?P<age>\d{{1,2}}|1[01]\d|(?:{_TENS})(?:[- ](?:{_ONES}))?|[a-z]+teen)"
        rf"(?=\s*(?:[.,;!?\"”)]|$|and\b|now\b|when\b|but\b|or\b))(?!\s*[.,]\d)",
        re.IGNORECASE,
    ),
    re.compile(r"\b[A-Z]\w+, (?P<age>[1-9]\d)(?=, )"),
    re.compile(rf"\bborn (?P<age>{_NUMBER}) years ago\b", re.IGNORECASE),
)

_OF_A_CALENDAR: Final = re.compile(
    rf"\b{_YEAR}(?:['\u2019]?s)?\b|\b\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}\b|\b{_MONTH}\W+\d"
    rf"|\d\w*(?: of)? {_MONTH}"
)


def names_year_or_day(words: str) -> bool:
    """Return whether a time expression names a year or a day, unlike "two years ago"."""
    return _OF_A_CALENDAR.search(words) is not None


def find_dates_and_ages(text: str) -> Iterator[PersonalDataSpan]:
    """Find the dates and ages in a text; the yielded spans may overlap."""
    for pattern in _DATES:
        for match in pattern.finditer(text):
            yield PersonalDataSpan(match.start(), match.end(), PersonalDataKind.DATE_TIME, 0.8)
    for match in (*_LONE_YEAR.finditer(text), *_ENDING_YEAR.finditer(text)):
        yield PersonalDataSpan(match.start(), match.end(), PersonalDataKind.DATE_TIME, 0.6)
    for pattern in _AGES:
        for match in pattern.finditer(text):
            yield PersonalDataSpan(match.start("age"), match.end("age"), PersonalDataKind.AGE, 0.8)
