"""Words durations and moments for people."""

from __future__ import annotations

from datetime import datetime
from typing import Final

EXACT_BELOW_S: Final = 10.0


def seconds(duration_s: float) -> str:
    """A duration with as many digits as matter: ``0.25 s``, ``2 s``, ``3,600 s``."""
    if duration_s < EXACT_BELOW_S:
        return f"{duration_s:.2f}".rstrip("0").rstrip(".") + " s"
    return f"{duration_s:,.0f} s"


def clock_time(moment: datetime, now: datetime) -> str:
    """A moment in the zone of its own: ``14:05``, or with its date if that is another day's."""
    return moment.strftime("%H:%M" if moment.date() == now.date() else "%Y-%m-%d %H:%M")
