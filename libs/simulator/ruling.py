"""Rules on a claim as a judging model would: whether quotes bear it out."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from simulator.prompt import Claim
from simulator.wording import terms, words

_DENIES: Final = re.compile(r"(?i)\b(?:not|no|never|nobody|nothing|none|cannot)\b|n['\u2019]t\b")
_OPPOSITE: Final = {
    "supported": "not_supported",
    "not_supported": "supported",
    "contradicted": "supported",
}


def ruling_content(claim: Claim, *, wrong: bool = False) -> str:
    """The JSON document that the judge's schema asks for.

    A claim is borne out if the quotes have all of its telling words and numbers, and deny or do
    not deny as it does. That is less than a model knows, and always the same.

    Args:
        claim: what is ruled on.
        wrong: rule the other way, as a judge that errs.
    """
    verdict, reason = _rule(claim)
    told: dict[str, Any] = {"reason": reason, "verdict": _OPPOSITE[verdict] if wrong else verdict}
    return json.dumps(told, ensure_ascii=False)


def _rule(claim: Claim) -> tuple[str, str]:
    quoted = " ".join(quote.text for quote in claim.quotes)
    if bool(_DENIES.search(claim.claim)) is not bool(_DENIES.search(quoted)):
        return "contradicted", "One of the two denies, the other does not."
    missing = (terms(claim.claim) | _figures(claim.claim)) - terms(quoted) - set(words(quoted))
    if missing:
        return "not_supported", f"The quotes do not say: {', '.join(sorted(missing))}."
    return "supported", "The quotes say all of it."


def _figures(text: str) -> set[str]:
    return {word for word in words(text) if word.isdigit()}
