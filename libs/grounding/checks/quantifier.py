"""Checks that the statement claims neither more nor fewer than the evidence."""

from __future__ import annotations

from grounding.checks.frame import Check
from grounding.checks.scale import Scale, on_scales
from grounding.vocabulary.scales import QUANTIFIERS

_SCALE = Scale(QUANTIFIERS, strong=frozenset({"all", "only", "most", "few"}))

QUANTIFIER_DIFFERS = Check(
    "quantifier_differs",
    "The statement says of how many, how much or how often no more and no less than the evidence: "
    "“some” is neither “all” nor “few”.",
    on_scales("quantifier_differs", (_SCALE,)),
)
