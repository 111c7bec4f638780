"""Which notes the checks leave in doubt, for a second opinion that can read."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from grounding.judging import Weighed
from grounding.terms import terms

READS_MEANING: Final = frozenset(
    {
        "content_not_in_evidence",
        "modality_differs",
        "opposite_said",
        "relation_differs",
        "tense_differs",
    }
)
"""Checks that can be wrong about a paraphrase. The others compare what is written, and stay."""

FAR: Final = 0.25
"""A statement of which a larger share of the content words is in none of its quotes is far from
them. Of sentences taken out of an interview none is, of notes in a model's own words many."""


class Doubt(StrEnum):
    """What a second opinion may change."""

    MAYBE_TRUE = "maybe_true"
    MAYBE_FALSE = "maybe_false"


def in_doubt(weighed: Weighed) -> Doubt | None:
    """Whether the checks leave a note in doubt.

    Returns:
        ``MAYBE_TRUE`` if only checks that read meaning refuse it, ``MAYBE_FALSE`` if it passes but
        is worded far from its quotes, None if the checks know.
    """
    if weighed.failures:
        soft = all(failure.check in READS_MEANING for failure in weighed.failures)
        return Doubt.MAYBE_TRUE if soft and weighed.evidence else None
    return Doubt.MAYBE_FALSE if _distance(weighed) > FAR else None


def _distance(weighed: Weighed) -> float:
    """The share of the statement's content words that no quote has, in any form; from 0 to 1."""
    told = {term.key for term in terms(weighed.draft.statement) if term.is_content}
    said = {term.key for one in weighed.evidence for term in terms(one.quote)}
    return len(told - said) / len(told) if told else 0.0
