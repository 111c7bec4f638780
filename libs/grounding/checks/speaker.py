"""Check that a note rests on a participant's words and not on the interviewer's."""

from __future__ import annotations

from contracts.notes import CheckFailure
from contracts.transcript import Role
from grounding.checks.base import Check, CheckContext
from grounding.text.words import truncate_text


def _interviewer_words(context: CheckContext) -> CheckFailure | None:
    # One interviewer's passage is enough: a note's every quote is shown as what was found out.
    asked = [one for one in context.citations.found if one.segment.role is Role.INTERVIEWER]
    if not asked:
        return None
    number = asked[0].segment.number
    return CheckFailure(
        check="interviewer_words",
        reason=f"Segment {number} is the interviewer's: cite only what participants said.",
        claim=truncate_text(context.draft.statement),
        evidence=truncate_text(asked[0].quote),
    )


INTERVIEWER_WORDS = Check(
    "interviewer_words",
    "Every cited passage was spoken by a participant or by someone whose role is unknown.",
    _interviewer_words,
)
