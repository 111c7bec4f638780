"""Requests and tokens a minute, learnt from responses and shared with replicas one never talks to.

How fast each limit lets calls through is for ``bucket.py``; here calls wait for their turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from model_client import errors
from model_client.bucket import Bucket
from model_client.rate_headers import told_limit, told_wait

LOOK_S: Final = 0.05
"""Longest wait before the pace is looked at again, in seconds."""

UNTOLD_WAIT_S: Final = 1.0
"""The wait where a 429 does not tell one, in seconds."""

NEWEST: Final = 0.1
"""Weight of the newest answer in the moving average of their lengths."""

FIRST_ANSWER_TOKENS: Final = 300.0
"""How long answers are taken to be before there was one."""


class Limits:
    """The limits of one endpoint, as far as this replica knows them.

    Args:
        clock: the loop's, in seconds.
        requests_per_minute: a limit for all replicas together, beside what the endpoint tells.
        tokens_per_minute: a limit for all replicas together, beside what the endpoint tells.
        share: tells this replica's share of them, from 0 to 1.
        wall: seconds since the epoch, for waits that are told as dates.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        share: Callable[[], float] = lambda: 1.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._buckets = {
            "requests": Bucket(requests_per_minute, share),
            "tokens": Bucket(tokens_per_minute, share),
        }
        self._answer_tokens = FIRST_ANSWER_TOKENS
        self._turn = asyncio.Lock()
        self._not_before = float("-inf")

    async def admit(self, tokens: int, *, latest: float) -> Admission:
        """Wait for a call's turn; first come, first served.

        Args:
            tokens: about how many tokens its prompt has.
            latest: until when a turn is waited for, by the loop's clock, in seconds.

        Raises:
            errors.RateLimitedError: the turn does not come in time; says when to come back.
        """
        if self._not_before > latest:
            raise self._too_far(self._not_before - self._clock())
        costs = {"requests": 1.0, "tokens": tokens + self._answer_tokens}
        wait_s = 0.0
        try:
            async with asyncio.timeout_at(latest if latest < float("inf") else None), self._turn:
                while (wait_s := self._wait(costs)) > 0:  # noqa: ASYNC110 - time itself is waited for
                    await asyncio.sleep(min(wait_s, LOOK_S))
                now = self._clock()
                for name, bucket in self._buckets.items():
                    bucket.take(costs[name], now)
        except TimeoutError as error:
            # Whoever waits behind others knows no wait of its own, but what a 429 told all.
            told_s = self._not_before - self._clock()
            raise self._too_far(max(wait_s, told_s, UNTOLD_WAIT_S)) from error
        return Admission(self, now, tokens)

    def heard(self, headers: Mapping[str, str], sent_at: float) -> None:
        """Learn from a response's headers; for ``Admission``."""
        for name, bucket in self._buckets.items():
            if (told := told_limit(headers, name, self._wall())) is not None:
                bucket.heard(told, sent_at)

    def refused(self, headers: Mapping[str, str]) -> None:
        """Admit nobody for as long as a 429 tells; for ``Admission``."""
        # "In no time" would be refused again, and again.
        wait_s = told_wait(headers, self._wall()) or UNTOLD_WAIT_S
        self._not_before = max(self._not_before, self._clock() + wait_s)

    def settled(self, prompt: int, used: int, *, answered: bool) -> None:
        """Learn what a call really used; for ``Admission``."""
        self._buckets["tokens"].correct(used - prompt - self._answer_tokens)
        if answered:  # in an outage answers would else seem to become ever shorter
            self._answer_tokens += NEWEST * (max(0, used - prompt) - self._answer_tokens)

    def _wait(self, costs: Mapping[str, float]) -> float:
        now = self._clock()
        waits = [bucket.wait(costs[name], now) for name, bucket in self._buckets.items()]
        return max(*waits, self._not_before - now)

    def _too_far(self, wait_s: float) -> errors.RateLimitedError:
        told = f"the endpoint's limits leave no turn for {wait_s:.3g} s"
        return errors.RateLimitedError(told, retry_after=wait_s)


class Admission:
    """A call's turn; tells the limits what the call showed.

    Args:
        limits: whose turn it is.
        at: when it was given, by the loop's clock, in seconds.
        tokens: about how many tokens the call's prompt has.
    """

    def __init__(self, limits: Limits, at: float, tokens: int) -> None:
        self._limits = limits
        self._at = at
        self._tokens = tokens

    def heard(self, headers: Mapping[str, str]) -> None:
        """Note the response's headers, as soon as they are there."""
        self._limits.heard(headers, self._at)

    def refused(self, headers: Mapping[str, str]) -> None:
        """Note that the call was refused as one too many."""
        self._limits.refused(headers)

    def settled(self, tokens: int, *, answered: bool = True) -> None:
        """Note how many tokens the call used in all, and whether there was an answer."""
        self._limits.settled(self._tokens, tokens, answered=answered)
