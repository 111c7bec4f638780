"""Prometheus metrics of what judging models say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client import Counter, Histogram

from judging.questions import JudgeReply, NoteRuling
from rehearsal import get_rehearsal

JUDGE_VOTES: Final = Counter(
    "onrecord_judge_votes",
    "Votes of judging models on notes, by verdict; `none` is a note without a ruling that counts.",
    ["verdict"],
)
JUDGE_DISAGREEMENTS: Final = Counter(
    "onrecord_judge_disagreements",
    "Notes on which the votes of judging models differ.",
)
JUDGE_UNBELIEVED: Final = Counter(
    "onrecord_judge_unbelieved",
    "Rulings of judging models that do not count: they leave out a part of the note, name words "
    "that nobody said, or there are two of them or none.",
)
JUDGE_ABSENCES: Final = Counter(
    "onrecord_judge_absences",
    "Votes on notes that a judging model did not cast, as its answer was late, failed or could not "
    "be read, by the error's code.",
    ["code"],
)
JUDGE_CALLS: Final = Histogram(
    "onrecord_judge_calls_per_draft",
    "Calls of judging models that a draft took, 0 for one without a note to ask about; without "
    "answers from the cache, repairs and retries.",
    buckets=(0, 1, 2, 3, 5, 8, 16, 64),
)


def record_judge_replies(replies: Sequence[JudgeReply]) -> None:
    """Count judging models' calls, invalid rulings and missing answers as metrics."""
    if get_rehearsal() is not None:
        return
    JUDGE_CALLS.observe(sum(one.calls for one in replies))
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
