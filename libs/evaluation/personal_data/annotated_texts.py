"""Scan texts in which personal data is marked, and count what is found and what is found wrongly.

The format is that of presidio-research: a JSON list of texts (``full_text``), each with the
``spans`` that are marked in it and the template it was made from.

How it is counted. A marked span counts as found if a finding shares a character with it, whatever
its kind: what matters is that something is masked there. A finding counts as right if it shares a
character with a marked span. All kinds that are marked count, also those that tell little about a
person by themselves (organisations, dates, titles); `count_detections` can leave kinds out. Beside
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

from evaluation.measures import compute_share
from personal_data.detector import DetectionMode, find_personal_data
from personal_data.findings import PersonalDataKind, PersonalDataSpan

WEAK_KINDS: Final = frozenset(
    {PersonalDataKind.ORGANIZATION, PersonalDataKind.DATE_TIME, PersonalDataKind.TITLE}
)
"""Kinds that the second figure leaves out."""

_CONTEXT: Final = 20


@dataclass(frozen=True, slots=True)
class AnnotatedText:
    """A text, the personal data marked in it, and the id of the template it was made from."""

    text: str
    spans: tuple[PersonalDataSpan, ...]
    template: str


@dataclass(frozen=True, slots=True)
class ScanResult:
    """An annotated text, what was found in it, and how long that took."""

    annotated: AnnotatedText
    findings: tuple[PersonalDataSpan, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class DetectionCounts:
    """Counts over some scanned texts."""

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
        return compute_share(self.spans_found, self.spans)

    @property
    def precision(self) -> float:
        """Share of the findings that are right."""
        return compute_share(self.findings_right, self.findings)

    @property
    def recall_of_kind(self) -> float:
        """Share of the marked spans that are found as what they are."""
        return compute_share(self.spans_of_their_kind, self.spans)

    @property
    def covered(self) -> float:
        """Share of the marked letters and digits that are in a finding."""
        return compute_share(self.characters_found, self.characters)


def parse_annotated_texts(text: str) -> list[AnnotatedText]:
    """Parse the text of a file in presidio-research's format.

    Raises:
        ValueError: it is not JSON, not in that format, or nothing is marked in any text.
    """
    try:
        samples = [_parse_sample(one) for one in json.loads(text)]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("a sample has no full_text, or spans without kind and place") from error
    if samples and not any(sample.spans for sample in samples):
        raise ValueError("nothing is marked")
    return samples


def _parse_sample(one: dict[str, Any]) -> AnnotatedText:
    text = str(one["full_text"])
    template = one.get("template_id")
    return AnnotatedText(
        text=text,
        spans=tuple(sorted(_parse_span(span) for span in one["spans"])),
        template=str(one.get("masked") or text) if template is None else str(template),
    )


def _parse_span(span: dict[str, Any]) -> PersonalDataSpan:
    name = str(span["entity_type"])
    kind = (
        PersonalDataKind(_KIND_ALIASES.get(name, name))
        if _is_known(name)
        else PersonalDataKind.ID_NUMBER
    )
    return PersonalDataSpan(int(span["start_position"]), int(span["end_position"]), kind, 1.0)


_KIND_ALIASES: Final = {
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
    return _KIND_ALIASES.get(name, name) in set(PersonalDataKind)


def scan_texts(samples: Sequence[AnnotatedText], mode: DetectionMode) -> list[ScanResult]:
    """Scan each text for personal data, one after the other, and time it."""
    results = []
    for sample in samples:
        began = perf_counter()
        findings = find_personal_data(sample.text, mode=mode)
        results.append(ScanResult(sample, findings, (perf_counter() - began) * 1000))
    return results


def count_detections(
    results: Iterable[ScanResult], without: Collection[PersonalDataKind] = ()
) -> DetectionCounts:
    """Count spans and findings, and which overlap; kinds in ``without`` are left out of both."""
    counts: Counter[str] = Counter()
    for result in results:
        spans = [one for one in result.annotated.spans if one.kind not in without]
        findings = [one for one in result.findings if one.kind not in without]
        inside = {place for one in findings for place in range(one.start, one.end)}
        for span in spans:
            over = [one for one in findings if one.overlaps(span)]
            places = [
                place
                for place in range(span.start, span.end)
                if result.annotated.text[place].isalnum()
            ]
            counts["spans"] += 1
            counts["found"] += bool(over)
            counts["of kind"] += any(one.kind is span.kind for one in over)
            counts["characters"] += len(places)
            counts["characters found"] += len(inside.intersection(places))
        counts["findings"] += len(findings)
        counts["right"] += sum(
            any(one.overlaps(span) for span in result.annotated.spans) for one in findings
        )
    return DetectionCounts(
        spans=counts["spans"],
        spans_found=counts["found"],
        spans_of_their_kind=counts["of kind"],
        findings=counts["findings"],
        findings_right=counts["right"],
        characters=counts["characters"],
        characters_found=counts["characters found"],
    )


def count_by_kind(results: Iterable[ScanResult]) -> dict[PersonalDataKind, Counter[str]]:
    """Count spans marked, found, and found as their kind; findings, and right ones; by kind."""
    counts: dict[PersonalDataKind, Counter[str]] = {}
    for result in results:
        for span in result.annotated.spans:
            over = [one for one in result.findings if one.overlaps(span)]
            of_kind = counts.setdefault(span.kind, Counter())
            of_kind["spans"] += 1
            of_kind["found"] += bool(over)
            of_kind["of kind"] += any(one.kind is span.kind for one in over)
        for one in result.findings:
            of_kind = counts.setdefault(one.kind, Counter())
            of_kind["findings"] += 1
            of_kind["right"] += any(one.overlaps(span) for span in result.annotated.spans)
    return dict(sorted(counts.items()))


def list_commonest_errors(results: Iterable[ScanResult], limit: int = 3) -> list[str]:
    """Return the most frequent kinds of error, a line each, with a count and an example."""
    kinds: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for result in results:
        for error, one in _iter_errors(result):
            kinds[error] += 1
            examples.setdefault(error, _excerpt(result.annotated.text, one))
    return [
        f"{error}: {count}, such as {examples[error]}" for error, count in kinds.most_common(limit)
    ]


def _iter_errors(result: ScanResult) -> Iterable[tuple[str, PersonalDataSpan]]:
    for span in result.annotated.spans:
        if not any(one.overlaps(span) for one in result.findings):
            yield f"{span.kind} not found", span
    for one in result.findings:
        if not any(one.overlaps(span) for span in result.annotated.spans):
            yield f"found as {one.kind}, but nothing is marked there", one


def _excerpt(text: str, one: PersonalDataSpan) -> str:
    before = text[max(0, one.start - _CONTEXT) : one.start]
    after = text[one.end : one.end + _CONTEXT]
    return " ".join(f"“…{before}⟦{text[one.start : one.end]}⟧{after}…”".split())
