"""How checks word a failure: the part of the statement and the passage, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.notes import CheckFailure
from grounding.checks.frame import Case
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import Term
from grounding.text.words import clip

_AROUND = 4


def failure(check: str, case: Case, laid: Laid, at: int, reason: str) -> CheckFailure:
    """The failure of a check over one term of the statement.

    Args:
        check: the check's name.
        case: what is judged.
        laid: the sentence that failed.
        at: the place of the term in the sentence.
        reason: one sentence a researcher understands.
    """
    around = laid.sentence[max(0, at - _AROUND) : at + _AROUND + 1]
    return differs(check, case, _spelled(around), reason)


def differs(check: str, case: Case, claim: str, reason: str) -> CheckFailure:
    """The failure of a check over a part of the statement, beside all that it cites.

    Args:
        check: the check's name.
        case: what is judged.
        claim: what of the statement failed.
        reason: one sentence a researcher understands.
    """
    evidence = clip(" … ".join(case.quotes))
    return CheckFailure(check=check, reason=reason, claim=clip(claim), evidence=evidence)


def _spelled(around: Sequence[Term]) -> str:
    return " ".join(term.text for term in around)


def shown(word: str) -> str:
    """A word in quotation marks, shortened if it is no word at all."""
    return f"“{clip(word, 40)}”"
