"""Sequential detection of a change in a rate, whose rate of false alarms is bounded at any time.

An observation is ``hits`` out of ``trials``, such as the refused ones of a draft's notes. As long
as the rate is at most ``rate``, a bet on hits multiplies what is staked by a factor whose expected
value is at most 1::

    factor = 1 + stake * (hits - rate * trials)

The detector bets anew from each observation on, and adds up what all these bets have made of 1: a
Shiryaev-Roberts e-detector (Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for
sequential change detection", 2023). Its sum grows by at most 1 per observation in expectation, so
that it reaches ``threshold`` within ``n`` observations with a probability of at most ``n /
threshold``, however the trials of one observation depend on each other, and however often it is
looked at.

How much is staked is best chosen for the size of the change, which nobody knows: bets for
``EFFECTS`` are made side by side, each with its share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

EFFECTS: Final = (0.02, 0.04, 0.08, 0.16, 0.32)
"""Changes of the rate that bets are made for."""

_MAX_STAKE: Final = 0.9
"""Most of what there is that one observation can lose."""

_MAX_SUM: Final = 1e100
"""Sums stay below it, so that they are numbers; thresholds are far lower."""


@dataclass(slots=True)
class Run:
    """Observations since the bets for one effect began to make something: a CUSUM.

    Attributes:
        product: what they have made of 1, if the beginning is chosen best.
        begun_at: when the first one was, in seconds since the epoch.
        observations: how many there are.
        hits: how many hits they had.
        trials: how many trials.
    """

    product: float = 1.0
    begun_at: float = 0.0
    observations: int = 0
    hits: float = 0.0
    trials: float = 0.0

    def add(self, hits: float, trials: float, factor: float, at: float) -> None:
        """Add an observation, or begin anew with it."""
        if self.product <= 1.0:
            self.product, self.begun_at = 1.0, at
            self.observations, self.hits, self.trials = 0, 0.0, 0.0
        self.product = min(self.product * factor, _MAX_SUM)
        self.observations += 1
        self.hits += hits
        self.trials += trials


@dataclass(slots=True)
class EDetector:
    """Detector of a rise of a rate above a given one.

    Attributes:
        sums: what the bets for each of ``EFFECTS`` have made, of all beginnings.
        runs: the best beginning alone of each, by which a change is dated and measured.
    """

    sums: list[float] = field(default_factory=lambda: [0.0 for _ in EFFECTS])
    runs: list[Run] = field(default_factory=lambda: [Run() for _ in EFFECTS])

    def observe(
        self, hits: float, trials: float, rate: float, variance: float, at: float = 0.0
    ) -> None:
        """Take one observation.

        Args:
            hits: how many of the trials were hits.
            trials: how many there were; with none, nothing is learned.
            rate: the rate that is no change, above 0; known before the observation.
            variance: of a trial's hits around it, as far as known; it only decides how much is
                staked.
            at: when it was, in seconds since the epoch.
        """
        if trials <= 0:
            return
        surplus = hits - rate * trials
        most = _MAX_STAKE / (rate * trials)
        for number, effect in enumerate(EFFECTS):
            factor = 1.0 + min(effect / variance, most) * surplus
            self.sums[number] = min((self.sums[number] + 1.0) * factor, _MAX_SUM)
            self.runs[number].add(hits, trials, factor, at)

    @property
    def evidence(self) -> float:
        """The sum to compare with a threshold: the mean over the effects."""
        return sum(self.sums) / len(self.sums)

    @property
    def change(self) -> Run:
        """The observations since the change, as the bets that made most suggest."""
        return self.runs[max(range(len(EFFECTS)), key=self.sums.__getitem__)]
