"""Latency of the simulated model, as a distribution in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Literal, Self

_FORMS = "a number of seconds, uniform:LEAST,MOST, lognormal:MEDIAN,SIGMA or pareto:LEAST,ALPHA"
_MIN_ALPHA, _MAX_SIGMA = 0.1, 10.0  # beyond, single draws outlive the universe
_PARAMETERS = {"fixed": 1, "uniform": 2, "lognormal": 2, "pareto": 2}


@dataclass(frozen=True, slots=True)
class LatencyDistribution:
    """Probability distribution of simulated latencies, in seconds.

    ``fixed`` has the seconds; ``uniform`` the least and the most seconds; ``lognormal`` the median
    in seconds and sigma, the standard deviation of the logarithm (0.5: one call in twenty takes
    more than 2.3 times the median); ``pareto``, with the longest tail, the least seconds and alpha
    (1.5: one call in a hundred takes more than 22 times the least).
    """

    kind: Literal["fixed", "uniform", "lognormal", "pareto"] = "fixed"
    parameters: tuple[float, ...] = (0.0,)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``0.2``, ``uniform:0.1,0.4``, ``lognormal:0.3,0.5`` or ``pareto:0.2,1.5``.

        Raises:
            ValueError: the text has none of these forms, or a number makes no sense.
        """
        kind, colon, rest = text.strip().rpartition(":")
        try:
            numbers = tuple(float(part) for part in rest.split(","))
        except ValueError:
            numbers = ()
        match kind if colon else "fixed":
            case "fixed" | "uniform" | "lognormal" | "pareto" as known if _sensible(known, numbers):
                return cls(known, numbers)
        raise ValueError(f"latency {text[:40]!r} is not {_FORMS}")

    def sample(self, chance: Random) -> float:
        """Return one random waiting time, in seconds."""
        match self.kind, self.parameters:
            case "uniform", (least, most):
                return chance.uniform(least, most)
            case "lognormal", (median, sigma):
                return median * math.exp(chance.gauss(0.0, sigma))
            case "pareto", (least, alpha):
                return least * chance.paretovariate(alpha)
        return self.parameters[0]

    @property
    def is_zero(self) -> bool:
        """Whether every waiting time is 0."""
        return self.kind == "fixed" and self.parameters == (0.0,)

    def __str__(self) -> str:
        numbers = ",".join(f"{number:g}" for number in self.parameters)
        return numbers if self.kind == "fixed" else f"{self.kind}:{numbers}"


def _sensible(kind: str, numbers: tuple[float, ...]) -> bool:
    return (
        len(numbers) == _PARAMETERS[kind]
        and all(math.isfinite(number) and number >= 0 for number in numbers)
        and (kind != "uniform" or numbers == tuple(sorted(numbers)))
        and (kind != "pareto" or numbers[1] >= _MIN_ALPHA)
        and (kind != "lognormal" or numbers[1] <= _MAX_SIGMA)
    )
