"""Confidence intervals of shares that were counted."""

from __future__ import annotations

from math import sqrt
from typing import Final

_Z: Final = 1.959964
"""Standard deviations on either side of a normal distribution's mean that hold 95 % of it."""


def compute_wilson_interval(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson's score (JASA 22, 1927).

    It stays within 0 and 1, and has a width also where a part is none or all, as in small counts.

    Args:
        part: how many of the whole have what is counted.
        whole: how many there are; of none, nothing is known, and the interval is from 0 to 1.
    """
    if not whole:
        return 0.0, 1.0
    share, square = part / whole, _Z * _Z
    middle = share + square / (2 * whole)
    spread = _Z * sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
