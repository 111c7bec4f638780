"""Adaptive limit on concurrent calls: grows while answers come, shrinks under load.

Additive increase, multiplicative decrease (AIMD), in rounds of as many calls as are made at once.
The decrease is in proportion to what went wrong in the round, as in DCTCP (Alizadeh et al., 2010):
one hanging call among fifty says little, fifty of fifty say all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Final

from model_client import errors

FIRST: Final = 16.0
"""Concurrent calls to begin with; one more for each answer, which doubles them every round (slow
start), until something goes wrong."""

DECREASE: Final = 0.5
"""Share of the limit that is given up when all calls of a round went wrong."""

SLOWER: Final = 2.0
"""Factor over the usual time to first token from which an endpoint counts as loaded (as in Vegas
and Gradient2, with room for answers of all lengths)."""

SLOW_DECREASE: Final = 0.9
"""Share of the limit that remains after a round that was slow, but went well."""

LEAST_SLOW_S: Final = 0.05
"""Differences below this are taken for the network's, in seconds."""

SAMPLE: Final = 16
"""Answers whose median is the present time to first token."""

SAMPLES_REMEMBERED: Final = 50
"""Samples of which the quickest is taken as usual."""

FIRST_TOKENS_REMEMBERED: Final = 100
"""Recent times to first token, of which the slowest decides the timeout."""

LEAST_PATIENCE_S: Final = 10.0
PATIENCE: Final = 10.0
"""The first token is waited for so many times the slowest of late, and at least so many seconds."""

LEAST_PATIENCE_WITH_PROBES_S: Final = 2.0
PATIENCE_WITH_PROBES: Final = 4.0
"""The same for a probe: an endpoint that hangs would otherwise delay its own recovery."""

COME_BACK_S: Final = 1.0
"""Retry-after, in seconds, of a call that found no free slot in time."""


class AdaptiveConcurrencyLimiter:
    """Limiter of concurrent calls to an endpoint, which adapts to its latency and errors.

    Args:
        most: never more at once.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._limit = min(FIRST, float(most))
        self._doubling = True
        self._in_use = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._wanted_more = False
        self._round = self.limit
        self._ended = 0
        self._went_wrong = 0
        self._sample: list[float] = []
        self._usual: deque[float] = deque(maxlen=SAMPLES_REMEMBERED)
        self._first_tokens: deque[float] = deque(maxlen=FIRST_TOKENS_REMEMBERED)

    @property
    def limit(self) -> int:
        """How many calls may run at once now."""
        return max(1, int(self._limit))

    @property
    def in_use(self) -> int:
        """How many calls are running."""
        return self._in_use

    @asynccontextmanager
    async def slot(self, *, latest: float = float("inf")) -> AsyncIterator[None]:
        """Hold a slot for a call for as long as the context lasts; first come, first served.

        Args:
            latest: until when a place is waited for, by the loop's clock, in seconds.

        Raises:
            errors.RateLimitWaitTooLongError: no place came free in time.
        """
        await self._take(latest)
        try:
            yield
        finally:
            self._in_use -= 1
            self._hand_out()

    def first_token_timeout(self, most_s: float, *, probe: bool = False) -> float:
        """Return how long a call waits for its first token, in seconds.

        Args:
            most_s: the longest it may be; also as long as nothing is known of the endpoint.
            probe: whether the call is one.
        """
        if not self._first_tokens:
            return most_s
        times = PATIENCE_WITH_PROBES if probe else PATIENCE
        least_s = LEAST_PATIENCE_WITH_PROBES_S if probe else LEAST_PATIENCE_S
        return min(most_s, max(least_s, times * max(self._first_tokens)))

    def record_success(self, first_token_s: float) -> None:
        """Record that a call was answered.

        Args:
            first_token_s: seconds until the answer began.
        """
        self._first_tokens.append(first_token_s)
        self._sample.append(first_token_s)
        if self._doubling and self._wanted_more:
            self._limit = min(self._most, self._limit + 1)
        self._end_call()

    def record_throttled(self) -> None:
        """Record that a call was refused with a 429."""
        self._went_wrong += 1
        self._end_call()

    def record_timeout(self) -> None:
        """Record that a call was not answered in time."""
        self._went_wrong += 1
        self._end_call()

    def _end_call(self) -> None:
        self._ended += 1
        if self._ended >= self._round:
            self._end_round()

    def _end_round(self) -> None:
        wrong = self._went_wrong / self._ended
        slow = self._is_slow()
        if wrong > 0 or slow:
            self._doubling = False
            remaining = 1 - DECREASE * wrong
            # At least one, or no call would ever show that the endpoint has recovered.
            self._limit = max(
                1.0, self._limit * (min(remaining, SLOW_DECREASE) if slow else remaining)
            )
        # A limit that was not reached shows nothing about whether the endpoint could bear it.
        if not slow and wrong < 1 and self._wanted_more and not self._doubling:
            self._limit = min(self._most, self._limit + 1)
        # A round is as many calls as run at once, so that its calls all saw the same limit.
        self._ended, self._went_wrong, self._round = 0, 0, self.limit
        self._wanted_more = bool(self._waiting)
        self._hand_out()

    def _is_slow(self) -> bool:
        if len(self._sample) < SAMPLE:
            return False
        now_s = median(self._sample)
        self._sample.clear()
        self._usual.append(now_s)
        return now_s > SLOWER * min(self._usual) + LEAST_SLOW_S

    async def _take(self, latest: float) -> None:
        # Not past those who wait already: first come, first served.
        if self._in_use < self.limit and not self._waiting:
            self._in_use += 1
            return
        self._wanted_more = True
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout_at(latest if latest < float("inf") else None):
                await turn
        except BaseException as error:
            self._leave(turn)
            if isinstance(error, TimeoutError):
                message = "all places for calls to the model are taken"
                raise errors.RateLimitWaitTooLongError(message, retry_after=COME_BACK_S) from error
            raise

    def _leave(self, turn: asyncio.Future[None]) -> None:
        """Give up a waiting call's turn, which may have been granted at the same moment."""
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif turn.done() and not turn.cancelled():
            # The slot was handed over while the timeout or cancellation was on its way.
            self._in_use -= 1
            self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self._in_use < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_use += 1
                turn.set_result(None)
