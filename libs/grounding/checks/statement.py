"""Check that a note states something: models that have nothing to say leave scraps of the talk."""

from __future__ import annotations

import re
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.text.words import parse_word_list, split_words, truncate_text

_NAME: Final = "no_statement"
_MIN_WORDS: Final = 3
_ASKS: Final = re.compile(r"\?[)\]]*\s*$|^\s*['\"\u201c\u2018].*\?['\"\u201d\u2019]\s*$", re.DOTALL)
"""A question; one in quotation marks behind other words is reported, which states something."""
_ANSWERS: Final = parse_word_list(
    """absolutely all always at course definitely exactly i guess indeed kind maybe much never no
    not of oh okay perhaps positive negative neutral quite really right so sometimes sort sure
    think totally true very well yeah yes yep"""
)
"""Words of answers that say nothing without their question: "Not at all.", "Yes, of course."."""
_STATES: Final = re.compile(r"[.!…]\s")


def _no_statement(context: CheckContext) -> CheckFailure | None:
    statement = context.draft.statement.strip()
    reason = _explain_failure(statement)
    if reason is None:
        return None
    return CheckFailure(check=_NAME, reason=reason, claim=truncate_text(statement))


def _explain_failure(statement: str) -> str | None:
    if len(split_words(statement)) < _MIN_WORDS:
        return "A note is a sentence that says something of somebody; this is none."
    if {one.text for one in split_words(statement)} <= _ANSWERS:
        return "An answer states nothing without its question: say what it is an answer to."
    if _ASKS.search(statement) and not _STATES.search(statement):
        return "A question states nothing."
    return None


NO_STATEMENT = Check(
    _NAME,
    "A note is a sentence of three words or more, and no question.",
    _no_statement,
)
