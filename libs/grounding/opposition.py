"""Find statements about the same that oppose each other, by the checks of notes.

Each of two statements is held against the other as if that were its evidence: where one has a
word's opposite, a negation that the other lacks, or another number of the same, both cannot be
true of the same. English only, as the checks are.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from contracts.study import Study, Theme
from contracts.transcript import Role, Segment
from grounding.checks.base import CheckContext
from grounding.checks.negation import NEGATION_MISMATCH
from grounding.checks.number import NUMBER_NOT_IN_EVIDENCE
from grounding.checks.opposite import OPPOSITE_SAID
from grounding.evidence import resolve_citations
from grounding.text.terms import split_terms
from grounding.vocabulary.opposites import are_opposites


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


def _collect_keys(words: str) -> frozenset[str]:
    return frozenset(term.key for term in split_terms(words))


_AMOUNTS: Final = _collect_keys(
    "everyone everybody everything nobody none nothing always never nowhere neither"
)
"""Words by which statements about the same differ, and that say nothing of what they are about."""

_DENYING: Final = _collect_keys("nobody none nothing never nowhere neither")

_MIN_SHARED: Final = {Opposition.OPPOSITE: 0.5, Opposition.NUMBER: 0.5, Opposition.NEGATION: 0.7}
"""Share of the content words of the longer statement that both have to have: what one denies has to
be what the other says, while a word's opposite, or a number, is itself no word of both."""

_KINDS: Final = _collect_keys(
    "spring autumn summer winter morning evening afternoon night day daily monthly weekly north "
    "south east west northern southern eastern western man woman boy girl father mother husband "
    "wife king queen brother sister son daughter male female adult child future past indoors "
    "outdoors indoor outdoor land sea first last front back left right upstairs downstairs inside "
    "outside"
)
"""Opposites that may both be true: what women say of a shop does not oppose what men say."""


def find_opposition(one: str, other: str) -> Opposition | None:
    """Return how two statements oppose each other; None if code sees no opposition.

    Args:
        one: a statement.
        other: one about the same question or theme; the order does not matter.
    """
    first, second = collect_content(one), collect_content(other)
    shared = len(first & second) / max(1, len(first), len(second))
    for check, kind in _CHECKS:
        if shared < _MIN_SHARED[kind]:
            continue
        if check(_build_context(one, other)) or check(_build_context(other, one)):
            return None if _is_no_contradiction(kind, first - second, second - first) else kind
    return None


@lru_cache(maxsize=8_192)
def collect_content(statement: str) -> frozenset[str]:
    """Return the lemmas of what a statement is about: its content words without amounts."""
    return frozenset(
        term.key
        for term in split_terms(statement)
        if term.is_content and not term.text[:1].isdigit() and term.key not in _AMOUNTS
    )


def _is_no_contradiction(kind: Opposition, first: Iterable[str], second: Iterable[str]) -> bool:
    """Return whether what differs is a kind of the same, or the opposite of what is denied."""
    opposites = [(one, other) for one in first for other in second if are_opposites(one, other)]
    if kind is Opposition.NEGATION:
        # "Open" and "not closed" say the same; "everyone" and "nobody" do not.
        return any(_DENYING.isdisjoint(pair) for pair in opposites)
    if kind is Opposition.OPPOSITE:
        return bool(opposites) and all({*pair} <= _KINDS for pair in opposites)
    return False


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
