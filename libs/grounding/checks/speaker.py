"""Check that a note rests on a participant's words and not on the interviewer's."""

from __future__ import annotations

from contracts.notes import CheckFailure
from contracts.transcript import Role
from grounding.checks.base import Check, CheckContext
from grounding.text.words import truncate_text


def _interviewer_words(context: CheckContext) -> CheckFailure | None:
    # A question is cited with its answer, which "yes" cannot be understood without.
    found = context.citations.found
    asked = [one for one in found if one.segment.role is Role.INTERVIEWER]
    if not asked or len(asked) < len(found):
        return None
    number = asked[0].segment.number
    return CheckFailure(
        check="interviewer_words",
        reason=f"Segment {number} is the interviewer's: cite what participants said.",
        claim=truncate_text(context.draft.statement),
        evidence=truncate_text(asked[0].quote),
    )


INTERVIEWER_WORDS = Check(
    "interviewer_words",
    "A cited passage was spoken by a participant or by someone whose role is unknown.",
    _interviewer_words,
)
