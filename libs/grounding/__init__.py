"""Compare notes with the segments they cite, and decide which the transcript supports (pure)."""

from grounding.assessment import (
    CheckedNote,
    DraftAssessment,
    assess_note,
    assess_notes,
    check_note,
    check_statement,
    derive_note_id,
    merge_equivalent_notes,
    recheck_note,
)
from grounding.checks import CHECKS, DOUBT_NAMES, INJECTION_CHECK_NAMES, Check, CheckContext
from grounding.duplicates import are_equivalent, compute_content_key, find_first_equivalent
from grounding.feedback import format_feedback

__all__ = [
    "CHECKS",
    "DOUBT_NAMES",
    "INJECTION_CHECK_NAMES",
    "Check",
    "CheckContext",
    "CheckedNote",
    "DraftAssessment",
    "are_equivalent",
    "assess_note",
    "assess_notes",
    "check_note",
    "check_statement",
    "compute_content_key",
    "derive_note_id",
    "find_first_equivalent",
    "format_feedback",
    "merge_equivalent_notes",
    "recheck_note",
]
