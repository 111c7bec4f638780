"""What drafts and calls of models say about each metric that is watched for drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from contracts.errors import ErrorCode
from drift.attribution import ObservedChunk
from drift.metrics import Dimension, DriftMetric

ANSWERED: Final = "answered"
"""Outcome of a call whose answer was used."""

OUTCOMES: Final = (
    ANSWERED,
    ErrorCode.LLM_BAD_OUTPUT.value,
    ErrorCode.LLM_REFUSED.value,
    ErrorCode.LLM_CONTENT_FILTERED.value,
    ErrorCode.LLM_CUT_OFF.value,
)
"""Outcomes of calls that a model answered, however well; others say nothing about it."""

_REFUSED: Final = frozenset({ErrorCode.LLM_REFUSED.value, ErrorCode.LLM_CONTENT_FILTERED.value})


class DriftSource(StrEnum):
    """Source of observations: stored drafts, or the ledger of calls."""

    DRAFTS = "drafts"
    CALLS = "calls"


class Observation(NamedTuple):
    """Observation of a metric.

    Attributes:
        metric: which one.
        amount: hits of a rate, or a value.
        trials: of a rate; None: it is a value.
    """

    metric: DriftMetric
    amount: float
    trials: float | None


def list_observations(source: DriftSource, row: Mapping[str, Any]) -> Iterator[Observation]:
    """Yield what a draft or a call says about each metric that it says something about."""
    return _of_draft(row) if source is DriftSource.DRAFTS else _of_call(row)


def list_series_values(row: Mapping[str, Any]) -> Iterator[tuple[Dimension, str]]:
    """Yield the model, fingerprint, prompt and producer of a draft or call that are known."""
    for dimension in Dimension:
        if row[dimension.value]:
            yield dimension, row[dimension.value]


def find_source(metric: DriftMetric) -> DriftSource:
    """Return where a metric is observed."""
    return DriftSource.DRAFTS if metric in _OF_DRAFTS else DriftSource.CALLS


def build_observed_chunk(
    metric: DriftMetric, row: Mapping[str, Any], bound: float | None, *, is_rise: bool
) -> ObservedChunk | None:
    """Build what attribution compares of a draft or call; None if it says nothing of the metric.

    Args:
        metric: the alarm's.
        row: of the comparing queries.
        bound: of a metric of values: what is counted as high or low.
        is_rise: whether high values are counted.
    """
    source = find_source(metric)
    found = next((one for one in list_observations(source, row) if one.metric is metric), None)
    if found is None:
        return None
    factors = {name: row[name] or "" for name in ("model", "fingerprint", "prompt", "producer")}
    factors["format"] = row["format"]
    factors["length"] = f"{1 << (row['turns'] or 0).bit_length()} turns at most"
    if found.trials is not None:
        return ObservedChunk(found.amount, found.trials, factors)
    is_hit = bound is not None and (found.amount > bound if is_rise else found.amount < bound)
    return ObservedChunk(float(is_hit), 1.0, factors)


_OF_DRAFTS: Final = frozenset(
    {DriftMetric.REJECTED_NOTES, DriftMetric.UNPROVEN_NOTES, DriftMetric.NOTES_PER_TOKENS}
)


def _of_draft(row: Mapping[str, Any]) -> Iterator[Observation]:
    accepted, refused, tokens = row["accepted"], row["refused"], row["output_tokens"]
    if accepted + refused:
        yield Observation(DriftMetric.REJECTED_NOTES, refused, accepted + refused)
    if accepted:
        yield Observation(DriftMetric.UNPROVEN_NOTES, row["unproven"], accepted)
    if tokens:
        yield Observation(
            DriftMetric.NOTES_PER_TOKENS, 1_000.0 * (accepted + refused) / tokens, None
        )


def _of_call(row: Mapping[str, Any]) -> Iterator[Observation]:
    outcome = row["outcome"]
    is_bad = outcome == ErrorCode.LLM_BAD_OUTPUT.value
    yield Observation(DriftMetric.UNUSABLE_ANSWERS, float(is_bad), 1.0)
    yield Observation(DriftMetric.REFUSED_ANSWERS, float(outcome in _REFUSED), 1.0)
    is_cut_off = outcome == ErrorCode.LLM_CUT_OFF.value
    yield Observation(DriftMetric.CUT_OFF_ANSWERS, float(is_cut_off), 1.0)
    if outcome == ANSWERED:
        yield Observation(DriftMetric.ANSWER_TOKENS, float(row["output_tokens"]), None)
        yield Observation(DriftMetric.LATENCY, row["latency_s"], None)
        if row["cost_usd"] is not None:
            yield Observation(DriftMetric.COST, row["cost_usd"], None)
