"""How much of the personal data in marked texts is found, and how much is found that is none.

The format is that of presidio-research: a JSON list of texts (``full_text``), each with the
``spans`` that are marked in it and the template it was made from.

How it is counted. A marked span counts as found if a finding shares a character with it, whatever
its kind: what matters is that something is masked there. A finding counts as right if it shares a
character with a marked span. All kinds that are marked count, also those that tell little about a
person by themselves (organisations, dates, titles); `Tally.without` counts without them. Beside
that: how many spans are found as the same kind, and which share of the marked letters and digits
the findings cover, so that a finding that only touches a span does not pass for a whole one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from personal_data.finding import Mode, find
from personal_data.findings import Finding, Kind

WEAK: Final = frozenset({Kind.ORGANIZATION, Kind.DATE_TIME, Kind.TITLE})
"""Kinds that the second figure leaves out."""

_CONTEXT: Final = 20


@dataclass(frozen=True, slots=True)
class Marked:
    """A text, the personal data that is marked in it, and what identifies its template."""

    text: str
    spans: tuple[Finding, ...]
    template: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A marked text and what was found in it."""

    marked: Marked
    findings: tuple[Finding, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over some readings."""

    spans: int
    spans_found: int
    spans_of_their_kind: int
    findings: int
    findings_right: int
    characters: int
    characters_found: int

    @property
    def recall(self) -> float:
        """Share of the marked spans that are found."""
        return _share(self.spans_found, self.spans)

    @property
    def precision(self) -> float:
        """Share of the findings that are right."""
        return _share(self.findings_right, self.findings)

    @property
    def recall_of_kind(self) -> float:
        """Share of the marked spans that are found as what they are."""
        return _share(self.spans_of_their_kind, self.spans)

    @property
    def covered(self) -> float:
        """Share of the marked letters and digits that are in a finding."""
        return _share(self.characters_found, self.characters)


def read_marked(text: str) -> list[Marked]:
    """Read a file in presidio-research's format.

    Raises:
        ValueError: it is not JSON, or not in that format.
    """
    try:
        return [_marked(one) for one in json.loads(text)]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("a sample has no full_text, or spans without kind and place") from error


def _marked(one: dict[str, Any]) -> Marked:
    text = str(one["full_text"])
    template = one.get("template_id")
    return Marked(
        text=text,
        spans=tuple(sorted(_span(span) for span in one["spans"])),
        template=str(one.get("masked") or text) if template is None else str(template),
    )


def _span(span: dict[str, Any]) -> Finding:
    name = str(span["entity_type"])
    kind = Kind(_OTHER_NAMES.get(name, name)) if _is_known(name) else Kind.ID_NUMBER
    return Finding(int(span["start_position"]), int(span["end_position"]), kind, 1.0)


_OTHER_NAMES: Final = {
    "LOCATION": "GPE",
    "LOC": "GPE",
    "URL": "DOMAIN_NAME",
    "ADDRESS": "STREET_ADDRESS",
    "ORG": "ORGANIZATION",
    "DATE": "DATE_TIME",
    "NATIONALITY": "NRP",
    "PREFIX": "TITLE",
}


def _is_known(name: str) -> bool:
    return _OTHER_NAMES.get(name, name) in set(Kind)


def read_all(samples: Sequence[Marked], mode: Mode) -> list[Reading]:
    """What is found in each text, and how long that took."""
    readings = []
    for sample in samples:
        began = perf_counter()
        findings = find(sample.text, wanted=mode)
        readings.append(Reading(sample, findings, (perf_counter() - began) * 1000))
    return readings


def tally(readings: Iterable[Reading], without: Collection[Kind] = ()) -> Tally:
    """Count; without some kinds, neither marked spans nor findings of these take part."""
    counts: Counter[str] = Counter()
    for reading in readings:
        spans = [one for one in reading.marked.spans if one.kind not in without]
        findings = [one for one in reading.findings if one.kind not in without]
        inside = {place for one in findings for place in range(one.start, one.end)}
        for span in spans:
            over = [one for one in findings if one.overlaps(span)]
            places = [
                place
                for place in range(span.start, span.end)
                if reading.marked.text[place].isalnum()
            ]
            counts["spans"] += 1
            counts["found"] += bool(over)
            counts["of kind"] += any(one.kind is span.kind for one in over)
            counts["characters"] += len(places)
            counts["characters found"] += len(inside.intersection(places))
        counts["findings"] += len(findings)
        counts["right"] += sum(
            any(one.overlaps(span) for span in reading.marked.spans) for one in findings
        )
    return Tally(
        spans=counts["spans"],
        spans_found=counts["found"],
        spans_of_their_kind=counts["of kind"],
        findings=counts["findings"],
        findings_right=counts["right"],
        characters=counts["characters"],
        characters_found=counts["characters found"],
    )


def by_kind(readings: Iterable[Reading]) -> dict[Kind, Counter[str]]:
    """Per kind: spans marked, found, and found as that kind; findings of that kind, and right."""
    counts: dict[Kind, Counter[str]] = {}
    for reading in readings:
        for span in reading.marked.spans:
            over = [one for one in reading.findings if one.overlaps(span)]
            of_kind = counts.setdefault(span.kind, Counter())
            of_kind["spans"] += 1
            of_kind["found"] += bool(over)
            of_kind["of kind"] += any(one.kind is span.kind for one in over)
        for one in reading.findings:
            of_kind = counts.setdefault(one.kind, Counter())
            of_kind["findings"] += 1
            of_kind["right"] += any(one.overlaps(span) for span in reading.marked.spans)
    return dict(sorted(counts.items()))


def commonest_errors(readings: Iterable[Reading], most: int = 3) -> list[str]:
    """The most frequent kinds of error, one line each, with a count and an example."""
    kinds: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for reading in readings:
        for error, one in _errors(reading):
            kinds[error] += 1
            examples.setdefault(error, _excerpt(reading.marked.text, one))
    return [
        f"{error}: {count}, such as {examples[error]}" for error, count in kinds.most_common(most)
    ]


def _errors(reading: Reading) -> Iterable[tuple[str, Finding]]:
    for span in reading.marked.spans:
        if not any(one.overlaps(span) for one in reading.findings):
            yield f"{span.kind} not found", span
    for one in reading.findings:
        if not any(one.overlaps(span) for span in reading.marked.spans):
            yield f"found as {one.kind}, but nothing is marked there", one


def _excerpt(text: str, one: Finding) -> str:
    before = text[max(0, one.start - _CONTEXT) : one.start]
    after = text[one.end : one.end + _CONTEXT]
    return " ".join(f"“…{before}⟦{text[one.start : one.end]}⟧{after}…”".split())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
