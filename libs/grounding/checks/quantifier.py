"""Check that the statement claims neither more nor fewer than the evidence."""

from __future__ import annotations

from grounding.checks.base import Check, CheckContext
from grounding.checks.rate import is_within_shared_rate
from grounding.checks.scale import WordScale, build_scale_check
from grounding.numbers.units import NUMBER_WORDS
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.vocabulary.scales import QUANTIFIERS

_LIMITS = frozenset({"only", "just"})
_NONE = frozenset({"nobody", "none", "no", "nothing"})
_SCALE = WordScale(QUANTIFIERS, strong=frozenset({"all", "only", "most", "few"}))


def _is_part_of_rate(context: CheckContext, alignment: SentenceAlignment, at: int) -> bool:
    """Whether it is the "every" of "every day", worded as "daily", or of "one of every five"."""
    if alignment.sentence[at].text in _LIMITS and (
        _is_few(alignment, at + 1) or _has_exception(alignment)
    ):
        return True
    around = [one.text for one in alignment.sentence[max(0, at - 1) : at + 2]]
    is_share = at > 0 and around[0] in {"of", "in"} and around[-1] in NUMBER_WORDS
    return is_share or is_within_shared_rate(context, alignment.sentence[at].place)


def _has_exception(alignment: SentenceAlignment) -> bool:
    """Return whether the evidence says "nobody except", which means "only"."""
    in_evidence = {one.text for one in alignment.evidence}
    return "except" in in_evidence and bool(in_evidence & _NONE)


def _is_few(alignment: SentenceAlignment, at: int) -> bool:
    """Return whether "few" stands next, with or without "a": "only a few" are few."""
    return "few" in [one.text for one in alignment.sentence[at : at + 2]]


QUANTIFIER_DIFFERS = Check(
    "quantifier_differs",
    "The statement says of how many, how much or how often no more and no less than the evidence: "
    "“some” is neither “all” nor “few”.",
    build_scale_check("quantifier_differs", (_SCALE,), skip=_is_part_of_rate),
    is_doubt=True,
)
