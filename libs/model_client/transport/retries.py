"""Retry policy of one call: attempts, backoff, one owner of retries, one deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, wait_random, wait_random_exponential

from model_client import errors

MOST: Final[dict[type[Exception], int]] = {
    errors.ServerError: 3,
    errors.ModelTimeoutError: 2,
}
"""Attempts by the last failure's class; what is not named here fails at once.

A rate limit is not counted: waiting as asked is no failure, and the deadline ends it.
"""

MAX_RETRY_AFTER_S: Final = 20.0
"""Longest retry-after of a failing endpoint that is waited for in place, in seconds; beyond it the
message goes to a retry topic."""

WAITS: Final = {
    # "Full jitter" (M. Brooker, Exponential Backoff and Jitter, 2015): replicas that failed
    # together do not come back together.
    errors.ServerError: wait_random_exponential(multiplier=0.5, max=5.0),
    # The time was waited already.
    errors.ModelTimeoutError: wait_random(0.0, 0.25),
    # The rate limiter holds all calls back for as long as the endpoint has asked.
    errors.RateLimitedError: wait_random(0.0, 0.05),
}
"""Seconds before the next attempt, by the last failure's class."""


class RetryPolicy:
    """Retry policy of a model request: which errors are retried, how often, and the waits.

    Args:
        deadline: when they must have ended, by ``clock``, in seconds.
        clock: the loop's.
    """

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self._deadline = deadline
        self._clock = clock
        self._failed: dict[type[BaseException], int] = {}

    def retrying(self) -> AsyncRetrying:
        """Return a controller that runs a call until it succeeds, or fails for good."""
        return AsyncRetrying(retry=self._goes_on, wait=self._wait, reraise=True)

    def _goes_on(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, errors.RateLimitedError):
            too_far = isinstance(error, errors.RateLimitWaitTooLongError)
            return not too_far and self._clock() < self._deadline
        if isinstance(error, errors.ModelTimeoutError) and error.dependency_answers:
            return False  # while others are answered, it would only keep a place from them
        kind = _kind(error)
        if kind is None or _retry_after_s(error) > MAX_RETRY_AFTER_S:
            return False
        if self._clock() + _retry_after_s(error) >= self._deadline:
            return False
        self._failed[kind] = self._failed.get(kind, 0) + 1
        return self._failed[kind] < MOST[kind]

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        for kind, wait in WAITS.items():
            if isinstance(error, kind):
                left_s = max(0.0, self._deadline - self._clock())
                return min(max(wait(state), _retry_after_s(error)), left_s)
        return 0.0


def _retry_after_s(error: BaseException | None) -> float:
    """Return the seconds that a failing endpoint asked to wait (503; RFC 9110, 10.2.3)."""
    return error.retry_after if isinstance(error, errors.ServerError) else 0.0


def _kind(error: BaseException | None) -> type[Exception] | None:
    return next((kind for kind in MOST if isinstance(error, kind)), None)
