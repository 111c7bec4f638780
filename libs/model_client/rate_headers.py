"""What response headers tell of rate limits; nonsense is nothing, never an error."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_TOLD_S: Final = 24 * 60 * 60.0
"""Whoever asks to wait longer is taken to mean a day, in seconds."""

_UNITS_S: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+")


@dataclass(frozen=True, slots=True)
class Told:
    """What an endpoint says of one of its limits.

    Attributes:
        limit: requests or tokens a minute.
        remaining: how many are left now.
        reset_s: seconds until nothing is used any more; None if not told.
    """

    limit: float
    remaining: float
    reset_s: float | None


def told_limit(headers: Mapping[str, str], what: str) -> Told | None:
    """A limit as OpenAI and those who follow it tell it, ``x-ratelimit-limit-requests`` and so on.

    Args:
        headers: the response's.
        what: ``requests`` or ``tokens``.
    """
    limit = _number(headers.get(f"x-ratelimit-limit-{what}"))
    remaining = _number(headers.get(f"x-ratelimit-remaining-{what}"))
    if not limit or remaining is None:
        return None
    return Told(limit, remaining, _duration(headers.get(f"x-ratelimit-reset-{what}")))


def told_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, by ``retry-after-ms`` (OpenAI) or ``retry-after`` (RFC 9110, 10.2.3).

    Args:
        headers: the response's.
        now: seconds since the epoch, against which a date is held.

    Returns:
        The wait; None if none is told that makes sense.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(milliseconds / 1000, LONGEST_TOLD_S)
    told = headers.get("retry-after", "")
    seconds = _number(told)
    if seconds is None:
        seconds = _until(told, now)
    return None if seconds is None else min(seconds, LONGEST_TOLD_S)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _duration(text: str | None) -> float | None:
    """Seconds of ``6m0s``, ``1.5s``, ``20ms``, or of a bare number."""
    if (seconds := _number(text)) is not None:
        return seconds
    if not text or not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def _until(date: str, now: float) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError):
        return None
    if when.tzinfo is None:  # "-0000": the time zone is not told; HTTP's is always GMT
        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now)
