"""What is watched for drift, and how the budget of false alarms is shared."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from drift.series import AlarmShares


class Dimension(StrEnum):
    """Property of chunks by which they are watched apart."""

    ALL = "all"
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


_OF_METRIC: Final[dict[DriftMetric, AlarmShares]] = {
    DriftMetric.REJECTED_NOTES: AlarmShares(0.30, 0.05),
    DriftMetric.UNPROVEN_NOTES: AlarmShares(0.10, 0.05),
    DriftMetric.UNUSABLE_ANSWERS: AlarmShares(0.10, 0.0),
    DriftMetric.REFUSED_ANSWERS: AlarmShares(0.10, 0.0),
    DriftMetric.CUT_OFF_ANSWERS: AlarmShares(0.05, 0.0),
    DriftMetric.NOTES_PER_TOKENS: AlarmShares(0.03, 0.05),
    DriftMetric.ANSWER_TOKENS: AlarmShares(0.03, 0.03),
    DriftMetric.LATENCY: AlarmShares(0.05, 0.01),
    DriftMetric.COST: AlarmShares(0.04, 0.01),
}
"""Shares of the budget; a fall of unusable answers is no alarm."""

_OF_DIMENSION: Final[dict[Dimension, float]] = {
    Dimension.ALL: 0.35,
    Dimension.MODEL: 0.25,
    Dimension.FINGERPRINT: 0.1,
    Dimension.PROMPT: 0.1,
    Dimension.PRODUCER: 0.2,
}

BY_HOUR: Final = frozenset({DriftMetric.LATENCY, DriftMetric.COST})
"""Metrics whose observations resemble those of the same hour, and not those of the same interview:
endpoints are slower by day than by night."""


def get_shares(metric: DriftMetric, dimension: Dimension) -> AlarmShares:
    """Return the shares of the budget that series of a metric and a dimension have together."""
    of_metric, of_dimension = _OF_METRIC[metric], _OF_DIMENSION[dimension]
    return AlarmShares(of_metric.up * of_dimension, of_metric.down * of_dimension)
