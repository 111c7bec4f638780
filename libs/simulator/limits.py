"""Rate limits as token buckets, and the response headers that report their levels.

Header names and the form of durations are OpenAI's:
https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

_MINUTE_S = 60.0
_SPECK = 1e-6  # what rounding may lose of a request or token

LimitKind = Literal["requests", "tokens"]


@dataclass(frozen=True, slots=True)
class RateQuota:
    """Quota of requests and tokens per minute for one model; None means no limit.

    Attributes:
        requests: per minute.
        tokens: per minute.
        burst_s: how many seconds' worth a bucket holds.
    """

    requests: float | None
    tokens: float | None
    burst_s: float


class TokenBucket:
    """Token bucket that refills continuously, up to ``burst_s`` seconds' worth.

    What costs more than a full bucket holds is admitted when it is full and leaves a debt, so that
    a short burst slows large requests down without shutting them out.

    Attributes:
        per_minute: how much flows in.
        level: what can be taken now; negative in debt.
        taken: what was taken since counting began.
        available: what could have been taken since: the level then, and all that flowed in.
    """

    def __init__(self, per_minute: float, burst_s: float, now: float) -> None:
        self.per_minute = per_minute
        self._burst_s = burst_s
        self._at = now
        self.level = self.capacity
        self.reset_counts()

    @property
    def capacity(self) -> float:
        """The most it holds: at least one request."""
        return max(1.0, self.per_minute * self._burst_s / _MINUTE_S)

    @property
    def remaining(self) -> int:
        """Whole units that can be taken now."""
        return max(0, math.floor(self.level + _SPECK))

    def reset_counts(self) -> None:
        """Reset what was taken; the level stays."""
        self.taken = 0.0
        self.available = self.level

    def fill(self, now: float) -> None:
        """Add what has flowed in since the last time."""
        gained = max(0.0, now - self._at) * self.per_minute / _MINUTE_S
        self.available += gained
        self.level = min(self.capacity, self.level + gained)
        self._at = max(self._at, now)

    def change(self, per_minute: float, burst_s: float, now: float) -> None:
        """Change the quota; what no longer fits is lost."""
        self.fill(now)
        self.per_minute, self._burst_s = per_minute, burst_s
        self.level = min(self.level, self.capacity)

    def too_large(self, amount: float) -> bool:
        """Return whether an amount exceeds a minute's quota, and is never granted."""
        return amount > max(self.per_minute, self.capacity)

    def wait(self, amount: float) -> float:
        """Return the seconds until an amount can be taken, if nobody else takes any."""
        return self._seconds(min(amount, self.capacity) - self.level)

    def until_full(self) -> float:
        """Return the seconds until the bucket is full, if nobody takes any."""
        return self._seconds(self.capacity - self.level)

    def take(self, amount: float) -> None:
        """Take an amount, into debt if need be."""
        self.level -= amount
        self.taken += amount

    def _seconds(self, missing: float) -> float:
        return 0.0 if missing <= _SPECK else missing * _MINUTE_S / self.per_minute


@dataclass(frozen=True, slots=True)
class ExceededLimit:
    """Rate limit that a request exceeds, with the seconds to wait.

    Attributes:
        kind: the limit it meets.
        per_minute: that limit.
        wait: seconds after which it would be admitted; None if it never will.
    """

    kind: LimitKind
    per_minute: float
    wait: float | None


class ModelRateLimits:
    """Rate limits of one simulated model: a bucket for requests, and one for tokens.

    Args:
        quota: what is granted.
        now: returns the time in seconds, from an arbitrary zero.
    """

    def __init__(self, quota: RateQuota, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[LimitKind, TokenBucket] = {}
        self.change(quota)

    def change(self, quota: RateQuota) -> None:
        """Change the quota."""
        wanted: dict[LimitKind, float | None] = {"requests": quota.requests, "tokens": quota.tokens}
        for kind, per_minute in wanted.items():
            if per_minute is None:
                self._buckets.pop(kind, None)
            elif bucket := self._buckets.get(kind):
                bucket.change(per_minute, quota.burst_s, self._now())
            else:
                self._buckets[kind] = TokenBucket(per_minute, quota.burst_s, self._now())

    def admit(self, tokens: int) -> ExceededLimit | None:
        """Take one request and its tokens; else take nothing and return the limit they exceed."""
        costs: dict[LimitKind, int] = {"requests": 1, "tokens": tokens}
        excesses = [
            ExceededLimit(kind, bucket.per_minute, wait)
            for kind, bucket in self._filled().items()
            if (wait := _wait(bucket, costs[kind])) != 0
        ]
        if not excesses:
            for kind, bucket in self._buckets.items():
                bucket.take(costs[kind])
        return max(excesses, key=_longest, default=None)

    def charge(self, tokens: int) -> None:
        """Take tokens that are spent already."""
        if bucket := self._filled().get("tokens"):
            bucket.take(tokens)

    def reset_counts(self) -> None:
        """Reset what was taken; the levels stay."""
        for bucket in self._filled().values():
            bucket.reset_counts()

    def headers(self) -> dict[str, str]:
        """Return headers with the state of the buckets; none for what is not limited."""
        headers = {}
        for kind, bucket in self._filled().items():
            headers[f"x-ratelimit-limit-{kind}"] = f"{bucket.per_minute:.0f}"
            headers[f"x-ratelimit-remaining-{kind}"] = str(bucket.remaining)
            headers[f"x-ratelimit-reset-{kind}"] = format_openai_duration(bucket.until_full())
        return headers

    def summary(self) -> dict[str, Any]:
        """Return per limit the quota, what remains, what was taken, and what could have been."""
        return {
            kind: {
                "per_minute": bucket.per_minute,
                "remaining": bucket.remaining,
                "taken": round(bucket.taken),
                "available": round(bucket.available, 3),
            }
            for kind, bucket in self._filled().items()
        }

    def _filled(self) -> dict[LimitKind, TokenBucket]:
        now = self._now()
        for bucket in self._buckets.values():
            bucket.fill(now)
        return self._buckets


def _wait(bucket: TokenBucket, amount: float) -> float | None:
    return None if bucket.too_large(amount) else bucket.wait(amount)


def _longest(excess: ExceededLimit) -> float:
    return math.inf if excess.wait is None else excess.wait


def format_openai_duration(seconds: float) -> str:
    """Format seconds like OpenAI's rate limit headers: ``120ms``, ``6.5s``, ``1m26.4s``."""
    thousandths = math.ceil(seconds * 1000 - _SPECK)
    if thousandths < 1000:  # noqa: PLR2004 - a second
        return f"{thousandths}ms"
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes}m{rest / 1000:g}s" if minutes else f"{rest / 1000:g}s"
