"""Spans of personal data: where they are, of which kind, and how sure that is."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class PersonalDataKind(StrEnum):
    """Kind of personal data, such as PERSON, named as in Microsoft Presidio."""

    PERSON = "PERSON"
    TITLE = "TITLE"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    PHONE_NUMBER = "PHONE_NUMBER"
    STREET_ADDRESS = "STREET_ADDRESS"
    ZIP_CODE = "ZIP_CODE"
    CREDIT_CARD = "CREDIT_CARD"
    IBAN_CODE = "IBAN_CODE"
    US_SSN = "US_SSN"
    US_DRIVER_LICENSE = "US_DRIVER_LICENSE"
    ID_NUMBER = "ID_NUMBER"
    IP_ADDRESS = "IP_ADDRESS"
    DOMAIN_NAME = "DOMAIN_NAME"
    AGE = "AGE"
    NRP = "NRP"
    GPE = "GPE"
    ORGANIZATION = "ORGANIZATION"
    DATE_TIME = "DATE_TIME"

    @property
    def label(self) -> str:
        """The kind in a reader's words, as a placeholder shows it."""
        return _LABELS.get(self, self.value.replace("_", " "))


_LABELS: Final = {
    PersonalDataKind.EMAIL_ADDRESS: "EMAIL",
    PersonalDataKind.PHONE_NUMBER: "PHONE",
    PersonalDataKind.STREET_ADDRESS: "ADDRESS",
    PersonalDataKind.ZIP_CODE: "POSTCODE",
    PersonalDataKind.CREDIT_CARD: "CARD NUMBER",
    PersonalDataKind.IBAN_CODE: "IBAN",
    PersonalDataKind.US_SSN: "SSN",
    PersonalDataKind.US_DRIVER_LICENSE: "DRIVING LICENCE",
    PersonalDataKind.DOMAIN_NAME: "WEB ADDRESS",
    PersonalDataKind.NRP: "GROUP",
    PersonalDataKind.GPE: "PLACE",
    PersonalDataKind.DATE_TIME: "DATE",
}

_INNER: Final = re.compile(r"\w(?:.*\w)?", re.DOTALL)

IDENTIFYING: Final = frozenset(PersonalDataKind) - {
    PersonalDataKind.TITLE,
    PersonalDataKind.AGE,
    PersonalDataKind.NRP,
    PersonalDataKind.GPE,
    PersonalDataKind.ORGANIZATION,
    PersonalDataKind.DATE_TIME,
}
"""Kinds that point to one person by themselves; the others do so only together."""


@dataclass(frozen=True, slots=True, order=True)
class PersonalDataSpan:
    """Span of a text that is personal data, with its kind and a confidence score.

    Attributes:
        start: its first code point.
        end: the code point after its last.
        kind: what it is.
        score: how sure that is, from 0 to 1: 1 for a checksum that holds or a name that was
            given, 0.5 for a guess from its form.
    """

    start: int
    end: int
    kind: PersonalDataKind
    score: float

    def overlaps(self, other: PersonalDataSpan) -> bool:
        """Return whether two spans share a character."""
        return self.start < other.end and other.start < self.end


def resolve_overlaps(
    text: str, findings: Iterable[PersonalDataSpan]
) -> tuple[PersonalDataSpan, ...]:
    """Of overlapping spans, keep only the most confident; return the spans in order.

    The surer one stays, of equally sure ones the longer. What it leaves open of the other stays
    too, if there are letters or digits in it; parts of one name become one finding again.
    """
    kept: list[PersonalDataSpan] = []
    for one in sorted(findings, key=lambda one: (-one.score, one.start - one.end, one.start)):
        first = bisect_right(kept, one.start, key=lambda other: other.end)
        last = bisect_left(kept, one.end, key=lambda other: other.start)
        kept[first:last] = sorted(
            [*kept[first:last], *_iter_uncovered(text, one, kept[first:last])]
        )
    return _join_adjacent(text, kept)


def _iter_uncovered(
    text: str, one: PersonalDataSpan, over: Sequence[PersonalDataSpan]
) -> Iterator[PersonalDataSpan]:
    """Yield the parts of a span that those over it, in order, do not cover."""
    if not over:
        yield one
        return
    starts = [one.start, *(other.end for other in over)]
    ends = [*(other.start for other in over), one.end]
    for start, end in zip(starts, ends, strict=True):
        if match := _INNER.search(text, start, max(start, end)):
            yield replace(one, start=match.start(), end=match.end())


def _join_adjacent(text: str, findings: Sequence[PersonalDataSpan]) -> tuple[PersonalDataSpan, ...]:
    joined: list[PersonalDataSpan] = []
    for one in findings:
        last = joined[-1] if joined else None
        if last and last.kind is one.kind and text[last.end : one.start] in {"", " "}:
            joined[-1] = replace(last, end=one.end, score=min(last.score, one.score))
        else:
            joined.append(one)
    return tuple(joined)
