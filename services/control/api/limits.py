"""Limits on requests: how many each token may make, and how many heavy ones run at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from contracts.errors import OnrecordError

MAX_TOKENS: Final = 10_000
"""Most tokens whose requests are counted; the one that asked longest ago is forgotten."""


class TooManyRequestsError(OnrecordError):
    """Raised when a token makes more requests than it may (HTTP 429).

    Attributes:
        retry_after_s: when it may make the next one, in seconds.
    """

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("this token makes more requests than it may; wait a little")
        self.retry_after_s = max(1, math.ceil(retry_after_s))


class TooBusyError(OnrecordError):
    """Raised when as many heavy requests run as may (HTTP 429)."""

    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__("control is busy with other large requests; try again soon")


class RequestRates:
    """Token bucket for each access token: a rate, and a burst of as many as fit two seconds.

    Each replica of control counts by itself.

    Args:
        per_second: requests of one token, in the long run; None for no limit.
        clock: monotonic time in seconds.
    """

    def __init__(
        self, per_second: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[UUID, tuple[float, float]] = OrderedDict()

    def take(self, token_id: UUID) -> None:
        """Count a request.

        Raises:
            TooManyRequestsError: the token has made too many.
        """
        if self._per_second is None:
            return
        burst, now = max(1.0, 2 * self._per_second), self._clock()
        left, at = self._buckets.pop(token_id, (burst, now))
        left = min(burst, left + (now - at) * self._per_second)
        is_allowed = left >= 1
        self._buckets[token_id] = (left - 1 if is_allowed else left, now)
        if len(self._buckets) > MAX_TOKENS:
            self._buckets.popitem(last=False)
        if not is_allowed:
            raise TooManyRequestsError((1 - left) / self._per_second)


class HeavyRequests:
    """Places for requests that take much memory or time, so that others never wait for them.

    One token has all places but one at most, so that it cannot keep all others out by itself.

    Args:
        places: how many run at once.
        wait_s: longest that one waits for a place, in seconds.
    """

    def __init__(self, places: int = 4, wait_s: float = 2.0) -> None:
        self._free = asyncio.Semaphore(places)
        self._places_per_token = max(1, places - 1)
        self._shares: dict[UUID, _Share] = {}
        self._wait_s = wait_s

    @property
    def tokens(self) -> frozenset[UUID]:
        """The tokens that have or await a place."""
        return frozenset(self._shares)

    @asynccontextmanager
    async def place(self, token_id: UUID) -> AsyncIterator[None]:
        """Hold a place within the ``async with`` block.

        Args:
            token_id: whose request it is.

        Raises:
            TooBusyError: none was free in time, or the token has as many as it may.
        """
        share = self._shares.get(token_id)
        if share is None:
            share = self._shares[token_id] = _Share(asyncio.Semaphore(self._places_per_token))
        share.users += 1
        try:
            async with AsyncExitStack() as held:
                try:
                    async with asyncio.timeout(self._wait_s):
                        # First the token's own, so that what awaits it holds no common place.
                        await held.enter_async_context(share.free)
                        await held.enter_async_context(self._free)
                except TimeoutError:
                    raise TooBusyError from None
                yield
        finally:
            share.users -= 1
            if not share.users:
                del self._shares[token_id]


@dataclass(slots=True)
class _Share:
    """A token's own places, and how many requests have or await one."""

    free: asyncio.Semaphore
    users: int = 0
