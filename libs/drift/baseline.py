"""The rate that a series is compared with: what was usual, learned from the series itself.

::

    observations ─▶ recent (not judged by yet) ─▶ reference (at least LEARNED, at most KEPT)
                                                       │
                                                       ▼
                                   usual rate, and how far the true one may be from it

A change must not become usual before it is found, so the latest ``RECENT`` observations are no
part of the reference. Once it has ``KEPT`` observations it stays as it is: a rate that creeps is
compared with what was usual in the beginning, not with last week.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import sqrt
from typing import Final

LEARNED: Final = 300
"""Observations of the reference from which on there are verdicts."""

RECENT: Final = 300
"""Latest observations that are not part of the reference yet."""

KEPT: Final = 20_000
"""Most observations of the reference."""

_BLOCK: Final = 50
"""Observations that become part of the reference together."""

_DEVIATIONS: Final = 2.0
"""Standard errors by which the true rate may be off the reference's."""

_TOLERANCE: Final = 0.002
"""Change of a rate that is never called one; also, bets divide by a rate of at least this much."""


@dataclass(slots=True)
class _Sums:
    """Sums over observations, as far as a rate and its variance need them."""

    observations: int = 0
    trials: float = 0.0
    hits: float = 0.0
    hits_squared: float = 0.0
    hits_by_trials: float = 0.0
    trials_squared: float = 0.0

    def add(self, hits: float, trials: float) -> None:
        self.observations += 1
        self.trials += trials
        self.hits += hits
        self.hits_squared += hits * hits
        self.hits_by_trials += hits * trials
        self.trials_squared += trials * trials

    def merge(self, other: _Sums) -> None:
        self.observations += other.observations
        self.trials += other.trials
        self.hits += other.hits
        self.hits_squared += other.hits_squared
        self.hits_by_trials += other.hits_by_trials
        self.trials_squared += other.trials_squared


@dataclass(frozen=True, slots=True)
class UsualRate:
    """Rate that is usual for a series.

    Attributes:
        rate: hits per trial.
        lowest: the true one may be as low as this.
        highest: or as high.
        variance: of one trial; larger than ``rate * (1 - rate)`` where trials of one observation
            resemble each other.
    """

    rate: float
    lowest: float
    highest: float
    variance: float


@dataclass(slots=True)
class Baseline:
    """Reference of a series, and the observations that are not part of it yet.

    Attributes:
        reference: sums of what was usual.
        recent: sums of later observations, in blocks, oldest first.
        usual: the usual rate by the reference; None until it has ``LEARNED`` observations.
    """

    reference: _Sums = field(default_factory=_Sums)
    recent: deque[_Sums] = field(default_factory=deque)
    usual: UsualRate | None = None

    def observe(self, hits: float, trials: float) -> None:
        """Take one observation; the oldest of the recent ones may become part of the reference."""
        if not self.recent or self.recent[-1].observations >= _BLOCK:
            self.recent.append(_Sums())
            if len(self.recent) > RECENT // _BLOCK + 1:
                self._judge_by(self.recent.popleft())
        self.recent[-1].add(hits, trials)

    def _judge_by(self, block: _Sums) -> None:
        if self.reference.observations >= KEPT:
            return
        self.reference.merge(block)
        if self.reference.observations >= LEARNED:
            self.usual = _compute_usual_rate(self.reference)


def _compute_usual_rate(sums: _Sums) -> UsualRate | None:
    if not sums.trials:
        return None
    # As if one more hit and one more miss had been seen: nothing is never or always so for certain.
    rate = (sums.hits + 1.0) / (sums.trials + 2.0)
    single = rate * (1.0 - rate)
    residuals = (
        sums.hits_squared - 2.0 * rate * sums.hits_by_trials + rate * rate * sums.trials_squared
    )
    variance = max(single, residuals / sums.trials)
    margin = _DEVIATIONS * sqrt(variance / sums.trials) + _TOLERANCE
    return UsualRate(
        rate,
        max(rate - margin, 0.0),
        min(rate + margin, 1.0),
        variance,
    )
