"""Check that a note cites something, and that the cited words are in the cited segment."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.notes import CheckFailure, DraftEvidence
from contracts.transcript import Segment
from grounding.checks.base import Check, CheckContext
from grounding.evidence import UnresolvedCitation
from grounding.text.nearest import find_nearest_passage, find_segment_with_quote
from grounding.text.words import truncate_text

_LARGEST_SHOWN = 10**9


def _no_evidence(context: CheckContext) -> CheckFailure | None:
    if context.draft.evidence:
        return None
    return CheckFailure(
        check="no_evidence",
        reason="The note cites no passage.",
        claim=truncate_text(context.draft.statement),
    )


def _unknown_segment(context: CheckContext) -> CheckFailure | None:
    absent = [one for one in context.citations.missing if one.segment is None]
    if not absent:
        return None
    shown_only = [one for one in absent if one.in_context]
    strange = [one for one in absent if not one.in_context]
    reasons = []
    if strange:
        reasons.append(f"{_list_segments(strange)} is not among the segments of this passage.")
    if shown_only:
        reasons.append(f"{_list_segments(shown_only)} is context: it may be read but not cited.")
    first, last = context.chunk.segments[0].number, context.chunk.segments[-1].number
    reasons.append(f"Cite segments {first} to {last}.")
    return CheckFailure(
        check="unknown_segment", reason=" ".join(reasons), claim=_list_segments(absent)
    )


def _list_segments(missing: Sequence[UnresolvedCitation]) -> str:
    numbers = (one.cited.segment for one in missing)
    shown = (str(one) if abs(one) <= _LARGEST_SHOWN else "with that number" for one in numbers)
    return truncate_text("Segment " + ", ".join(dict.fromkeys(shown)))


def _quote_not_found(context: CheckContext) -> CheckFailure | None:
    absent = [one for one in context.citations.missing if one.segment is not None]
    if not absent:
        return None
    cited, segment = absent[0].cited, absent[0].segment
    assert segment is not None
    hint = _hint_at_place(absent[0], context.chunk.segments)
    return CheckFailure(
        check="quote_not_found",
        reason=f"The words cited from segment {cited.segment} are not in it.{hint}",
        claim=_join_cited_words(cited),
        evidence=truncate_text(
            find_nearest_passage(segment.text, f"{cited.first_words} {cited.last_words}")
        ),
    )


def _hint_at_place(absent: UnresolvedCitation, segments: Sequence[Segment]) -> str:
    if absent.in_context:
        return " They stand in the part of it that is context, which may be read but not cited."
    other = find_segment_with_quote(absent.cited, segments)
    return f" They stand in segment {other}." if other is not None else ""


def _join_cited_words(cited: DraftEvidence) -> str:
    return truncate_text(" … ".join(part for part in (cited.first_words, cited.last_words) if part))


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
