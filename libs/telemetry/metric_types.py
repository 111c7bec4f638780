"""Types of metrics: definitions with a type, a unit, a meaning and bounded labels.

``metrics`` holds all definitions, and is the only module that makes metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from telemetry.label_bounds import Label

M = TypeVar("M", bound=Counter | Gauge | Histogram)

DEFINITIONS: Final[list[MetricDefinition]] = []
"""All metrics of onrecord, in the order of their definition."""


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """Definition of a metric, for its page in the documentation and for tests.

    Attributes:
        name: without the suffix that Prometheus adds (``_total`` of counters).
        kind: ``counter``, ``gauge`` or ``histogram``.
        unit: what it counts in.
        meaning: what it says, in a sentence.
        labels: in order.
        buckets: of a histogram, upper bounds; empty of others.
    """

    name: str
    kind: str
    unit: str
    meaning: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def shown_name(self) -> str:
        """The name as Prometheus shows it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def limit(self, values: Sequence[str]) -> tuple[str, ...]:
        """Return values of the labels, ``other`` in place of each that is outside its bound.

        Raises:
            ValueError: there are more values than labels, or fewer.
        """
        scope = ""
        limited: list[str] = []
        for label, value in zip(self.labels, values, strict=True):
            limited.append(label.bound.limit(value, scope))
            scope = limited[0]
        return tuple(limited)


class Labelled(Generic[M]):
    """Metric with labels, whose values are kept within their bounds.

    Args:
        definition: what it is.
        metric: the Prometheus client's.
    """

    def __init__(self, definition: MetricDefinition, metric: M) -> None:
        self.definition = definition
        self._metric: Any = metric

    def labels(self, *values: str) -> M:
        """Return the metric for values of its labels; ``other`` for what is outside a bound.

        Where every message counts, call this once and keep the result.
        """
        child: M = self._metric.labels(*self.definition.limit(values))
        return child


ReadGauge = Callable[[], float]
"""Returns the gauge's value now."""


class CallbackGauge:
    """Gauge whose values are read when the metrics page is asked for.

    Whoever owns a value adds a callback, and removes it when the value is no more. Where several
    are added for the same labels, ``combine`` makes one value of theirs.

    Args:
        definition: what it is.
        combine: makes one value of those of one series, such as ``sum`` or ``max``.
    """

    def __init__(
        self, definition: MetricDefinition, combine: Callable[[Sequence[float]], float]
    ) -> None:
        self.definition = definition
        self.combine = combine
        self.callbacks: dict[object, tuple[tuple[str, ...], ReadGauge]] = {}

    def add(self, *values: str, read: ReadGauge) -> Callable[[], None]:
        """Add a callback for values of the labels.

        Args:
            values: of the labels; ``other`` is shown for what is outside a bound.
            read: returns the value. It has to be quick: other tasks wait meanwhile.

        Returns:
            The function that removes it.
        """
        token = object()
        self.callbacks[token] = (self.definition.limit(values), read)

        def remove() -> None:
            self.callbacks.pop(token, None)

        return remove


CALLBACK_GAUGES: Final[list[CallbackGauge]] = []
"""All gauges that are read when the metrics page is asked for."""


def _define(definition: MetricDefinition) -> MetricDefinition:
    if any(one.name == definition.name for one in DEFINITIONS):
        raise ValueError(f"there is a metric {definition.name} already")
    DEFINITIONS.append(definition)
    return definition


def _make(cls: type[M], definition: MetricDefinition) -> M:
    options: dict[str, Any] = {"buckets": definition.buckets} if definition.buckets else {}
    names = [one.name for one in definition.labels]
    return cls(definition.name, definition.meaning, names, **options)


def define(cls: type[M], name: str, meaning: str, *, unit: str, buckets: Sequence[float] = ()) -> M:
    """Define a metric without labels, and return the Prometheus client's object."""
    return _make(
        cls, _define(MetricDefinition(name, _kind(cls), unit, meaning, buckets=tuple(buckets)))
    )


def define_labelled(
    cls: type[M],
    name: str,
    meaning: str,
    *labels: Label,
    unit: str,
    buckets: Sequence[float] = (),
) -> Labelled[M]:
    """Define a metric with labels.

    Raises:
        ValueError: it has no label, or there is one of its name already.
    """
    if not labels:
        raise ValueError(f"{name} has no label")
    definition = _define(MetricDefinition(name, _kind(cls), unit, meaning, labels, tuple(buckets)))
    return Labelled(definition, _make(cls, definition))


def define_callback_gauge(
    name: str,
    meaning: str,
    *labels: Label,
    unit: str,
    combine: Callable[[Sequence[float]], float] = sum,
) -> CallbackGauge:
    """Define a gauge that is read when the metrics page is asked for."""
    gauge = CallbackGauge(_define(MetricDefinition(name, "gauge", unit, meaning, labels)), combine)
    CALLBACK_GAUGES.append(gauge)
    return gauge


def _kind(cls: type[Any]) -> str:
    return cls.__name__.lower()
