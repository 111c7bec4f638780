"""Spans of time as people write them, ``90s`` or ``7d``, and times that they or dates say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
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


def parse_past_time(option: str, text: str, now: datetime) -> datetime:
    """Parse a time in UTC, written as a span before now, a date or a timestamp.

    A date, and a timestamp without an offset, are of the local time zone.

    Args:
        option: that gives it.
        text: such as ``7d``, ``2026-05-04`` or ``2026-05-04T12:30Z``.
        now: from when a span counts.

    Raises:
        UsageError: it is none of these.
    """
    try:
        if _SPAN.fullmatch(text.strip()):
            return (now - parse_time_span(text)).astimezone(UTC)
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option}: {text!r} is no time: write a span such as 30m, 24h or 7d, a date such as "
            "2026-05-04, or a time such as 2026-05-04T12:30Z"
        ) from error
