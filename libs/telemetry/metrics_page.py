"""The page of a process's metrics, in Prometheus' text format.

Gauges with callbacks are read when the page is asked for. A callback that fails costs its own
series and a line in the log, and one that takes long is not called again for a while: metrics never
stop or slow the work that they are about.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog
from prometheus_client import disable_created_metrics, generate_latest
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

from telemetry.metric_types import CALLBACK_GAUGES, CallbackGauge, ReadGauge

log = structlog.get_logger(__name__)

SLOW_S: Final = 0.05
"""How long a callback may take, in seconds, before it is left out for ``REST_S``."""

REST_S: Final = 60.0
"""How long a slow callback is not called, and the time between two log lines about one metric, in
seconds."""

Series = dict[tuple[str, ...], list[float]]
"""Values by the labels' values."""


class CallbackReader(Collector):
    """Reader of all gauges with callbacks.

    Args:
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests: dict[object, float] = {}
        self._logged: dict[str, float] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges that have values now; callbacks that fail or rest are left out."""
        known = {token for gauge in CALLBACK_GAUGES for token in gauge.callbacks}
        self._rests = {one: until for one, until in self._rests.items() if one in known}
        for gauge in CALLBACK_GAUGES:
            if series := self._read_all(gauge):
                definition = gauge.definition
                names = [label.name for label in definition.labels]
                family = GaugeMetricFamily(definition.name, definition.meaning, labels=names)
                for labels, values in sorted(series.items()):
                    family.add_metric(labels, gauge.combine(values))
                yield family

    def _read_all(self, gauge: CallbackGauge) -> Series:
        """Return a gauge's values; a series of which a callback fails is left out whole."""
        series: Series = {}
        failed: set[tuple[str, ...]] = set()
        for token, (labels, read) in list(gauge.callbacks.items()):
            value = self._read(gauge.definition.name, token, read)
            if value is None:
                failed.add(labels)
            else:
                series.setdefault(labels, []).append(value)
        return {labels: values for labels, values in series.items() if labels not in failed}

    def _read(self, name: str, token: object, read: ReadGauge) -> float | None:
        """Return a callback's value; None if it fails, or has taken too long of late."""
        began = self._clock()
        if self._rests.get(token, began) > began:
            return None
        try:
            value = float(read())
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not cost the page
            self._log(name, began, error=type(error).__name__)
            return None
        took_s = self._clock() - began
        if took_s > SLOW_S:
            self._rests[token] = began + took_s + REST_S
            self._log(name, began, took_s=round(took_s, 3))
        return value

    def _log(self, name: str, now: float, **what: object) -> None:
        if now - self._logged.get(name, -REST_S) >= REST_S:
            self._logged[name] = now
            log.warning("metric_failed", metric=name, **what)


_CALLBACKS: Final = CallbackReader()

# A gauge of its own for when each series was begun would double the page; nothing here needs it.
disable_created_metrics()  # type: ignore[no-untyped-call]


def render_metrics() -> bytes:
    """Return all metrics of the process in Prometheus' text format."""
    # A registry is whatever has ``collect``.
    return generate_latest(REGISTRY) + generate_latest(_CALLBACKS)
