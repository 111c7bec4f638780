"""Formatting of durations and times of day for messages to people."""

from __future__ import annotations

from datetime import datetime
from typing import Final

EXACT_BELOW_S: Final = 10.0
"""Durations below this, in seconds, are shown with decimals."""


def format_seconds(duration_s: float) -> str:
    """Format a number of seconds with few digits: ``0.25 s``, ``2 s``, ``3,600 s``."""
    if duration_s < EXACT_BELOW_S:
        return f"{duration_s:.2f}".rstrip("0").rstrip(".") + " s"
    return f"{duration_s:,.0f} s"


def format_clock_time(moment: datetime, now: datetime) -> str:
    """Format a time of day as ``14:05``, with the date if it is not today."""
    return moment.strftime("%H:%M" if moment.date() == now.date() else "%Y-%m-%d %H:%M")
