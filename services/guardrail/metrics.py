"""Prometheus metrics of what the guardrail decides."""

from __future__ import annotations

from collections import Counter as CountOf
from typing import Final

from prometheus_client import Counter

from contracts.notes import Standing
from grounding import DraftAssessment
from rehearsal import get_rehearsal

NOTES: Final = Counter(
    "onrecord_notes_assessed",
    "Notes of assessed drafts by standing; those that are rejected are `refuted`.",
    ["standing"],
)


def record_note_standings(assessment: DraftAssessment) -> None:
    """Count a draft's notes by standing (verbatim, proven, ..., refuted) as a metric.

    In a rehearsal, nothing is counted.
    """
    if get_rehearsal() is not None:
        return
    counts = CountOf(note.standing for note in assessment.accepted)
    counts[Standing.REFUTED] += len(assessment.rejected)
    for standing, number in counts.items():
        NOTES.labels(standing.value).inc(number)
