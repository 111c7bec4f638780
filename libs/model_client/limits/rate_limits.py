"""Limiter of requests and tokens per minute, learnt from response headers, without a coordinator.

``token_bucket.py`` computes the pace of each limit; here calls wait for their turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from model_client import errors
from model_client.durations import format_seconds
from model_client.limits.token_bucket import AdaptiveTokenBucket
from model_client.transport.rate_limit_headers import parse_rate_limit, parse_retry_after

LOOK_S: Final = 0.05
"""Longest sleep before the pace is computed again, in seconds."""

DEFAULT_WAIT_S: Final = 1.0
"""Wait where a 429 has no retry-after, in seconds."""

DEFAULT_CEILING_S: Final = 300.0
"""Longest retry-after that is obeyed without a probe, in seconds."""

NEWEST: Final = 0.1
"""Weight of the newest answer in the moving average of answer lengths."""

FIRST_ANSWER_TOKENS: Final = 300.0
"""Assumed length of an answer, in tokens, before there was one."""


PROBE_S: Final = 60.0
"""How long other calls wait for a probe's end before the next one is made, in seconds."""


@dataclass(frozen=True, slots=True)
class ThrottleHold:
    """Hold on all calls to an endpoint until the retry time of its 429 response.

    Attributes:
        retry_after_s: how long it is, in seconds.
        until: when it is over.
        probe_at: when one call may find out whether it still holds.
    """

    retry_after_s: float
    until: float
    probe_at: float


class RateLimiter:
    """Rate limiter of one endpoint, by requests and tokens per minute.

    A retry-after is obeyed up to a ceiling: an endpoint that asks for hours may be wrong, or
    mended meanwhile. Then one call probes, and what it shows holds for all::

        429, retry-after 3600          one call             429: the next wait
        |------- ceiling -------------| probe |------------> anything else: all may call

    Args:
        clock: the loop's, in seconds.
        requests_per_minute: a limit for all replicas together, beside the endpoint's own.
        tokens_per_minute: a limit for all replicas together, beside the endpoint's own.
        share: returns this replica's share of them, from 0 to 1.
        wall: seconds since the epoch, for waits that are given as dates.
        ceiling_s: the longest wait that is obeyed without a probe, in seconds.
    """

    def __init__(  # noqa: PLR0913 - each is a choice of its own, all but one with a default
        self,
        *,
        clock: Callable[[], float],
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        share: Callable[[], float] = lambda: 1.0,
        wall: Callable[[], float] = time.time,
        ceiling_s: float = DEFAULT_CEILING_S,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._buckets = {
            "requests": AdaptiveTokenBucket(requests_per_minute, share),
            "tokens": AdaptiveTokenBucket(tokens_per_minute, share),
        }
        self._answer_tokens = FIRST_ANSWER_TOKENS
        self._turn = asyncio.Lock()
        self._ceiling_s = ceiling_s
        self._hold: ThrottleHold | None = None
        self._probing_until = float("-inf")

    @property
    def hold(self) -> ThrottleHold | None:
        """The wait that holds all calls back now; None if there is none."""
        if self._hold is not None and self._clock() >= self._hold.until:
            self._hold = None
        return self._hold

    async def admit(self, tokens: int, *, latest: float) -> RateLimitPermit:
        """Wait for a call's turn and return its permit; first come, first served.

        Args:
            tokens: about how many tokens its prompt has.
            latest: until when a turn is waited for, by the loop's clock, in seconds.

        Raises:
            errors.RateLimitedError: the turn does not come in time; says when it does.
        """
        if self.hold is not None and self.hold.probe_at > latest:
            raise self._too_far(self._held_s())
        costs = {"requests": 1.0, "tokens": tokens + self._answer_tokens}
        wait_s = 0.0
        try:
            async with asyncio.timeout_at(latest if latest < float("inf") else None), self._turn:
                while (wait_s := self._wait(costs)) > 0:  # noqa: ASYNC110 - time itself is waited for
                    await asyncio.sleep(min(wait_s, LOOK_S))
                now = self._clock()
                for name, bucket in self._buckets.items():
                    bucket.take(costs[name], now)
                probes = self.hold is not None
                if probes:
                    self._probing_until = now + PROBE_S
        except TimeoutError as error:
            # A call that queues behind others knows no wait of its own, but a 429's for all.
            raise self._too_far(max(wait_s, self._held_s(), DEFAULT_WAIT_S)) from error
        return RateLimitPermit(self, now, tokens, probes=probes)

    def record_headers(self, headers: Mapping[str, str], sent_at: float) -> None:
        """Learn the limits from a response's headers; for ``RateLimitPermit``."""
        for name, bucket in self._buckets.items():
            if (status := parse_rate_limit(headers, name, self._wall())) is not None:
                bucket.update(status, sent_at)

    def record_throttled(self, headers: Mapping[str, str]) -> None:
        """Hold all calls back for a 429's wait, or until a probe; for ``RateLimitPermit``."""
        now = self._clock()
        # "In no time" would be refused again, and again.
        retry_after_s = parse_retry_after(headers, self._wall()) or DEFAULT_WAIT_S
        before = self.hold
        self._probing_until = float("-inf")
        if before is None or now >= before.probe_at or now + retry_after_s > before.until:
            self._hold = ThrottleHold(
                retry_after_s, now + retry_after_s, now + min(retry_after_s, self._ceiling_s)
            )

    def record_accepted(self) -> None:
        """End the wait for all calls, as a probe was served; for ``RateLimitPermit``."""
        self._hold, self._probing_until = None, float("-inf")

    def release_probe(self) -> None:
        """Let another call probe, as this one showed nothing; for ``RateLimitPermit``."""
        self._probing_until = float("-inf")

    def record_usage(self, prompt: int, used: int, *, answered: bool) -> None:
        """Correct the estimates by a call's real usage; for ``RateLimitPermit``."""
        self._buckets["tokens"].calibrate(used - prompt - self._answer_tokens)
        if answered:  # in an outage answers would else seem to become ever shorter
            self._answer_tokens += NEWEST * (max(0, used - prompt) - self._answer_tokens)

    def _wait(self, costs: Mapping[str, float]) -> float:
        now = self._clock()
        waits = [bucket.wait(costs[name], now) for name, bucket in self._buckets.items()]
        return max(*waits, self._held_s())

    def _held_s(self) -> float:
        """Return the seconds until a call may be made, if only as a probe; 0 or less: now."""
        if (hold := self.hold) is None:
            return 0.0
        return max(hold.probe_at, min(self._probing_until, hold.until)) - self._clock()

    def _too_far(self, wait_s: float) -> errors.RateLimitedError:
        message = f"the endpoint's limits leave no turn for {format_seconds(wait_s)}"
        if (hold := self.hold) is not None:
            message += f"; it asked to be called again after {format_seconds(hold.retry_after_s)}"
        return errors.RateLimitedError(message, retry_after=wait_s)


class RateLimitPermit:
    """Permit for one model call, which takes in the rate limit headers of its response.

    Args:
        limits: whose turn it is.
        at: when it was given, by the loop's clock, in seconds.
        tokens: about how many tokens the call's prompt has.
        probes: whether it finds out if a retry-after still holds.
    """

    def __init__(
        self, limits: RateLimiter, at: float, tokens: int, *, probes: bool = False
    ) -> None:
        self._limits = limits
        self._at = at
        self._tokens = tokens
        self.probes = probes

    def record_headers(self, headers: Mapping[str, str]) -> None:
        """Report the response's headers, as soon as they have arrived."""
        self._limits.record_headers(headers, self._at)

    def record_throttled(self, headers: Mapping[str, str]) -> None:
        """Report that the call was refused with a 429."""
        self._limits.record_throttled(headers)

    def record_accepted(self) -> None:
        """Report that the endpoint took the call, or refused it for a reason besides limits."""
        if self.probes:
            self._limits.record_accepted()

    def release_probe(self) -> None:
        """Report that the call showed nothing about the limits."""
        if self.probes:
            self._limits.release_probe()

    def record_usage(self, tokens: int, *, answered: bool = True) -> None:
        """Report how many tokens the call used in all, and whether there was an answer."""
        self._limits.record_usage(self._tokens, tokens, answered=answered)
