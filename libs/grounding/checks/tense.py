"""Check that what was is not stated as what is."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_word_failure, quote_word
from grounding.checks.scale import WordScale, find_unsupported_degrees
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.words import parse_word_list

_NAME: Final = "tense_differs"
_SCALE: Final = WordScale(
    dict.fromkeys(("am", "is", "are"), "is") | dict.fromkeys(("was", "were"), "was"),
    may_become={"is": frozenset({"was"})},  # the statement was written afterwards
)
_PAST: Final = parse_word_list(
    "used was were had did formerly previously once no longer before ago past"
)


def _tense_differs(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    for alignment in context.sentences:
        if not alignment.is_close:
            continue
        found = next(find_unsupported_degrees(_SCALE, alignment), None)
        if found is not None and found.instead is not None:
            reason = f"The cited passage says {quote_word(found.instead.text)} there."
            return build_word_failure(_NAME, context, alignment, found.at, reason)
        at = _find_former_habit(alignment)
        if at is not None:
            reason = "The cited passage says “used to”: it is so no longer."
            return build_word_failure(_NAME, context, alignment, at, reason)
    return None


def _find_former_habit(alignment: SentenceAlignment) -> int | None:
    """Return the place of a verb with "used to" in the evidence and no past in the sentence."""
    if _PAST & {one.text for one in alignment.sentence}:
        return None
    for at, place in alignment.matched.items():
        before = [one.text for one in alignment.evidence[max(0, place - 2) : place]]
        if before == ["used", "to"] and not alignment.sentence[at].text.endswith("ed"):
            return at
    return None


TENSE_DIFFERS = Check(
    _NAME,
    "What the evidence puts in the past, the statement does not put in the present.",
    _tense_differs,
)
