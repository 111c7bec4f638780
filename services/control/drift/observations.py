"""What drafts and calls of models say about each metric that is watched for drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from contracts.errors import ErrorCode
from drift.attribution import ObservedChunk
from drift.baseline import Group
from drift.metrics import BY_HOUR, Dimension, DriftMetric
from drift.series import Observation

ALL: Final = "all"
"""Value of the dimension that is not divided."""

MAX_VALUE: Final = 200
"""Characters of a model's or producer's name by which it is watched."""

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


def list_observations(
    source: DriftSource, row: Mapping[str, Any]
) -> Iterator[tuple[DriftMetric, Observation]]:
    """Yield what a draft or a call says about each metric that it says something about."""
    return _of_draft(row) if source is DriftSource.DRAFTS else _of_call(row)


def list_series_values(row: Mapping[str, Any]) -> Iterator[tuple[Dimension, str]]:
    """Yield all, and the model, fingerprint, prompt and producer of a draft or call, if known."""
    yield Dimension.ALL, ALL
    for dimension in Dimension:
        if dimension is not Dimension.ALL and row[dimension.value]:
            yield dimension, row[dimension.value][:MAX_VALUE]


def choose_group(metric: DriftMetric, row: Mapping[str, Any]) -> Group:
    """Choose the group of an observation: those of one interview, or hour, resemble each other."""
    if metric in BY_HOUR:
        return Group(f"{row['at']:%d.%H}", at_once=1)
    return Group(str(row["interview"]))


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
    found = dict(list_observations(source, row)).get(metric)
    if found is None:
        return None
    names = ("model", "asked_model", "fingerprint", "prompt", "producer", "format", "interview")
    factors = {name.replace("_", " "): str(row[name] or "") for name in names}
    factors["length"] = f"{1 << (row['turns'] or 0).bit_length()} turns at most"
    if found.trials is not None:
        return ObservedChunk(found.amount, found.trials, factors)
    is_hit = bound is not None and (found.amount > bound if is_rise else found.amount < bound)
    return ObservedChunk(float(is_hit), 1.0, factors)


_OF_DRAFTS: Final = frozenset(
    {DriftMetric.REJECTED_NOTES, DriftMetric.UNPROVEN_NOTES, DriftMetric.NOTES_PER_TOKENS}
)


def _of_draft(row: Mapping[str, Any]) -> Iterator[tuple[DriftMetric, Observation]]:
    accepted, refused, tokens = row["accepted"], row["refused"], row["output_tokens"]
    if accepted + refused:
        yield DriftMetric.REJECTED_NOTES, Observation(refused, accepted + refused)
    if accepted:
        yield DriftMetric.UNPROVEN_NOTES, Observation(row["unproven"], accepted)
    if tokens:
        yield DriftMetric.NOTES_PER_TOKENS, Observation(1_000.0 * (accepted + refused) / tokens)


def _of_call(row: Mapping[str, Any]) -> Iterator[tuple[DriftMetric, Observation]]:
    outcome = row["outcome"]
    # The ledger has an answer as it came; that it is not what was asked for is found later.
    is_unusable = row["is_repaired"] or outcome == ErrorCode.LLM_BAD_OUTPUT.value
    yield DriftMetric.UNUSABLE_ANSWERS, Observation(float(is_unusable), 1.0)
    yield DriftMetric.REFUSED_ANSWERS, Observation(float(outcome in _REFUSED), 1.0)
    is_cut_off = outcome == ErrorCode.LLM_CUT_OFF.value
    yield DriftMetric.CUT_OFF_ANSWERS, Observation(float(is_cut_off), 1.0)
    if outcome == ANSWERED:
        yield DriftMetric.ANSWER_TOKENS, Observation(float(row["output_tokens"]))
        yield DriftMetric.LATENCY, Observation(row["latency_s"])
        if row["cost_usd"] is not None:
            yield DriftMetric.COST, Observation(row["cost_usd"])
