"""Checks that a note cites something, and that what it cites is there."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.notes import CheckFailure, DraftEvidence
from grounding.checks.frame import Case, Check
from grounding.evidence import Missing
from grounding.text.nearest import elsewhere, nearest_passage
from grounding.text.words import clip

_LARGEST_SHOWN = 10**9


def _no_evidence(case: Case) -> CheckFailure | None:
    if case.draft.evidence:
        return None
    return CheckFailure(
        check="no_evidence",
        reason="The note cites no passage.",
        claim=clip(case.draft.statement),
    )


def _unknown_segment(case: Case) -> CheckFailure | None:
    absent = [one for one in case.citations.missing if one.segment is None]
    if not absent:
        return None
    context = [one for one in absent if one.in_context]
    strange = [one for one in absent if not one.in_context]
    reasons = []
    if strange:
        reasons.append(f"{_named(strange)} is not among the segments of this passage.")
    if context:
        reasons.append(f"{_named(context)} is context: it may be read but not cited.")
    first, last = case.chunk.segments[0].number, case.chunk.segments[-1].number
    reasons.append(f"Cite segments {first} to {last}.")
    return CheckFailure(check="unknown_segment", reason=" ".join(reasons), claim=_named(absent))


def _named(missing: Sequence[Missing]) -> str:
    numbers = (one.cited.segment for one in missing)
    shown = (str(one) if abs(one) <= _LARGEST_SHOWN else "with that number" for one in numbers)
    return clip("Segment " + ", ".join(dict.fromkeys(shown)))


def _quote_not_found(case: Case) -> CheckFailure | None:
    absent = [one for one in case.citations.missing if one.segment is not None]
    if not absent:
        return None
    cited, segment = absent[0].cited, absent[0].segment
    assert segment is not None
    other = elsewhere(cited, case.chunk.segments)
    hint = f" They stand in segment {other}." if other is not None else ""
    return CheckFailure(
        check="quote_not_found",
        reason=f"The words cited from segment {cited.segment} are not in it.{hint}",
        claim=_wanted(cited),
        evidence=clip(nearest_passage(segment.text, f"{cited.first_words} {cited.last_words}")),
    )


def _wanted(cited: DraftEvidence) -> str:
    return clip(" … ".join(part for part in (cited.first_words, cited.last_words) if part))


NO_EVIDENCE = Check("no_evidence", "A note cites at least one passage.", _no_evidence)
UNKNOWN_SEGMENT = Check(
    "unknown_segment",
    "A note cites only segments of its chunk, and not the context before it.",
    _unknown_segment,
)
QUOTE_NOT_FOUND = Check(
    "quote_not_found",
    "The cited words stand in the cited segment, word for word.",
    _quote_not_found,
)
