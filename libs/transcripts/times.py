"""Times as sources write them, made whole milliseconds."""

from __future__ import annotations

import re

from transcripts.notices import Notices, Repair

_MS_PER_S = 1_000
_S_PER_MIN = 60
_LONGEST_S = 1_000 * 3_600
"""Beyond 1,000 hours a number is no time, in seconds."""

# Teams writes hours, minutes and seconds without leading zeros; the fraction may be short.
CLOCK = r"(?:\d{1,4}:)?\d{1,3}:\d{1,2}(?:[.,]\d{1,9})?"
_SECONDS = re.compile(r"\d{1,7}(?:\.\d{0,20})?(?:[eE]-?\d)?")
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,9}))?")


def parse_clock_time(text: str) -> int | None:
    """Parse ``h:mm:ss.fff``, ``mm:ss.fff`` or ``mm:ss``; return milliseconds, None if invalid."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    in_range = int(seconds) < _S_PER_MIN and (hours is None or int(minutes) < _S_PER_MIN)
    if not in_range:
        return None
    whole = (int(hours or 0) * _S_PER_MIN + int(minutes)) * _S_PER_MIN + int(seconds)
    return whole * _MS_PER_S + int((fraction or "0")[:3].ljust(3, "0"))


def parse_whole_ms(text: str | None) -> int | None:
    """Parse a whole number of milliseconds; return None if it is invalid or too long."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 12 else None  # noqa: PLR2004


def parse_seconds(text: str | None) -> int | None:
    """Parse a decimal number of seconds; return milliseconds, None if it is invalid."""
    if text is None or _SECONDS.fullmatch(text.strip()) is None:
        return None
    return round(float(text) * _MS_PER_S)


def seconds_to_ms(value: object, offset_s: float, notices: Notices) -> int | None:
    """Convert a JSON number of seconds to whole milliseconds; return None if it is invalid."""
    if type(value) is float and 0 <= value <= _LONGEST_S and offset_s == 0:
        return round(value * _MS_PER_S)
    if value is None:
        return None
    seconds = _number(value)
    if seconds is None or seconds + offset_s < 0:
        notices.add(Repair.UNUSABLE_TIME)
        return None
    return round((seconds + offset_s) * _MS_PER_S)


def parse_time_shift(value: object) -> float:
    """Parse the offset in seconds that a transcript file adds to its times; 0 if it has none."""
    return _number(value) or 0.0


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    # Compared before it is converted: JSON's integers may exceed a float, and NaN fails too.
    return float(value) if abs(value) <= _LONGEST_S else None


def clamp_end_time(start_ms: int | None, end_ms: int | None, notices: Notices) -> int | None:
    """Return an end time in milliseconds, but not earlier than the start time."""
    if start_ms is not None and end_ms is not None and end_ms < start_ms:
        notices.add(Repair.END_BEFORE_START)
        return start_ms
    return end_ms
