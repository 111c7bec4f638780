"""The rate that a series is compared with: what was usual, learned from the series itself.

::

    observations ─▶ open groups ─▶ recent blocks ─▶ reference (at least LEARNED, at most KEPT)
                    (interviews,    (not judged          │
                     or hours)       by yet)             ▼
                                    usual rate, how far the true one may be off, and how much
                                    observations of one group resemble each other

A change must not become usual before it is found, so the latest ``RECENT`` observations are no part
of the reference, nor is what comes while there is some evidence of a change. Once the reference has
``KEPT`` observations it stays as it is: a rate that creeps is compared with what was usual in the
beginning, not with last week.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import sqrt
from typing import Final, NamedTuple

LEARNED: Final = 300
"""Observations of the reference from which on there are verdicts."""

RECENT: Final = 300
"""Latest observations that are not part of the reference yet."""

KEPT: Final = 20_000
"""Most observations of the reference."""

_BLOCK: Final = 50
"""Observations that become part of the reference together."""

_GROUPS: Final = 20
"""Groups of the reference from which on there are verdicts."""

_DEVIATIONS: Final = 2.0
"""Standard errors by which the true rate may be off the reference's."""

_TOLERANCE: Final = 0.002
"""Change of a rate that is never called one; also, bets divide by a rate of at least this much."""


class Group(NamedTuple):
    """Group of observations that resemble each other.

    Attributes:
        name: such as an interview's id, or an hour.
        at_once: how many groups may have observations in turn; one that is not among the latest so
            many has no further observations.
    """

    name: str
    at_once: int = 16


@dataclass(slots=True)
class _Squares:
    """Sums of hits and trials, and of their three products, of observations or of groups."""

    number: int = 0
    trials: float = 0.0
    hits: float = 0.0
    hits_squared: float = 0.0
    hits_by_trials: float = 0.0
    trials_squared: float = 0.0

    def add(self, hits: float, trials: float) -> None:
        self.number += 1
        self.trials += trials
        self.hits += hits
        self.hits_squared += hits * hits
        self.hits_by_trials += hits * trials
        self.trials_squared += trials * trials

    def merge(self, other: _Squares) -> None:
        self.number += other.number
        self.trials += other.trials
        self.hits += other.hits
        self.hits_squared += other.hits_squared
        self.hits_by_trials += other.hits_by_trials
        self.trials_squared += other.trials_squared

    def compute_variance(self, rate: float) -> float:
        """Return the variance of hits around a rate, of one trial."""
        squares = (
            self.hits_squared - 2.0 * rate * self.hits_by_trials + rate * rate * self.trials_squared
        )
        return squares / self.trials


@dataclass(slots=True)
class _Sums:
    """Sums over observations, and over the groups that they are of."""

    observations: _Squares = field(default_factory=_Squares)
    groups: _Squares = field(default_factory=_Squares)

    def add_group(self, group: _Squares) -> None:
        self.observations.merge(group)
        self.groups.add(group.hits, group.trials)

    def merge(self, other: _Sums) -> None:
        self.observations.merge(other.observations)
        self.groups.merge(other.groups)


@dataclass(frozen=True, slots=True)
class UsualRate:
    """Rate that is usual for a series.

    Attributes:
        rate: hits per trial.
        lowest: the true one may be as low as this.
        highest: or as high.
        variance: of one trial; larger than ``rate * (1 - rate)`` where trials of one observation
            resemble each other.
        excess: what is added to it as observations of one group resemble each other, too.
    """

    rate: float
    lowest: float
    highest: float
    variance: float
    excess: float


@dataclass(slots=True)
class Baseline:
    """Reference of a series, and the observations that are not part of it yet.

    Attributes:
        reference: sums of what was usual.
        recent: sums of later groups, in blocks, oldest first.
        open_groups: sums of groups that may have further observations, the latest one last.
        usual: the usual rate by the reference; None until it has ``LEARNED`` observations of
            several groups.
    """

    reference: _Sums = field(default_factory=_Sums)
    recent: deque[_Sums] = field(default_factory=deque)
    open_groups: dict[str, _Squares] = field(default_factory=dict)
    usual: UsualRate | None = None

    def observe(self, hits: float, trials: float, group: Group, *, is_doubtful: bool) -> None:
        """Take one observation; older ones may become part of the reference.

        Args:
            hits: as of ``EDetector.observe``.
            trials: the same.
            group: what it is one of.
            is_doubtful: whether there is some evidence of a change: then nothing becomes usual.
        """
        # The latest one is the last, so the first has waited longest.
        found = self.open_groups.pop(group.name, None) or _Squares()
        found.add(hits, trials)
        self.open_groups[group.name] = found
        if len(self.open_groups) > group.at_once:
            oldest = self.open_groups.pop(next(iter(self.open_groups)))
            self._close(oldest, is_doubtful=is_doubtful)

    def _close(self, group: _Squares, *, is_doubtful: bool) -> None:
        if not self.recent or self.recent[-1].observations.number >= _BLOCK:
            self.recent.append(_Sums())
            if len(self.recent) > RECENT // _BLOCK + 1:
                oldest = self.recent.popleft()
                if not is_doubtful and self.reference.observations.number < KEPT:
                    self._judge_by(oldest)
        self.recent[-1].add_group(group)

    def _judge_by(self, block: _Sums) -> None:
        self.reference.merge(block)
        sums = self.reference
        if sums.observations.number >= LEARNED and sums.groups.number >= _GROUPS:
            self.usual = _compute_usual_rate(sums)


def _compute_usual_rate(sums: _Sums) -> UsualRate | None:
    trials = sums.observations.trials
    if not trials:
        return None
    # As if one more hit and one more miss had been seen: nothing is never or always so for certain.
    rate = (sums.observations.hits + 1.0) / (trials + 2.0)
    variance = max(rate * (1.0 - rate), sums.observations.compute_variance(rate))
    # Of few groups, the variance that was seen may be too small by chance.
    too_small = 1.0 + _DEVIATIONS * sqrt(2.0 / sums.groups.number)
    of_groups = max(variance, too_small * sums.groups.compute_variance(rate))
    margin = _DEVIATIONS * sqrt(of_groups / trials) + _TOLERANCE
    return UsualRate(
        rate, max(rate - margin, 0.0), min(rate + margin, 1.0), variance, of_groups - variance
    )
