"""Score whether a statement follows from what was said, by a model that the operator supplies."""

from entailment.notes import (
    NOT_ENTAILED_BY_MODEL,
    EntailmentModel,
    decide_notes_by_entailment,
    is_undecided_by_rules,
    open_calibrated_model,
    score_notes,
    validate_calibrated_model,
)
from entailment.ports import EntailmentScorer, TextPair
from entailment.rounds import NoteScore

__all__ = [
    "NOT_ENTAILED_BY_MODEL",
    "EntailmentModel",
    "EntailmentScorer",
    "NoteScore",
    "TextPair",
    "decide_notes_by_entailment",
    "is_undecided_by_rules",
    "open_calibrated_model",
    "score_notes",
    "validate_calibrated_model",
]
