"""Series that are watched for drift: a rate, or how large values are, of one model or producer.

A series raises a false alarm within ``n`` observations with probability
``n * share / CHUNKS_PER_FALSE_ALARM`` at most (``drift.e_detector`` says under which conditions). A
chunk is one observation of a metric, and the observations of all values of a dimension (of all
models, of all producers) are no more than the chunks. So how many models and producers there are
makes no difference; metrics, dimensions and directions share the budget (``drift.metrics``).
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from drift.baseline import Baseline, Group
from drift.e_detector import MAX_TRIALS, EDetector, Spread

CHUNKS_PER_FALSE_ALARM: Final = 100_000
"""Chunks of steady work within which less than one false alarm of all series is expected."""

SAMPLED_VALUES: Final = 300
"""First values of a series by which it is known which are high or low."""

_TAIL: Final = 0.1
"""Share of the first values that are called high, and share that are called low."""


class Direction(StrEnum):
    """Direction of a drift."""

    UP = "up"
    DOWN = "down"


class SeriesKey(NamedTuple):
    """Key of a series: what is watched, of what.

    Attributes:
        metric: a ``drift.metrics.DriftMetric``'s name.
        dimension: a ``drift.metrics.Dimension``, such as ``model``.
        value: such as the model's name.
    """

    metric: str
    dimension: str
    value: str


class Observation(NamedTuple):
    """Observation of a rate or a value.

    Attributes:
        amount: hits of a rate, such as refused notes; or a value, such as seconds.
        trials: of a rate, such as all notes of a draft; None: it is a value.
    """

    amount: float
    trials: float | None = None


class DriftAlarm(NamedTuple):
    """Alarm of a series.

    Attributes:
        direction: of the change.
        before: the usual rate.
        after: the rate since the change.
        age: how many observations ago it began, about.
        begun_at: when that was, in seconds since the epoch.
        bound: for values: what is counted as high or low.
    """

    direction: Direction
    before: float
    after: float
    age: int
    begun_at: float
    bound: float | None = None


@dataclass(slots=True)
class _RateWatch:
    """Baseline of a rate, and the detectors of its rise and fall."""

    baseline: Baseline = field(default_factory=Baseline)
    rising: EDetector = field(default_factory=EDetector)
    falling: EDetector = field(default_factory=EDetector)

    def observe(self, hits: float, trials: float, at: float, group: Group) -> None:
        if trials > MAX_TRIALS:  # it counts as so many, with its rate
            hits, trials = hits * MAX_TRIALS / trials, float(MAX_TRIALS)
        usual = self.baseline.usual
        if usual is not None:
            spread = Spread(usual.variance, usual.excess)
            self.rising.observe(hits, trials, usual.highest, spread, at)
            self.falling.observe(trials - hits, trials, 1.0 - usual.lowest, spread, at)
        is_doubtful = self.rising.is_doubtful or self.falling.is_doubtful
        self.baseline.observe(hits, trials, group, is_doubtful=is_doubtful)

    def find_change(self, threshold_up: float, threshold_down: float) -> DriftAlarm | None:
        usual = self.baseline.usual
        if usual is None:
            return None
        for direction, detector, threshold in (
            (Direction.UP, self.rising, threshold_up),
            (Direction.DOWN, self.falling, threshold_down),
        ):
            if detector.evidence >= threshold:
                run = detector.change
                rate = run.hits / run.trials
                return DriftAlarm(
                    direction,
                    usual.rate,
                    rate if direction is Direction.UP else 1.0 - rate,
                    run.observations,
                    run.begun_at,
                )
        return None


class AlarmShares(NamedTuple):
    """Shares of the budget of false alarms that a series has.

    Attributes:
        up: for a rise; 0: a rise is none.
        down: the same for a fall.
    """

    up: float
    down: float


@dataclass(slots=True)
class DriftSeries:
    """Series of observations that is watched for drift.

    Attributes:
        of_rate: its rate, or how often values are high.
        of_low: how often values are low; None for a rate.
        sample: the first values, sorted, until there are ``SAMPLED_VALUES``.
        high: from which on a value is high; None for a rate, and until it is known.
        low: up to which a value is low.
    """

    of_rate: _RateWatch = field(default_factory=_RateWatch)
    of_low: _RateWatch | None = None
    sample: list[float] = field(default_factory=list)
    high: float | None = None
    low: float | None = None

    def observe(
        self, observation: Observation, shares: AlarmShares, at: float, group: Group
    ) -> DriftAlarm | None:
        """Take an observation; return an alarm if it raises one.

        Of values no distribution is assumed: a rise is that more values than usual are higher than
        nine of ten were, and a fall that more are lower than nine of ten were.

        Args:
            observation: of a rate, or a value; a series is always of one of them.
            shares: its shares of the budget.
            at: when it was, in seconds since the epoch.
            group: what it is one of.
        """
        up, down = _compute_threshold(shares.up), _compute_threshold(shares.down)
        if observation.trials is not None:
            self.of_rate.observe(observation.amount, observation.trials, at, group)
            return self.of_rate.find_change(up, down)
        value = observation.amount
        if self.high is None or self.low is None:
            self._sample(value)
            return None
        if self.of_low is None:
            self.of_low = _RateWatch()
        self.of_rate.observe(float(value > self.high), 1.0, at, group)
        self.of_low.observe(float(value < self.low), 1.0, at, group)
        never = float("inf")
        if (rise := self.of_rate.find_change(up, never)) is not None:
            return rise._replace(bound=self.high)
        fall = self.of_low.find_change(down, never)
        return fall and fall._replace(direction=Direction.DOWN, bound=self.low)

    def _sample(self, value: float) -> None:
        insort(self.sample, value)
        if len(self.sample) >= SAMPLED_VALUES:
            cut = int(SAMPLED_VALUES * _TAIL)
            self.high, self.low = self.sample[-cut - 1], self.sample[cut]
            self.sample = []

    @property
    def is_learning(self) -> bool:
        """Whether it is not known yet what is usual."""
        return self.of_rate.baseline.usual is None


def _compute_threshold(share: float) -> float:
    return CHUNKS_PER_FALSE_ALARM / share if share else float("inf")
