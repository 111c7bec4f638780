"""What is watched for drift, and how the budget of false alarms is shared."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from drift.series import DriftSeries


class Dimension(StrEnum):
    """Property of chunks by which they are watched apart."""

    MODEL = "model"
    FINGERPRINT = "fingerprint"
    PROMPT = "prompt"
    PRODUCER = "producer"


class DriftMetric(StrEnum):
    """Metric that is watched for drift."""

    REJECTED_NOTES = "rejected_notes"
    UNPROVEN_NOTES = "unproven_notes"
    UNUSABLE_ANSWERS = "unusable_answers"
    REFUSED_ANSWERS = "refused_answers"
    CUT_OFF_ANSWERS = "cut_off_answers"
    NOTES_PER_TOKENS = "notes_per_1000_tokens"
    ANSWER_TOKENS = "answer_tokens"
    LATENCY = "latency_seconds"
    COST = "cost_usd"


_OF_METRIC: Final[dict[DriftMetric, tuple[float, float]]] = {
    DriftMetric.REJECTED_NOTES: (0.30, 0.05),
    DriftMetric.UNPROVEN_NOTES: (0.10, 0.05),
    DriftMetric.UNUSABLE_ANSWERS: (0.10, 0.0),
    DriftMetric.REFUSED_ANSWERS: (0.10, 0.0),
    DriftMetric.CUT_OFF_ANSWERS: (0.05, 0.0),
    DriftMetric.NOTES_PER_TOKENS: (0.03, 0.05),
    DriftMetric.ANSWER_TOKENS: (0.03, 0.03),
    DriftMetric.LATENCY: (0.05, 0.01),
    DriftMetric.COST: (0.04, 0.01),
}
"""Shares of the budget for a rise and for a fall; a fall of unusable answers is no alarm."""

_OF_DIMENSION: Final[dict[Dimension, float]] = {
    Dimension.MODEL: 0.4,
    Dimension.FINGERPRINT: 0.1,
    Dimension.PROMPT: 0.2,
    Dimension.PRODUCER: 0.3,
}


def create_series(metric: DriftMetric, dimension: Dimension) -> DriftSeries:
    """Create the series of a metric for one value of a dimension."""
    up, down = _OF_METRIC[metric]
    share = _OF_DIMENSION[dimension]
    return DriftSeries(up * share, down * share)
