"""Checks that the statement claims neither more nor fewer than the evidence."""

from __future__ import annotations

from grounding.checks.frame import Case, Check
from grounding.checks.rate import is_agreed
from grounding.checks.scale import Scale, on_scales
from grounding.numbers.units import NUMBER_WORDS
from grounding.text.sentence_alignment import Laid
from grounding.vocabulary.scales import QUANTIFIERS

_LIMITS = frozenset({"only", "just"})
_NONE = frozenset({"nobody", "none", "no", "nothing"})
_SCALE = Scale(QUANTIFIERS, strong=frozenset({"all", "only", "most", "few"}))


def _tells_a_rate(case: Case, laid: Laid, at: int) -> bool:
    """Whether it is the "every" of "every day", told as "daily", or of "one of every five"."""
    if laid.sentence[at].text in _LIMITS and (_is_few(laid, at + 1) or _is_excepted(laid)):
        return True
    around = [one.text for one in laid.sentence[max(0, at - 1) : at + 2]]
    is_share = at > 0 and around[0] in {"of", "in"} and around[-1] in NUMBER_WORDS
    return is_share or is_agreed(case, laid.sentence[at].place)


def _is_excepted(laid: Laid) -> bool:
    """Whether the evidence says "nobody except": that is "only"."""
    told = {one.text for one in laid.told}
    return "except" in told and bool(told & _NONE)


def _is_few(laid: Laid, at: int) -> bool:
    """Whether "few" stands next, with or without "a": "only a few" are few."""
    return "few" in [one.text for one in laid.sentence[at : at + 2]]


QUANTIFIER_DIFFERS = Check(
    "quantifier_differs",
    "The statement says of how many, how much or how often no more and no less than the evidence: "
    "“some” is neither “all” nor “few”.",
    on_scales("quantifier_differs", (_SCALE,), skip=_tells_a_rate),
)
