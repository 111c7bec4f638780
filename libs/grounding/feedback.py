"""Format the reasons for rejected notes, so that the model can do better at its second try."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.notes import CheckFailure, RejectedNote
from grounding.text.words import truncate_text

_MAX_NOTES = 20
"""Rejected notes whose reasons the model is given; the others are only counted."""

_STATEMENT = 120
"""Characters of a refused statement that the model is shown again, at most."""

_PASSAGE = 160
"""Characters of a passage that it is shown beside it, at most."""


def format_feedback(rejected: Sequence[RejectedNote]) -> str:
    """Format the reasons for notes' rejection as numbered lines for the model's next try.

    Args:
        rejected: the refused notes, in the order of the draft.

    Returns:
        Text for the model. Where a quote was not found it names the nearest passage.
    """
    if not rejected:
        return "No note was refused."
    lines = [
        f"{number}. {_quote_shortened(note.draft.statement, _STATEMENT)}: "
        + " ".join(_format_failure(failure) for failure in note.failures)
        for number, note in enumerate(rejected[:_MAX_NOTES], start=1)
    ]
    if len(rejected) > _MAX_NOTES:
        lines.append(f"And {len(rejected) - _MAX_NOTES} more of the same kind.")
    return "\n".join(lines)


def _format_failure(failure: CheckFailure) -> str:
    if failure.check == "quote_not_found" and failure.evidence:
        passage = _quote_shortened(failure.evidence, _PASSAGE)
        return f"{failure.reason} The nearest passage there is {passage}."
    return failure.reason


def _quote_shortened(text: str, limit: int) -> str:
    return f"“{truncate_text(' '.join(text.split()), limit)}”"
