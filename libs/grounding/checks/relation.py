"""Checks that people are to each other what the evidence says they are."""

from __future__ import annotations

from grounding.checks.frame import Case, Check
from grounding.checks.scale import Scale, on_scales
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import terms
from grounding.vocabulary.scales import RELATIONS, SEXES

_SCALES = (Scale(RELATIONS, strong=frozenset(RELATIONS.values())), Scale(SEXES))


def _is_label(case: Case, laid: Laid, at: int) -> bool:
    """Whether it is a part of a speaker's label, such as "Professor F"."""
    wanted = laid.sentence[at].text
    return any(wanted == term.text for label in case.labels for term in terms(label))


RELATION_DIFFERS = Check(
    "relation_differs",
    "Whom the statement calls somebody's mother, neighbour or boss, the evidence calls so too.",
    on_scales("relation_differs", _SCALES, skip=_is_label),
)
