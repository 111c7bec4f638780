"""Build the failures of checks: the reason, with the part of the statement and the passage."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.notes import CheckFailure
from grounding.checks.base import CheckContext
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.terms import Term
from grounding.text.words import truncate_text

_AROUND = 4


def build_word_failure(
    check: str, context: CheckContext, alignment: SentenceAlignment, at: int, reason: str
) -> CheckFailure:
    """Build a check's failure about one word, with excerpts of the statement and quotes.

    Args:
        check: the check's name.
        context: what is judged.
        alignment: the sentence that failed.
        at: the place of the term in the sentence.
        reason: one sentence a researcher understands.
    """
    around = alignment.sentence[max(0, at - _AROUND) : at + _AROUND + 1]
    return build_claim_failure(check, context, _join_terms(around), reason)


def build_claim_failure(check: str, context: CheckContext, claim: str, reason: str) -> CheckFailure:
    """Build a check's failure about a part of the statement, with excerpts of the quotes.

    Args:
        check: the check's name.
        context: what is judged.
        claim: what of the statement failed.
        reason: one sentence a researcher understands.
    """
    evidence = truncate_text(" … ".join(context.quotes))
    return CheckFailure(check=check, reason=reason, claim=truncate_text(claim), evidence=evidence)


def _join_terms(around: Sequence[Term]) -> str:
    return " ".join(term.text for term in around)


def quote_word(word: str) -> str:
    """Return a word in quotation marks, truncated if it is long."""
    return f"“{truncate_text(word, 40)}”"
