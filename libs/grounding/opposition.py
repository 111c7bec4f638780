"""Find statements about the same that oppose each other, by the checks of notes.

Each of two statements is held against the other as if that were its evidence: where one has a
word's opposite, a negation that the other lacks, or another number of the same, both cannot be
true of the same. English only, as the checks are.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from contracts.study import Study, Theme
from contracts.transcript import Role, Segment
from grounding.checks.base import Check, CheckContext
from grounding.checks.negation import NEGATION_MISMATCH
from grounding.checks.number import NUMBER_MAY_FOLLOW, NUMBER_NOT_IN_EVIDENCE
from grounding.checks.opposite import OPPOSITE_SAID
from grounding.compatibility import (
    collect_keys,
    drop_exceptions,
    has_placeholder,
    list_opposites,
    may_denial_hold_too,
    may_numbers_both_hold,
    may_opposites_both_hold,
    speak_of_others,
)
from grounding.evidence import resolve_citations
from grounding.text.terms import split_terms


class Opposition(StrEnum):
    """How two statements oppose each other: by a word's opposite, a negation or a number."""

    OPPOSITE = "opposite"
    NEGATION = "negation"
    NUMBER = "number"


_CHECKS: Final = (
    (OPPOSITE_SAID, Opposition.OPPOSITE),
    (NUMBER_NOT_IN_EVIDENCE, Opposition.NUMBER),
    (NEGATION_MISMATCH, Opposition.NEGATION),
)


_AMOUNTS: Final = collect_keys(
    "everyone everybody everything nobody none nothing always never nowhere neither"
)
"""Words by which statements about the same differ, and that say nothing of what they are about."""

_MIN_SHARED: Final = {Opposition.OPPOSITE: 0.5, Opposition.NUMBER: 0.5, Opposition.NEGATION: 0.7}
"""Share of the content words of the longer statement that both have to have: what one denies has to
be what the other says, while a word's opposite, or a number, is itself no word of both."""


def find_opposition(one: str, other: str) -> Opposition | None:
    """Return how two statements oppose each other; None if code sees no opposition.

    Args:
        one: a statement.
        other: one about the same question or theme; the order does not matter.
    """
    if has_placeholder(one) or has_placeholder(other):
        return None  # nobody knows whether they are about the same people
    one, other = drop_exceptions(one), drop_exceptions(other)
    shared = compute_shared_content(collect_content(one), collect_content(other))
    for check, kind in _CHECKS:
        if shared >= _MIN_SHARED[kind] and _is_failed(check, kind, one, other):
            return None if _may_both_be_true(kind, one, other) else kind
    return None


def compute_shared_content(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of the content words of the longer statement that both have."""
    return len(one & other) / max(1, len(one), len(other))


@lru_cache(maxsize=8_192)
def collect_content(statement: str) -> frozenset[str]:
    """Return the lemmas of what a statement is about: its content words without amounts."""
    return frozenset(
        term.key
        for term in split_terms(statement)
        if term.is_content and not term.text[:1].isdigit() and term.key not in _AMOUNTS
    )


def _is_failed(check: Check, kind: Opposition, one: str, other: str) -> bool:
    """Return whether the statements fail a check, held against each other."""
    contexts = _build_context(one, other), _build_context(other, one)
    # The check pairs words that only one has with words that both have, too.
    if kind is Opposition.OPPOSITE and not list_opposites(collect_keys(one), collect_keys(other)):
        return False
    # A number that only one of them has is what it adds.
    if kind is Opposition.NUMBER and not all(map(_has_number_of_its_own, contexts)):
        return False
    return any(check(context) is not None for context in contexts)


def _has_number_of_its_own(context: CheckContext) -> bool:
    checks = (NUMBER_NOT_IN_EVIDENCE, NUMBER_MAY_FOLLOW)
    return any(check(context) is not None for check in checks)


def _may_both_be_true(kind: Opposition, one: str, other: str) -> bool:
    if speak_of_others(one, other):
        return True
    if kind is Opposition.NUMBER:
        return may_numbers_both_hold(one, other)
    if kind is Opposition.NEGATION:
        return may_denial_hold_too(one, other)
    return may_opposites_both_hold(one, other)


_ID: Final = UUID(int=0)
_STUDY: Final = Study(study_id="any", name="any", themes=(Theme(id="any", name="any"),))


def _build_context(statement: str, quote: str) -> CheckContext:
    """Hold a statement against another one as its only evidence."""
    segment = Segment(number=1, speaker="any", role=Role.PARTICIPANT, text=quote)
    chunk = ChunkReady(
        chunk_id=_ID,
        transcript_id=_ID,
        revision=1,
        index=1,
        chunk_count=1,
        title="any",
        study=_STUDY,
        segments=(segment,),
    )
    draft = DraftNote(statement=statement, evidence=(DraftEvidence(segment=1),), themes=("any",))
    return CheckContext(draft, chunk, resolve_citations(draft.evidence, chunk), None)
