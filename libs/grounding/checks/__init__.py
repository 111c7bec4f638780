"""The checks a note has to pass, in the order in which their failures are listed.

To add one: write it in a file of its own as a ``Check``, and list it here.
"""

from __future__ import annotations

from typing import Final

from grounding.checks.attribution import SAID_BY_ANOTHER
from grounding.checks.base import Check, CheckContext
from grounding.checks.citation import NO_EVIDENCE, QUOTE_NOT_FOUND, UNKNOWN_SEGMENT
from grounding.checks.code import CARRIES_CODE
from grounding.checks.content import CONTENT_NOT_IN_EVIDENCE
from grounding.checks.direction import ORDER_TURNED
from grounding.checks.factuality import TOLD_AS_FACT
from grounding.checks.instruction import CARRIES_INSTRUCTION, RESTS_ON_INSTRUCTION
from grounding.checks.labels import NO_THEME, UNKNOWN_QUESTION, UNKNOWN_THEME
from grounding.checks.language import LANGUAGE_DIFFERS
from grounding.checks.link import CARRIES_LINK
from grounding.checks.modality import MODALITY_DIFFERS
from grounding.checks.name import NAME_NOT_IN_EVIDENCE
from grounding.checks.negation import NEGATION_MISMATCH
from grounding.checks.number import NUMBER_MAY_FOLLOW, NUMBER_NOT_IN_EVIDENCE
from grounding.checks.opposite import OPPOSITE_SAID
from grounding.checks.overlap import NOTHING_IN_COMMON
from grounding.checks.prompt import CARRIES_PROMPT
from grounding.checks.quantifier import QUANTIFIER_DIFFERS
from grounding.checks.quoted import QUOTED_WORDS_NOT_SAID
from grounding.checks.rate import RATE_DIFFERS
from grounding.checks.relation import RELATION_DIFFERS
from grounding.checks.roles import ROLES_SWAPPED
from grounding.checks.rounding import NUMBER_ROUNDED
from grounding.checks.speaker import INTERVIEWER_WORDS
from grounding.checks.statement import NO_STATEMENT
from grounding.checks.tense import TENSE_DIFFERS
from grounding.checks.time import TIME_DIFFERS

__all__ = [
    "CHECKS",
    "DOUBT_NAMES",
    "INJECTION_CHECK_NAMES",
    "PROOF_BARRING_NAMES",
    "Check",
    "CheckContext",
]

CHECKS: Final[tuple[Check, ...]] = (
    NO_EVIDENCE,
    UNKNOWN_SEGMENT,
    QUOTE_NOT_FOUND,
    NO_THEME,
    UNKNOWN_THEME,
    UNKNOWN_QUESTION,
    NO_STATEMENT,
    CARRIES_INSTRUCTION,
    CARRIES_LINK,
    CARRIES_CODE,
    CARRIES_PROMPT,
    RESTS_ON_INSTRUCTION,
    LANGUAGE_DIFFERS,
    INTERVIEWER_WORDS,
    NUMBER_NOT_IN_EVIDENCE,
    NUMBER_MAY_FOLLOW,
    NUMBER_ROUNDED,
    RATE_DIFFERS,
    NEGATION_MISMATCH,
    NAME_NOT_IN_EVIDENCE,
    SAID_BY_ANOTHER,
    ROLES_SWAPPED,
    ORDER_TURNED,
    TOLD_AS_FACT,
    RELATION_DIFFERS,
    QUOTED_WORDS_NOT_SAID,
    QUANTIFIER_DIFFERS,
    MODALITY_DIFFERS,
    TIME_DIFFERS,
    TENSE_DIFFERS,
    OPPOSITE_SAID,
    CONTENT_NOT_IN_EVIDENCE,
    NOTHING_IN_COMMON,
)

DOUBT_NAMES: Final[frozenset[str]] = frozenset(check.name for check in CHECKS if check.is_doubt)
"""Names of the checks that only give reason to doubt; all others refuse a note by themselves."""

PROOF_BARRING_NAMES: Final[frozenset[str]] = frozenset(
    check.name for check in CHECKS if check.bars_proof or not check.is_doubt
)
"""Names of the checks that a proven note has passed: all that refuse notes, and some that doubt."""

INJECTION_CHECK_NAMES: Final[frozenset[str]] = frozenset(
    check.name
    for check in (
        CARRIES_INSTRUCTION,
        CARRIES_LINK,
        CARRIES_CODE,
        CARRIES_PROMPT,
        RESTS_ON_INSTRUCTION,
        LANGUAGE_DIFFERS,
    )
)
"""Names of the checks that detect notes in which somebody other than the participant speaks."""
