"""Counting of what judging models say, in metrics."""

from __future__ import annotations

from collections.abc import Sequence

from judging.questions import JudgeReply, NoteRuling
from rehearsal import get_rehearsal
from telemetry.metrics import (
    JUDGE_ABSENCES,
    JUDGE_CALLS_PER_DRAFT,
    JUDGE_DISAGREEMENTS,
    JUDGE_UNBELIEVED,
    JUDGE_VOTES,
)


def record_judge_replies(replies: Sequence[JudgeReply]) -> None:
    """Count judging models' calls, invalid rulings and missing answers as metrics."""
    if get_rehearsal() is not None:
        return
    JUDGE_CALLS_PER_DRAFT.observe(sum(one.calls for one in replies))
    JUDGE_UNBELIEVED.inc(sum(one.unbelieved for one in replies))
    for code in (code for one in replies for code in one.errors if code is not None):
        JUDGE_ABSENCES.labels(code.value).inc()


def record_judge_votes(votes: Sequence[NoteRuling | None]) -> None:
    """Count judging models' votes on a note, and their disagreements, as metrics."""
    if get_rehearsal() is not None:
        return
    verdicts = ["none" if one is None else one.verdict.value for one in votes]
    for verdict in verdicts:
        JUDGE_VOTES.labels(verdict).inc()
    if len(set(verdicts)) > 1:
        JUDGE_DISAGREEMENTS.inc()
