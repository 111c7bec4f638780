"""Simulated judge: decides by rules whether what was said supports a note."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from simulator.prompt import ParsedJudgingPrompt, PromptClaim, PromptNote, PromptQuote
from simulator.wording import extract_terms, split_words

_DECIDING_WORDS: Final = 12
"""Words of what was said that a ruling names at most."""
_MADE_UP: Final = "as the two of them have always agreed"
_DENIES: Final = re.compile(r"(?i)\b(?:not|no|never|nobody|nothing|none|cannot)\b|n['\u2019]t\b")
_OPPOSITE: Final = {
    "supported": "not_supported",
    "not_supported": "supported",
    "contradicted": "supported",
}


def judge_notes(asked: ParsedJudgingPrompt, *, wrong: bool = False, made_up: bool = False) -> str:
    """Rule on notes as a judging model would; return the rulings as a JSON document.

    A note is one claim. It is supported if the segments it cites have all of its content words and
    numbers, and are negated or not as it is. That is less than a model knows, and always the same.

    Args:
        asked: the notes, and what was said.
        wrong: rule the other way, as a judge that errs.
        made_up: name deciding words that nobody said, as a judge that hallucinates.
    """
    rulings = [_rule_on_note(one, asked, wrong=wrong) for one in asked.notes]
    if made_up:
        for claim in (claim for ruling in rulings for claim in ruling["claims"]):
            claim["words"] = _MADE_UP
    return json.dumps({"rulings": rulings}, ensure_ascii=False)


def _rule_on_note(note: PromptNote, asked: ParsedJudgingPrompt, *, wrong: bool) -> dict[str, Any]:
    speakers = {one.number: one.speaker for one in asked.segments}
    quotes = tuple(
        PromptQuote(speaker=speakers.get(one.segment, ""), text=one.words) for one in note.cites
    )
    verdict, reason = _rule(PromptClaim(claim=note.claim, quotes=quotes))
    claim = {
        "claim": note.claim,
        "reason": reason,
        "segment": note.cites[0].segment if note.cites else 0,
        "words": " ".join(note.cites[0].words.split()[:_DECIDING_WORDS]) if note.cites else "",
        "verdict": _OPPOSITE[verdict] if wrong else verdict,
    }
    return {"note": note.note, "claims": [claim]}


def is_supported(claim: PromptClaim) -> bool:
    """Return whether quotes contain a claim's words and numbers, and agree in negation."""
    return _rule(claim)[0] == "supported"


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
