"""The checks a note has to pass, in the order in which their failures are told.

To add one: write it in a file of its own as a ``Check``, and list it here.
"""

from __future__ import annotations

from typing import Final

from grounding.checks.citation import NO_EVIDENCE, QUOTE_NOT_FOUND, UNKNOWN_SEGMENT
from grounding.checks.frame import Case, Check
from grounding.checks.labels import NO_THEME, UNKNOWN_QUESTION, UNKNOWN_THEME
from grounding.checks.negation import NEGATION_MISMATCH
from grounding.checks.number import NUMBER_NOT_IN_EVIDENCE
from grounding.checks.speaker import INTERVIEWER_WORDS

__all__ = ["CHECKS", "Case", "Check"]

CHECKS: Final[tuple[Check, ...]] = (
    NO_EVIDENCE,
    UNKNOWN_SEGMENT,
    QUOTE_NOT_FOUND,
    NO_THEME,
    UNKNOWN_THEME,
    UNKNOWN_QUESTION,
    INTERVIEWER_WORDS,
    NUMBER_NOT_IN_EVIDENCE,
    NEGATION_MISMATCH,
)
