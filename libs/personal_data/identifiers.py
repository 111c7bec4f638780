"""Find numbers and addresses with a form of their own: e-mail, web, IP, cards, accounts, papers.

Where a number has a checksum, python-stdnum computes it; where it has none, a word nearby has to
say what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

from stdnum import iban, luhn
from stdnum.au import tfn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.exceptions import ValidationError
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer

from personal_data.findings import PersonalDataKind, PersonalDataSpan

_CHECKED: Final = 1.0
_FORM: Final = 0.9
_CONTEXT: Final = 0.88
_NEARBY: Final = 60

_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.+'%-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?!\w)"
)
_SPOKEN_EMAIL: Final = re.compile(
    r"\b[\w.-]{2,40}(?: dot \w{1,30}){0,3} at \w{1,40}(?: dot \w{1,30}){0,2}"
    r" dot (?:com|org|net|edu|gov|co|io|uk|de|ca)\b",
    re.IGNORECASE,
)
_URL: Final = re.compile(
    r"(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>\"“”\u2018\u2019]{2,2000}(?<![.,;:!?)\]}'])",
    re.IGNORECASE,
)
# A bare host name, by an ending that is no English word.
_HOST: Final = re.compile(
    r"(?<![\w@.-])(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,5}"
    r"(?:com|org|net|edu|gov|info|biz|io|eu|uk|de|fr|nl|se|dk|fi|pl|cz|ch|br|ca|au|nz|jp|ru|dev"
    r"|app)\b(?:/[^\s<>\"“”\u2018\u2019]{0,2000}(?<![.,;:!?)\]}'])|)"
)
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6: Final = re.compile(
    r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE
)
_MAC: Final = re.compile(r"(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])", re.IGNORECASE)
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}(?!\w)", re.IGNORECASE)
_LOOKS_LIKE_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?=[A-Z]*\d)[A-Z0-9]{11,30}(?!\w)")
_CARD: Final = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?!\w)")
_SSN: Final = re.compile(
    r"(?<![\w-])(?!000|666|9\d\d)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])"
)
_DIGITS: Final = re.compile(r"(?<![\w.,+-])\d{9,18}(?![\w]|[.,]\d)")
_NATIONAL_INSURANCE: Final = re.compile(r"(?<!\w)[A-Z]{2}(?: ?\d\d){3} ?[A-D](?!\w)")
"""The form of a British national insurance number (HMRC's manual, NIM39110)."""
_PLATE: Final = re.compile(r"(?<!\w)[A-Z]{1,3}[ -]?\d{1,4}[ -]?[A-Z]{1,3}(?!\w)")
_HANDLE: Final = re.compile(r"(?<![\w.@/])@[^\W\d][\w.]{1,29}(?<!\.)(?!\w)")
_PAPER: Final = re.compile(
    r"(?<!\w)(?=[A-Z0-9-]{0,24}\d)(?:[A-Z0-9]{5,20}|[A-Z0-9]{1,6}(?:-[A-Z0-9]{2,8}){1,4})(?!\w)"
)

_CARD_WORDS: Final = re.compile(
    r"\b(?:card|visa|mastercard|amex|american express|debit|credit|maestro|discover|diners)\b",
    re.IGNORECASE,
)
_SSN_WORDS: Final = re.compile(r"\b(?:ssn|social security|social insurance)\b", re.IGNORECASE)
_LICENCE_WORDS: Final = re.compile(
    r"\b(?:driv(?:er|ing)(?:'s|\u2019s|s)?[- ](?:licen[cs]e|permit)|licen[cs]e (?:number|no|#)"
    r"|dl)\b",
    re.IGNORECASE,
)
_PLATE_WORDS: Final = re.compile(r"\b(?:plates?|registration)\b", re.IGNORECASE)
_PAPER_WORDS: Final = re.compile(
    r"\b(?:passport|identity card|id (?:card|number|no)|national id|account (?:number|no)|insurance"
    r" number|member(?:ship)? (?:number|id)|medical record|mrn|patient (?:number|id)|tax (?:id|file"
    r" number|number)|routing number|sort code|swift|bic|customer (?:number|id)|policy number"
    r"|registration number|licen[cs]e plate|number plate|vin|iban)\b",
    re.IGNORECASE,
)

_NATIONAL: Final[tuple[tuple[re.Pattern[str], Any], ...]] = (
    (re.compile(r"(?<![\w-])\d{3}[ -]\d{3}[ -]\d{4}(?![\w-])"), nhs),
    (re.compile(r"(?<![\w-])\d{3}[ -]\d{3}[ -]\d{3}(?![\w-])"), sin),
    (re.compile(r"(?<![\w-])\d{3} \d{3} \d{3}(?![\w-])"), tfn),
    (re.compile(r"(?<![\w-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\w-])"), cpf),
    (re.compile(r"(?<![\w-])\d{8}-?[A-Z](?![\w-])"), dni),
    (re.compile(r"(?<![\w-])[XYZ]-?\d{7}-?[A-Z](?![\w-])"), nie),
    (re.compile(r"(?<![\w-])[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d(?![\w-])"), nir),
    (re.compile(r"(?<![\w-])[2-9]\d{3} \d{4} \d{4}(?![\w-])"), aadhaar),
    (re.compile(r"(?<![\w-])[A-Z]{5}\d{4}[A-Z](?![\w-])"), pan),
    (re.compile(r"(?<![\w-])[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z](?![\w-])"), codicefiscale),
    (re.compile(r"(?<![\w-])\d{6}[-+]\d{4}(?![\w-])"), personnummer),
    (re.compile(r"(?<![\w-])\d{11}(?![\w-])"), pesel),
    (re.compile(r"(?<![\w-])\d{11}(?![\w-])"), idnr),
    (re.compile(r"(?<![\w-])\d{9}(?![\w-])"), bsn),
)


def find_identifiers(text: str) -> Iterator[PersonalDataSpan]:
    """Find e-mail addresses, card numbers and other identifiers in a text."""
    for match in _EMAIL.finditer(text):
        yield _build_span(match, PersonalDataKind.EMAIL_ADDRESS, _CHECKED)
    for match in _SPOKEN_EMAIL.finditer(text):
        yield _build_span(match, PersonalDataKind.EMAIL_ADDRESS, _CONTEXT)
    for match in (*_URL.finditer(text), *_HOST.finditer(text)):
        yield _build_span(match, PersonalDataKind.DOMAIN_NAME, _FORM)
    for match in _HANDLE.finditer(text):
        yield _build_span(match, PersonalDataKind.DOMAIN_NAME, _FORM)
    yield from _find_network_addresses(text)
    if not any(character.isdigit() for character in text):
        return
    yield from _find_accounts(text)
    yield from _find_national_ids(text)
    yield from _find_by_context(text)


def _find_network_addresses(text: str) -> Iterator[PersonalDataSpan]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            with suppress(ValueError):
                ip_address(match[0])
                if any(character.isalnum() for character in match[0]):
                    yield _build_span(match, PersonalDataKind.IP_ADDRESS, _CHECKED)
    for match in _MAC.finditer(text):
        if any(one.isalpha() for one in match[0]):  # else it is a span of time
            yield _build_span(match, PersonalDataKind.IP_ADDRESS, _FORM)


def _find_national_ids(text: str) -> Iterator[PersonalDataSpan]:
    for match in _SSN.finditer(text):
        yield _build_span(match, PersonalDataKind.US_SSN, _FORM)
    for match in _NATIONAL_INSURANCE.finditer(text):
        yield _build_span(match, PersonalDataKind.ID_NUMBER, _FORM)
    for pattern, rule in _NATIONAL:
        for match in pattern.finditer(text):
            if _is_valid(rule.validate, match[0]):
                yield _build_span(match, PersonalDataKind.ID_NUMBER, _FORM)


def _find_accounts(text: str) -> Iterator[PersonalDataSpan]:
    for match in _IBAN.finditer(text):
        end = _measure_iban(match[0])
        if end:
            yield PersonalDataSpan(
                match.start(), match.start() + end, PersonalDataKind.IBAN_CODE, _CHECKED
            )
    for match in _LOOKS_LIKE_IBAN.finditer(text):
        yield _build_span(match, PersonalDataKind.IBAN_CODE, _CONTEXT)
    for match in _CARD.finditer(text):
        if _is_valid(luhn.validate, re.sub(r"\D", "", match[0])) and len(set(match[0])) > 1:
            yield _build_span(match, PersonalDataKind.CREDIT_CARD, _CHECKED)
        elif _has_context_word(text, match, _CARD_WORDS):
            yield _build_span(match, PersonalDataKind.CREDIT_CARD, _CONTEXT)


def _measure_iban(words: str) -> int:
    """Return the length of the IBAN that a text begins with, or 0 if there is none."""
    compact = [position for position, character in enumerate(words) if character not in " -"]
    for length in range(min(len(compact), 34), 14, -1):
        end = compact[length - 1] + 1
        if _is_valid(_validate_iban, words[:end]):
            return end
    return 0


def _validate_iban(number: str) -> None:
    iban.validate(number, check_country=False)


def _find_by_context(text: str) -> Iterator[PersonalDataSpan]:
    """Yield numbers without a checksum that a word nearby identifies, and very long ones."""
    for match in _PAPER.finditer(text):
        if _has_context_word(text, match, _LICENCE_WORDS):
            yield _build_span(match, PersonalDataKind.US_DRIVER_LICENSE, _CONTEXT)
        elif _has_context_word(text, match, _SSN_WORDS):
            yield _build_span(match, PersonalDataKind.US_SSN, _CONTEXT)
        elif _has_context_word(text, match, _PAPER_WORDS):
            yield _build_span(match, PersonalDataKind.ID_NUMBER, _CONTEXT)
    for match in _PLATE.finditer(text):
        if _has_context_word(text, match, _PLATE_WORDS):
            yield _build_span(match, PersonalDataKind.ID_NUMBER, _CONTEXT)
    for match in _DIGITS.finditer(text):
        yield _build_span(match, PersonalDataKind.ID_NUMBER, 0.6)


def _has_context_word(text: str, match: re.Match[str], words: re.Pattern[str]) -> bool:
    before = text[max(0, match.start() - _NEARBY) : match.start()]
    return words.search(before) is not None or (
        words.search(text[match.end() : match.end() + _NEARBY // 3]) is not None
    )


def _is_valid(validate: Callable[[str], object], number: str) -> bool:
    try:
        validate(number)
    except ValidationError:
        return False
    return True


def _build_span(match: re.Match[str], kind: PersonalDataKind, score: float) -> PersonalDataSpan:
    return PersonalDataSpan(match.start(), match.end(), kind, score)
