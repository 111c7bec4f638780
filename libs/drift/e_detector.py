"""Sequential detection of a change in a rate, whose rate of false alarms is bounded at any time.

An observation is ``hits`` out of ``trials``, such as the refused ones of a draft's notes. As long
as the rate is at most ``usual``, a bet on hits multiplies what is staked by a factor whose expected
value is at most 1::

    factor = 1 + stake * (hits - usual * trials)

The detector bets anew from each observation on, and adds up what all these bets have made of 1: a
Shiryaev-Roberts e-detector (Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for
sequential change detection", 2023). Its sum grows by at most 1 per observation in expectation, so
that it reaches ``threshold`` within ``n`` observations with a probability of at most
``n / threshold``, however the trials of one observation depend on each other, and however often it
is looked at; the stake is known before the observation.

That holds if the expected rate is what is usual whatever came before. Observations of one interview
resemble each other, though: where the first had many hits, the next will. ``excess`` is how much
that adds to the variance of a trial, and each bet pays ``stake ** 2 * excess / 2`` for a trial, in
logarithms: what it would win by it in expectation if the rates of interviews were normally
distributed. With it, the bound is approximate, and tried by simulation (``make bench ONLY=drift``).

How much is staked is best chosen for the size of the change, which nobody knows: bets for
``EFFECTS`` are made side by side, each with its share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from typing import Final, NamedTuple

EFFECTS: Final = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Changes of the rate that bets are made for."""

_MAX_STAKE: Final = 0.9
"""Most of what there is that one observation can lose."""

MAX_TRIALS: Final = 20
"""Most trials of an observation: the stake is chosen before it is known how many there are."""

_MAX_SUM: Final = 1e100
"""Sums stay below it, so that they are numbers; thresholds are far lower."""

_SOME_EVIDENCE: Final = 20.0
"""What bets have made of 1 where something may have changed."""


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


class Spread(NamedTuple):
    """Spread of hits around a rate.

    Attributes:
        variance: of a trial; it decides how much is staked.
        excess: what resemblance of observations of one group adds to it.
    """

    variance: float
    excess: float = 0.0


@dataclass(slots=True)
class EDetector:
    """Detector of a rise of a rate above a given one.

    Attributes:
        sums: what the bets for each of ``EFFECTS`` have made, of all beginnings.
        runs: the best beginning alone of each, by which a change is dated and measured.
    """

    sums: list[float] = field(default_factory=lambda: [0.0 for _ in EFFECTS])
    runs: list[Run] = field(default_factory=lambda: [Run() for _ in EFFECTS])

    def observe(self, hits: float, trials: float, usual: float, spread: Spread, at: float) -> None:
        """Take one observation.

        Args:
            hits: how many of the trials were hits.
            trials: how many there were, ``MAX_TRIALS`` at most; with none, nothing is learned.
            usual: the rate that is no change, above 0; known before the observation.
            spread: of hits around it, as far as known.
            at: when it was, in seconds since the epoch.
        """
        if trials <= 0:
            return
        surplus = hits - usual * trials
        most = _MAX_STAKE / (usual * MAX_TRIALS)
        for number, effect in enumerate(EFFECTS):
            stake = min(effect / (spread.variance + spread.excess), most)
            price = stake * stake * spread.excess * trials / 2.0
            factor = (1.0 + stake * surplus) * exp(-price)
            self.sums[number] = min((self.sums[number] + 1.0) * factor, _MAX_SUM)
            self.runs[number].add(hits, trials, factor, at)

    @property
    def evidence(self) -> float:
        """The sum to compare with a threshold: the mean over the effects."""
        return sum(self.sums) / len(self.sums)

    @property
    def is_doubtful(self) -> bool:
        """Whether there is some evidence of a change, far from enough."""
        return any(one.product >= _SOME_EVIDENCE for one in self.runs)

    @property
    def change(self) -> Run:
        """The observations since the change, as the bets that made most suggest."""
        return self.runs[max(range(len(EFFECTS)), key=self.sums.__getitem__)]
