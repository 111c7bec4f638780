"""What response headers tell of rate limits; nonsense is nothing, never an error."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_TOLD_S: Final = 24 * 60 * 60.0
"""Whoever asks to wait longer is taken to mean a day, in seconds."""

MINUTE_S: Final = 60.0

LEAST_RESET_S: Final = 1.0
"""Below, in seconds, a reset that is rounded tells nothing of how fast a limit comes back."""

_UNITS_S: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+")


@dataclass(frozen=True, slots=True)
class Told:
    """What an endpoint says of one of its limits.

    Attributes:
        limit: requests or tokens, a minute if nothing else shows.
        remaining: how many are left now.
        reset_s: seconds until nothing is used any more; None if not told.
    """

    limit: float
    remaining: float
    reset_s: float | None

    @property
    def rate(self) -> float:
        """Requests or tokens a second that flow in.

        Some limits are a day's, which shows only in how slowly they come back: Groq's of requests
        (https://console.groq.com/docs/rate-limits).
        """
        a_minute = self.limit / MINUTE_S
        used = self.limit - self.remaining
        if self.reset_s is None or self.reset_s < LEAST_RESET_S or used <= 0:
            return a_minute
        return min(a_minute, used / self.reset_s)

    @property
    def capacity(self) -> float:
        """The most that can be left."""
        if self.reset_s is None:
            return max(self.limit, self.remaining)
        return self.remaining + self.reset_s * self.rate


def told_limit(headers: Mapping[str, str], what: str, now: float) -> Told | None:
    """A limit as OpenAI and those who follow it tell it, or as Anthropic does.

    https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers,
    https://docs.anthropic.com/en/api/rate-limits#response-headers

    Args:
        headers: the response's.
        what: ``requests`` or ``tokens``.
        now: seconds since the epoch, against which a time is held.

    Returns:
        The limit; None if none is told that makes sense.
    """
    for form in ("x-ratelimit-{part}-{what}", "anthropic-ratelimit-{what}-{part}"):
        limit, remaining, reset = (
            headers.get(form.format(part=part, what=what))
            for part in ("limit", "remaining", "reset")
        )
        most, left = _number(limit), _number(remaining)
        if most and left is not None:
            return Told(most, left, _reset(reset, now))
    return None


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


def _reset(text: str | None, now: float) -> float | None:
    """Seconds until ``2027-01-01T00:00:00Z``, or of ``6m0s``, ``1.5s``, ``20ms``, ``7``."""
    if (seconds := _number(text)) is not None:
        return seconds
    if not text:
        return None
    if _DURATION.fullmatch(text):
        total = sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
        return total if math.isfinite(total) else None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if when.tzinfo is None else max(0.0, when.timestamp() - now)


def _until(date: str, now: float) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if when.tzinfo is None:  # "-0000": the time zone is not told; HTTP's is always GMT
        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now)
