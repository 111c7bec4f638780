"""Quotes and claims against segments: pure functions that decide which notes are borne out."""

from grounding.assessment import (
    Judgement,
    Weighed,
    gather,
    judge,
    judge_all,
    note_id,
    weigh,
    weigh_again,
)
from grounding.checks import CHECKS, INJECTION, Case, Check
from grounding.duplicates import content_key, first_same, says_the_same
from grounding.feedback import word_feedback

__all__ = [
    "CHECKS",
    "INJECTION",
    "Case",
    "Check",
    "Judgement",
    "Weighed",
    "content_key",
    "first_same",
    "gather",
    "judge",
    "judge_all",
    "note_id",
    "says_the_same",
    "weigh",
    "weigh_again",
    "word_feedback",
]
