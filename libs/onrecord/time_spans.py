"""Spans of time as people write them: ``90s``, ``30m``, ``24h``, ``7d``, ``2w``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from onrecord.errors import UsageError

_SPAN: Final = re.compile(r"(\d{1,6})\s*([smhdw])", re.IGNORECASE)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_time_span(text: str) -> timedelta:
    """Parse a time span such as ``90s`` or ``7d`` to a timedelta.

    Raises:
        UsageError: it is none.
    """
    if (match := _SPAN.fullmatch(text.strip())) is None:
        raise UsageError(f"{text!r} is no span of time: write it like 90s, 30m, 24h, 7d or 2w")
    return timedelta(**{_UNITS[match[2].lower()]: int(match[1])})
