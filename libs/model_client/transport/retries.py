"""How often a call is tried, and how long is waited before: one owner of retries, one deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, wait_random, wait_random_exponential

from model_client import errors

MOST: Final[dict[type[Exception], int]] = {
    errors.ServerError: 3,
    errors.ModelTimeoutError: 2,
}
"""Tries by what the last one failed with; what is not named here fails at once.

A rate limit is not counted: waiting as told is no failure, and the deadline ends it.
"""

LONGEST_TOLD_S: Final = 20.0
"""A failing endpoint that asks to wait longer is tried again from a retry topic, in seconds."""

WAITS: Final = {
    # "Full jitter" (M. Brooker, Exponential Backoff and Jitter, 2015): replicas that failed
    # together do not come back together.
    errors.ServerError: wait_random_exponential(multiplier=0.5, max=5.0),
    # The time was waited already.
    errors.ModelTimeoutError: wait_random(0.0, 0.25),
    # The limits hold everybody back for as long as the endpoint has told.
    errors.RateLimitedError: wait_random(0.0, 0.05),
}
"""Seconds before the next try, by what the last one failed with."""


class Tries:
    """The tries of one question at one endpoint.

    Args:
        deadline: when they must have ended, by ``clock``, in seconds.
        clock: the loop's.
    """

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self._deadline = deadline
        self._clock = clock
        self._failed: dict[type[BaseException], int] = {}

    def retrying(self) -> AsyncRetrying:
        """What runs a call until it succeeds, or its failure is one to give up for."""
        return AsyncRetrying(retry=self._goes_on, wait=self._wait, reraise=True)

    def _goes_on(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, errors.RateLimitedError):
            too_far = isinstance(error, errors.TurnTooFarError)
            return not too_far and self._clock() < self._deadline
        kind = _kind(error)
        if kind is None or _told_s(error) > LONGEST_TOLD_S:
            return False
        if self._clock() + _told_s(error) >= self._deadline:
            return False
        self._failed[kind] = self._failed.get(kind, 0) + 1
        return self._failed[kind] < MOST[kind]

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        for kind, wait in WAITS.items():
            if isinstance(error, kind):
                left_s = max(0.0, self._deadline - self._clock())
                return min(max(wait(state), _told_s(error)), left_s)
        return 0.0


def _told_s(error: BaseException | None) -> float:
    """Seconds that a failing endpoint asked to wait, as it may with a 503 (RFC 9110, 10.2.3)."""
    return error.retry_after if isinstance(error, errors.ServerError) else 0.0


def _kind(error: BaseException | None) -> type[Exception] | None:
    return next((kind for kind in MOST if isinstance(error, kind)), None)
