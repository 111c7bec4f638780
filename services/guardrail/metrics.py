"""Counting of what the guardrail decides, in metrics."""

from __future__ import annotations

from collections import Counter as CountOf

from contracts.notes import Standing
from grounding import DraftAssessment
from rehearsal import get_rehearsal
from telemetry.metrics import NOTES_ASSESSED


def record_note_standings(assessment: DraftAssessment) -> None:
    """Count a draft's notes by standing (verbatim, proven, ..., refuted) as a metric.

    In a rehearsal, nothing is counted.
    """
    if get_rehearsal() is not None:
        return
    counts = CountOf(note.standing for note in assessment.accepted)
    counts[Standing.REFUTED] += len(assessment.rejected)
    for standing, number in counts.items():
        NOTES_ASSESSED.labels(standing.value).inc(number)
