"""The slow handler with latencies from a long-tailed distribution."""

from __future__ import annotations

from random import Random

from bench.calls import compare
from bench.harness import Lab, Result

MEDIAN_S = 0.2
SIGMA = 1.0
LONGEST_S = 5.0
SEED = 20


async def measure(lab: Lab) -> Result:
    """Rates beside the asyncio bound; every side has the same latencies in the same order."""
    random = Random(SEED)
    number = lab.scaled(1_500, least=192)
    drawn = (MEDIAN_S * random.lognormvariate(0, SIGMA) for _ in range(number))
    latencies = [min(LONGEST_S, one) for one in drawn]
    result, _ = await compare(lab, latencies, safe_number=lab.scaled(120, least=40))
    return result
