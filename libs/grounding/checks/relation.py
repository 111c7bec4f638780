"""Check that people have the relations to each other that the evidence gives them."""

from __future__ import annotations

from grounding.checks.base import Check, CheckContext, list_label_words
from grounding.checks.scale import WordScale, build_scale_check
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.vocabulary.scales import RELATIONS, SEXES

_SCALES = (WordScale(RELATIONS, strong=frozenset(RELATIONS.values())), WordScale(SEXES))
_COUPLES = {
    "parent": {"mother", "father"},
    "spouse": {"husband", "wife"},
    "child": {"son", "daughter"},
}
"""Relations that the evidence may give by naming both, or for one of them: "mom and dad"."""


def _is_label(context: CheckContext, alignment: SentenceAlignment, at: int) -> bool:
    """Return whether it is a part of a speaker's label, such as "Professor F"."""
    wanted = alignment.sentence[at].text
    return wanted in list_label_words(context.labels)


def _is_supported_otherwise(context: CheckContext, alignment: SentenceAlignment, at: int) -> bool:
    """Return whether the evidence has the relation in other words, or it is part of a label."""
    couple = _COUPLES.get(RELATIONS.get(alignment.sentence[at].text, ""), set())
    said = {RELATIONS.get(one.text) for one in alignment.evidence}
    return bool(couple & said) or _is_label(context, alignment, at)


RELATION_DIFFERS = Check(
    "relation_differs",
    "Whom the statement calls somebody's mother, neighbour or boss, the evidence calls so too.",
    build_scale_check("relation_differs", _SCALES, skip=_is_supported_otherwise),
    is_doubt=True,
)
