"""Find telephone numbers with the `phonenumbers` library, Google's rules for all countries.

Nobody says in an interview from which country a number is, so a number counts as one if it is
valid in one of a few countries, if its groups look like one, or if a word before it says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from phonenumbers import Leniency, PhoneNumberMatcher

from personal_data.findings import PersonalDataKind, PersonalDataSpan

_REGIONS: Final = ("US", "GB", "AU", "DE", "FR", "IN", "BR", "ES", "IT", "SE", "NL", "PL", "ZA")
_VALID: Final = 0.85
_CONTEXT: Final = 0.85
_GROUPED: Final = 0.65

_WORDS: Final = re.compile(
    r"\b(?:tel|telephone|phone|mobile|cell|cellphone|fax|desk|office|call(?:ed|ing)?|reach|ring|text"
    r"|dial|whatsapp|contact|number|voicemail|pager|hotline)\b[^\d\n]{0,30}\n?[^\d\n]{0,10}$",
    re.IGNORECASE,
)
_GROUPS: Final = re.compile(
    r"(?<![\w.,/:-])(?:\+|00)?\(?\d{1,5}\)?(?:[ ./-]{1,2}\(?\d{2,7}\)?){1,6}"
    r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\w]|[,/:]\d)"
)
_RUN: Final = re.compile(r"(?<![\w.,/:-])\+?\d{7,15}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?!\w|[.,/:-]\d)")
_ABROAD: Final = re.compile(r"(?<!\w)\+\d{1,3}[ -]?\(?\d[\d ()./-]{5,16}\d(?!\w)")
_DIGIT: Final = r"(?:oh?|zero|nought|one|two|three|four|five|six|seven|eight|nine|double|triple)"
_SAID: Final = re.compile(
    rf"\b{_DIGIT}(?:[ ,-]{{1,2}}(?:{_DIGIT}|hundred)){{6,19}}\b", re.IGNORECASE
)
_MIN_DIGITS, _MAX_DIGITS = 7, 15
_YEARS: Final = re.compile(r"(?:1[89]|20)\d\d(?:\D+(?:1[89]|20)\d\d)*")
_DATE: Final = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")


def find_phone_numbers(text: str) -> Iterator[PersonalDataSpan]:
    """Find the telephone numbers in a text; the yielded spans may overlap."""
    yield from _find_spoken_numbers(text)
    if sum(character.isdigit() for character in text) < _MIN_DIGITS:
        return
    for region in _REGIONS:
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
            if not _DATE.fullmatch(match.raw_string.strip()):
                yield PersonalDataSpan(
                    match.start, match.end, PersonalDataKind.PHONE_NUMBER, _VALID
                )
    for pattern in (_GROUPS, _RUN, _ABROAD):
        for found in pattern.finditer(text):
            score = _score(text, found)
            if score:
                yield PersonalDataSpan(
                    found.start(), found.end(), PersonalDataKind.PHONE_NUMBER, score
                )


def _find_spoken_numbers(text: str) -> Iterator[PersonalDataSpan]:
    """Yield digits spoken one by one, unless somebody is only counting."""
    for found in _SAID.finditer(text):
        said = found[0].casefold()
        starts = said.startswith(("oh", "o ", "zero", "nought", "double"))
        if starts or _WORDS.search(text[max(0, found.start() - 60) : found.start()]):
            yield PersonalDataSpan(
                found.start(), found.end(), PersonalDataKind.PHONE_NUMBER, _CONTEXT
            )


def _score(text: str, found: re.Match[str]) -> float:
    number = found[0]
    digits = re.sub(r"\D", "", re.split(r"x|ext", number)[0])
    if (
        not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS
        or _DATE.fullmatch(number)
        or _YEARS.fullmatch(number)
    ):
        return 0
    if _WORDS.search(text[max(0, found.start() - 60) : found.start()]):
        return _CONTEXT
    has_form = number.startswith(("+", "00", "(", "0")) or len(re.findall(r"\d+", number)) > 1
    return _GROUPED if has_form else 0
