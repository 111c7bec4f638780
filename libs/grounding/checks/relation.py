"""Check that people have the relations to each other that the evidence gives them."""

from __future__ import annotations

from grounding.checks.base import Check, CheckContext
from grounding.checks.scale import WordScale, build_scale_check
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.terms import split_terms
from grounding.vocabulary.scales import RELATIONS, SEXES

_SCALES = (WordScale(RELATIONS, strong=frozenset(RELATIONS.values())), WordScale(SEXES))


def _is_label(context: CheckContext, alignment: SentenceAlignment, at: int) -> bool:
    """Return whether it is a part of a speaker's label, such as "Professor F"."""
    wanted = alignment.sentence[at].text
    return any(wanted == term.text for label in context.labels for term in split_terms(label))


RELATION_DIFFERS = Check(
    "relation_differs",
    "Whom the statement calls somebody's mother, neighbour or boss, the evidence calls so too.",
    build_scale_check("relation_differs", _SCALES, skip=_is_label),
)
