"""A metrics page that is as large as it can get in one process, whatever messages say."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final

from contracts.topics import ENRICHMENT, RETRY_DELAYS_S, build_retry_topic
from messaging.stage_metrics import StageMetrics
from telemetry import metrics
from telemetry.label_bounds import OTHER, Label, Named, OneOf
from telemetry.metric_types import CallbackGauge, Labelled
from telemetry.metrics_page import render_metrics

STUDIES: Final = 100
"""Studies, each with a producer and a model of its own that no setting names."""

CONFIGURED_MODELS: Final = 5

_TOPICS: Final = (
    *("chunks-ready", "notes-rejected"),
    *(build_retry_topic(ENRICHMENT, tier).name for tier in range(len(RETRY_DELAYS_S))),
)


def fill_all() -> None:
    """Give every metric each value of each label that one service can come upon."""
    for number in range(CONFIGURED_MODELS):
        metrics.MODELS.register(f"configured-model-{number}")
    StageMetrics(ENRICHMENT)
    for metric in vars(metrics).values():
        if isinstance(metric, Labelled | CallbackGauge):
            for values in product(*map(_values, metric.definition.labels)):
                _fill(metric, values)


def _fill(metric: Labelled[Any] | CallbackGauge, values: Sequence[str]) -> None:
    if isinstance(metric, CallbackGauge):
        metric.add(*values, read=lambda: 1234.5678)
        return
    child = metric.labels(*values)
    kind = metric.definition.kind
    (child.observe if kind == "histogram" else child.inc)(1234.5678)


def _values(label: Label) -> Iterator[str]:
    """Yield all values of a label, and those of all studies where the bound is open."""
    bound = label.bound
    if isinstance(bound, OneOf):
        yield from (*sorted(bound.values), OTHER)
    elif bound is metrics.SERVICES:
        yield ENRICHMENT
    elif bound is metrics.TOPICS:
        yield from _TOPICS
    else:
        assert isinstance(bound, Named)
        yield from bound.named
        yield from (f"https://producer.example/study-{number:03}" for number in range(STUDIES))


def measure_page(repeats: int = 20) -> tuple[int, float]:
    """Return the full page's size in bytes, and the least time to render it, in milliseconds.

    The least, as other processes take time from this one.
    """
    times = []
    page = b""
    for _ in range(repeats):
        began = time.perf_counter()
        page = render_metrics()
        times.append(time.perf_counter() - began)
    return len(page), 1000 * min(times)


if __name__ == "__main__":
    fill_all()
    size, took_ms = measure_page()
    sys.stdout.write(f"{size} {took_ms:.3f}\n")
