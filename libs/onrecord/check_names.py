"""The guardrail's checks in words: what is wrong with a note that did not pass one."""

from __future__ import annotations

from typing import Final

CHECKS: Final = {
    "no_evidence": "cites nothing",
    "unknown_segment": "cites a passage that is not there",
    "quote_not_found": "quotes words that the transcript does not have",
    "no_theme": "is under no theme",
    "unknown_theme": "names a theme that the study does not have",
    "unknown_question": "names a question that the study does not have",
    "interviewer_words": "cites the interviewer",
    "number_not_in_evidence": "has a number that its quotes do not have",
    "negation_mismatch": "says yes where its quotes say no, or no where they say yes",
}
"""By the name that events and dead letters carry; ``grounding.CHECKS`` are all there are."""
