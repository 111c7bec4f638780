"""Words the reasons for refused notes so that the model can do better at its second try."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.notes import CheckFailure, RejectedNote
from grounding.text.words import clip

_MOST_NOTES = 20
"""Refused notes whose reasons the model is told; of the others their number."""

_STATEMENT = 120
"""Characters of a refused statement that the model is shown again, at most."""

_PASSAGE = 160
"""Characters of a passage that it is shown beside it, at most."""


def word_feedback(rejected: Sequence[RejectedNote]) -> str:
    """The reasons, numbered, one line a note; never empty, since events carry it.

    Args:
        rejected: the refused notes, in the order of the draft.

    Returns:
        Text for the model. Where a quote was not found it names the nearest passage.
    """
    if not rejected:
        return "No note was refused."
    lines = [
        f"{number}. {_quoted(note.draft.statement, _STATEMENT)}: "
        + " ".join(_worded(failure) for failure in note.failures)
        for number, note in enumerate(rejected[:_MOST_NOTES], start=1)
    ]
    if len(rejected) > _MOST_NOTES:
        lines.append(f"And {len(rejected) - _MOST_NOTES} more of the same kind.")
    return "\n".join(lines)


def _worded(failure: CheckFailure) -> str:
    if failure.check == "quote_not_found" and failure.evidence:
        passage = _quoted(failure.evidence, _PASSAGE)
        return f"{failure.reason} The nearest passage there is {passage}."
    return failure.reason


def _quoted(text: str, limit: int) -> str:
    return f"“{clip(' '.join(text.split()), limit)}”"
