"""What becomes of a draft: notes to store, a second try, or a dead letter."""

from __future__ import annotations

from typing import Final

from contracts.errors import RejectedError
from contracts.events import NotesDrafted, NotesRejected, NotesValidated
from contracts.notes import RejectedNote
from grounding import Judgement, judge_all, word_feedback

ATTEMPTS: Final = 2
"""Drafts the model may make of a chunk: the first, and one more with the reasons."""


def examine(
    drafted: NotesDrafted, *, max_rejected_share: float, replays: int
) -> NotesValidated | NotesRejected:
    """Judge a draft note by note.

    Args:
        drafted: what the model offered.
        max_rejected_share: a draft of which a larger share is refused goes back as a whole.
        replays: how often an operator has replayed this draft; each buys the model another try.

    Returns:
        The accepted and the refused notes, or the request for another draft.

    Raises:
        RejectedError: too much was refused, and the model has had its last try.
    """
    judgement = judge_all(drafted.notes, drafted.chunk)
    if not _too_many(judgement, max_rejected_share):
        return _validated(drafted, judgement)
    if drafted.attempt >= ATTEMPTS + replays:
        raise RejectedError(_explain(drafted, judgement.rejected))
    return NotesRejected(
        chunk=drafted.chunk,
        attempt=drafted.attempt,
        rejected=judgement.rejected,
        feedback=word_feedback(judgement.rejected),
    )


def _too_many(judgement: Judgement, max_rejected_share: float) -> bool:
    refused, accepted = len(judgement.rejected), len(judgement.accepted)
    return refused > max_rejected_share * (refused + accepted)


def _validated(drafted: NotesDrafted, judgement: Judgement) -> NotesValidated:
    chunk = drafted.chunk
    return NotesValidated(
        chunk_id=chunk.chunk_id,
        transcript_id=chunk.transcript_id,
        revision=chunk.revision,
        study_id=chunk.study.study_id,
        attempt=drafted.attempt,
        notes=judgement.accepted,
        rejected=judgement.rejected,
        model=drafted.model,
        model_fingerprint=drafted.model_fingerprint,
        prompt_version=drafted.prompt_version,
        usage=drafted.usage,
    )


def _explain(drafted: NotesDrafted, rejected: tuple[RejectedNote, ...]) -> str:
    """One line for the dead letter: how many notes, and which checks; never their words."""
    checks: dict[str, int] = {}
    for note in rejected:
        for failure in note.failures:
            checks[failure.check] = checks.get(failure.check, 0) + 1
    told = ", ".join(f"{check} ({count})" for check, count in sorted(checks.items()))
    return f"draft {drafted.attempt}: {len(rejected)} of {len(drafted.notes)} notes refused: {told}"
