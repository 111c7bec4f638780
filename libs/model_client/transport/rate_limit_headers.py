"""Parser of rate-limit and retry-after headers; nonsense counts as absent, never as an error."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MAX_RETRY_AFTER_S: Final = 24 * 60 * 60.0
"""Longest wait that is believed, in seconds: a longer one is taken for a day."""

MINUTE_S: Final = 60.0

LEAST_RESET_S: Final = 1.0
"""Resets below this, in seconds, are too rounded to show how fast a limit comes back."""

_UNITS_S: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+")


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """Rate limit as reported in response headers: limit, remaining calls, reset time.

    Attributes:
        limit: requests or tokens, a minute if nothing else shows.
        remaining: how many are left now.
        reset_s: seconds until nothing is used any more; None if not reported.
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


def parse_rate_limit(headers: Mapping[str, str], what: str, now: float) -> RateLimitStatus | None:
    """Parse a rate limit's headers (OpenAI's or Anthropic's names); None if there are none.

    https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers,
    https://docs.anthropic.com/en/api/rate-limits#response-headers

    Args:
        headers: the response's.
        what: ``requests`` or ``tokens``.
        now: seconds since the epoch, against which a time is held.

    Returns:
        The limit; None if there is none that makes sense.
    """
    for form in ("x-ratelimit-{part}-{what}", "anthropic-ratelimit-{what}-{part}"):
        limit, remaining, reset = (
            headers.get(form.format(part=part, what=what))
            for part in ("limit", "remaining", "reset")
        )
        most, left = _number(limit), _number(remaining)
        if most and left is not None:
            return RateLimitStatus(most, left, _reset(reset, now))
    return None


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Parse ``retry-after-ms`` or ``retry-after``; return seconds to wait, None if absent.

    Args:
        headers: the response's.
        now: seconds since the epoch, against which a date is held.

    Returns:
        The wait; None if there is none that makes sense.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(milliseconds / 1000, MAX_RETRY_AFTER_S)
    value = headers.get("retry-after", "")
    seconds = _number(value)
    if seconds is None:
        seconds = _until(value, now)
    return None if seconds is None else min(seconds, MAX_RETRY_AFTER_S)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _reset(text: str | None, now: float) -> float | None:
    """Return seconds until ``2027-01-01T00:00:00Z``, or of ``6m0s``, ``1.5s``, ``20ms``, ``7``."""
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
    if when.tzinfo is None:  # "-0000": the time zone is unknown; HTTP's is always GMT
        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now)
