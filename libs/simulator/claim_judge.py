"""Simulated judge: decides by rules whether quotes support a claim."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from simulator.prompt import PromptClaim
from simulator.wording import extract_terms, split_words

_DENIES: Final = re.compile(r"(?i)\b(?:not|no|never|nobody|nothing|none|cannot)\b|n['\u2019]t\b")
_OPPOSITE: Final = {
    "supported": "not_supported",
    "not_supported": "supported",
    "contradicted": "supported",
}


def judge_claim(claim: PromptClaim, *, wrong: bool = False) -> str:
    """Judge a claim by its quotes; return the verdict as the JSON document asked for.

    A claim is supported if the quotes have all of its content words and numbers, and are negated or
    not as it is. That is less than a model knows, and always the same.

    Args:
        claim: what is ruled on.
        wrong: rule the other way, as a judge that errs.
    """
    verdict, reason = _rule(claim)
    answer: dict[str, Any] = {"reason": reason, "verdict": _OPPOSITE[verdict] if wrong else verdict}
    return json.dumps(answer, ensure_ascii=False)


def _rule(claim: PromptClaim) -> tuple[str, str]:
    quoted = " ".join(quote.text for quote in claim.quotes)
    if bool(_DENIES.search(claim.claim)) is not bool(_DENIES.search(quoted)):
        return "contradicted", "One of the two denies, the other does not."
    missing = (
        (extract_terms(claim.claim) | _figures(claim.claim))
        - extract_terms(quoted)
        - set(split_words(quoted))
    )
    if missing:
        return "not_supported", f"The quotes do not say: {', '.join(sorted(missing))}."
    return "supported", "The quotes say all of it."


def _figures(text: str) -> set[str]:
    return {word for word in split_words(text) if word.isdigit()}
