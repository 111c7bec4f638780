"""Requests and tokens a minute, learnt from responses and shared with replicas one never talks to.

Every response tells what is left of a limit for all who call. Each replica takes its share of what
flows in, and its share of what is left beyond a small reserve:

    pace = share * (rate + (left - reserve) / HORIZON_S)

All replicas together then keep what is left at the reserve: never at nothing, which is a 429, and
never at everything, which is quota unused. Where some replicas are idle more is left, so that the
others' pace rises until all is used.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from model_client import errors
from model_client.rate_headers import Told, told_limit, told_wait

HORIZON_S: Final = 0.1
"""How soon a surplus is to be used, in seconds."""

TRICKLE: Final = 0.2
"""The least share of its fair pace that a replica calls with: only responses tell how it is now."""

RESERVE_CALLS: Final = 1.5
RESERVE_CALLS_A_REPLICA: Final = 1.0
"""What is kept in reserve, in calls: replicas decide without knowing of each other."""

CREDIT_S: Final = 0.1
"""How long a pace that nobody uses goes on counting, in seconds; at least one call."""

LOOK_S: Final = 0.05
"""Longest wait before the pace is looked at again, in seconds."""

OTHERS_S: Final = 0.3
"""Over what time the others' use is measured at the least, in seconds."""

NEWEST_OTHERS: Final = 0.2
"""Weight of the newest measurement in the moving average of it."""

MOST_OTHERS: Final = 3.0
"""Times their shares that others are believed to use at the most."""

LEAST_SHARE: Final = 1e-3
"""A replica without partitions still finishes what it holds."""

UNTOLD_WAIT_S: Final = 1.0
"""The wait where a 429 does not tell one, in seconds."""

MINUTE_S: Final = 60.0

NEWEST: Final = 0.1
"""Weight of the newest answer in the moving average of their lengths."""

FIRST_ANSWER_TOKENS: Final = 300.0
"""How long answers are taken to be before there was one."""


class Bucket:
    """What is known of one limit.

    Args:
        per_minute: a limit of our own; None if only the endpoint's holds.
        share: this replica's share of it, from 0 to 1.
    """

    def __init__(self, per_minute: float | None, share: Callable[[], float]) -> None:
        self._own_rate = None if per_minute is None else per_minute / MINUTE_S
        self._share = share
        self._rate: float | None = None
        self._told_at = float("-inf")
        self._remaining = 0.0
        self._capacity = 0.0
        self._others = 0.0
        self._base: tuple[float, float, float] | None = None
        self._taken: deque[tuple[float, float]] = deque()
        self._taken_in_all = 0.0
        self._credit = 0.0
        self._credit_at = float("-inf")

    def wait(self, cost: float, now: float) -> float:
        """Seconds until so much may be taken at the present pace; 0 if it may be now."""
        pace = self._pace(cost, now)
        if pace is None:
            return 0.0
        since_s = min(max(0.0, now - self._credit_at), MINUTE_S)
        most = max(cost, pace * CREDIT_S)
        self._credit = min(most, self._credit + pace * since_s)
        self._credit_at = now
        # What costs more than a minute's worth would else never have its turn.
        missing = min(cost, pace * MINUTE_S) - self._credit
        return max(0.0, missing / pace) if missing > 0 else 0.0

    def take(self, cost: float, now: float) -> None:
        """Note that so much was asked for."""
        self._credit -= cost
        self._taken_in_all += cost
        self._taken.append((now, cost))

    def correct(self, difference: float) -> None:
        """Note that a call used so much more than was taken for it."""
        if self._rate is None:
            self._credit -= difference

    def heard(self, told: Told, sent_at: float) -> None:
        """Learn from a response.

        Args:
            told: what it says.
            sent_at: when its call was made; calls made later are not in it.
        """
        rate = told.limit / MINUTE_S
        if rate != self._rate:
            self._rate, self._others, self._base = rate, self._fair_others(), None
            self._capacity, self._told_at = 0.0, float("-inf")
        if sent_at <= self._told_at:
            return  # overtaken by a newer one
        if told.reset_s is not None:
            self._capacity = told.remaining + told.reset_s * rate
        self._capacity = max(self._capacity, told.remaining)
        self._told_at, self._remaining = sent_at, told.remaining
        while self._taken and self._taken[0][0] <= sent_at:
            self._taken.popleft()
        self._measure_others(rate)

    def _measure_others(self, rate: float) -> None:
        """What others use for each unit used here, by what has gone without being taken here."""
        mine = self._taken_in_all - sum(cost for _, cost in self._taken)
        now = (self._told_at, self._remaining, mine)
        if self._base is None:
            self._base = now
            return
        then_s, left, mine_then = self._base
        passed_s = self._told_at - then_s
        own = mine - mine_then
        if passed_s < OTHERS_S or own <= 0:
            return
        gone = left + rate * passed_s - self._remaining
        ratio = max(0.0, gone - own) / own
        most = MOST_OTHERS * self._fair_others()
        self._others += NEWEST_OTHERS * (min(ratio, most) - self._others)
        self._base = now

    def _fair_others(self) -> float:
        """What others use for each unit used here if all take their shares."""
        share = max(self._share(), LEAST_SHARE)
        return (1 - share) / share

    def _pace(self, cost: float, now: float) -> float | None:
        """Units a second; None if there is no limit."""
        share = max(self._share(), LEAST_SHARE)
        own = None if self._own_rate is None else share * self._own_rate
        if self._rate is None:
            return own
        fair = share * self._rate
        surplus = self._left(self._rate, now) - self._reserve(cost, share)
        told = max(TRICKLE * fair, fair + share * surplus / HORIZON_S)
        return told if own is None else min(own, told)

    def _left(self, rate: float, now: float) -> float:
        """What the endpoint has left, as far as that can be told between two responses.

        Others do at the same time what is done here: they see the same responses.
        """
        left = min(self._capacity, self._remaining + rate * (now - self._told_at))
        return left - sum(cost for _, cost in self._taken) * (1 + self._others)

    def _reserve(self, cost: float, share: float) -> float:
        calls = RESERVE_CALLS + RESERVE_CALLS_A_REPLICA / share
        return min(self._capacity / 2, calls * cost)


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
            raise self._too_far(max(wait_s, UNTOLD_WAIT_S)) from error
        return Admission(self, now, tokens)

    def heard(self, headers: Mapping[str, str], sent_at: float) -> None:
        """Learn from a response's headers; for ``Admission``."""
        for name, bucket in self._buckets.items():
            if (told := told_limit(headers, name)) is not None:
                bucket.heard(told, sent_at)

    def refused(self, headers: Mapping[str, str]) -> None:
        """Admit nobody for as long as a 429 tells; for ``Admission``."""
        told_s = told_wait(headers, self._wall())
        wait_s = UNTOLD_WAIT_S if told_s is None else told_s
        self._not_before = max(self._not_before, self._clock() + wait_s)

    def settled(self, prompt: int, used: int) -> None:
        """Learn what a call really used; for ``Admission``."""
        self._buckets["tokens"].correct(used - prompt - self._answer_tokens)
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

    def settled(self, tokens: int) -> None:
        """Note how many tokens the call used in all."""
        self._limits.settled(self._tokens, tokens)
