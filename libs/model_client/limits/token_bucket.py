"""Token bucket of one limit that all replicas share without talking to each other.

Every response reports what is left of a limit for all who call. Each replica takes its share of
what flows in, and its share of what is left beyond a small reserve:

    pace = share * (rate + (left - reserve) / HORIZON_S)

All replicas together then keep what is left at the reserve: never at nothing, which is a 429, and
never at everything, which is quota unused. Where some replicas are idle more is left, so that the
others' pace rises until all is used.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from model_client.transport.rate_limit_headers import MINUTE_S, RateLimitStatus

HORIZON_S: Final = 0.1
"""Seconds within which a surplus is to be used."""

TRICKLE: Final = 0.2
"""Least share of its fair pace that a replica calls with: only responses report how it is now."""

RESERVE_S: Final = 0.15
RESERVE_CALLS: Final = 1.5
RESERVE_CALLS_A_REPLICA: Final = 1.5
"""Size of the reserve, in seconds of what flows in and in calls.

Calls arrive in bunches after a pause of the network or of a replica, calls differ in tokens, and
replicas decide without knowing of each other.
"""

CREDIT_S: Final = 0.1
"""How long an unused pace goes on accumulating credit, in seconds; at least one call's."""

OTHERS_S: Final = 3.0
"""Time constant of the average of the others' use, in seconds."""

MOST_OTHERS: Final = 3.0
"""Most that others are assumed to use, as a multiple of their share."""

LEAST_SHARE: Final = 1e-3
"""Least share of a replica: one without partitions still finishes what it holds."""


class AdaptiveTokenBucket:
    """Token bucket of a rate limit, which adapts to the limit that the endpoint reports.

    Args:
        per_minute: a limit of our own; None if only the endpoint's holds.
        share: this replica's share of it, from 0 to 1.
    """

    def __init__(self, per_minute: float | None, share: Callable[[], float]) -> None:
        self._own_rate = None if per_minute is None else per_minute / MINUTE_S
        self._share = share
        self._limit: float | None = None
        self._rate: float | None = None
        self._capacity = 0.0
        self._remaining, self._updated_at = 0.0, float("-inf")
        self._left, self._left_at = 0.0, 0.0
        self._taken: deque[tuple[float, float]] = deque()
        self._mine, self._theirs, self._others = 0.0, 0.0, 0.0
        self._credit, self._credit_at = 0.0, float("-inf")

    def wait(self, cost: float, now: float) -> float:
        """Return the seconds until this cost may be taken at the present pace; 0: now."""
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
        """Record that a call of this cost was made."""
        self._credit -= cost
        if self._rate is not None:
            self._taken.append((now, cost))
            self._drain(now, cost, self._others)

    def calibrate(self, difference: float) -> None:
        """Record that a call used so much more than was taken for it."""
        if self._rate is None:
            self._credit -= difference

    def update(self, status: RateLimitStatus, sent_at: float) -> None:
        """Learn the limit's state from a response.

        Args:
            status: the limit's state, from its headers.
            sent_at: when its call was made; calls made later are not in it.
        """
        if sent_at <= self._updated_at:
            return  # overtaken by a newer one
        self._rate = status.rate
        self._capacity = status.capacity
        if status.limit != self._limit:
            self._begin_anew(status, sent_at)
        else:
            self._measure_others(status.remaining, sent_at)
        self._remaining, self._updated_at = status.remaining, sent_at
        self._left, self._left_at = status.remaining, sent_at
        # Calls made after the response's are not in its numbers: subtract them again.
        for at, cost in self._taken:
            self._drain(at, cost, self._others)

    def _begin_anew(self, status: RateLimitStatus, sent_at: float) -> None:
        """Assume that others use their shares, and forget what was learnt of another limit."""
        self._limit = status.limit
        share = max(self._share(), LEAST_SHARE)
        self._mine = status.rate * OTHERS_S * share
        self._theirs = status.rate * OTHERS_S * (1 - share)
        self._others = self._theirs / self._mine
        self._forget_taken(sent_at)

    def _measure_others(self, remaining: float, now: float) -> None:
        """Update how much others use per unit used here, from what is missing."""
        self._left, self._left_at = self._remaining, self._updated_at
        mine = 0.0
        for at, cost in self._forget_taken(now):
            self._drain(at, cost)
            mine += cost
        self._drain(now, 0.0)
        decay = math.exp((self._updated_at - now) / OTHERS_S)
        self._mine = self._mine * decay + mine
        # Below 0 at times, as what is reported is not of the very moment: that evens out.
        self._theirs = self._theirs * decay + self._left - remaining
        share = max(self._share(), LEAST_SHARE)
        most = MOST_OTHERS * (1 - share) / share
        if self._mine > 0:
            self._others = min(max(0.0, self._theirs / self._mine), most)

    def _forget_taken(self, until: float) -> list[tuple[float, float]]:
        taken = []
        while self._taken and self._taken[0][0] <= until:
            taken.append(self._taken.popleft())
        return taken

    def _drain(self, now: float, cost: float, others: float = 0.0) -> None:
        """Add what has flowed into the endpoint's bucket since; subtract a cost.

        Half of the others' use is taken to come when there is some here, as they see the same
        responses, and half to come evenly: all of either follows chance too far.
        """
        flowing = (self._rate or 0.0) * (1 - others / 2 / (1 + others))
        gained = flowing * max(0.0, now - self._left_at)
        self._left = min(self._capacity, self._left + gained) - cost * (1 + others / 2)
        self._left_at = max(now, self._left_at)

    def _pace(self, cost: float, now: float) -> float | None:
        """Return units a second; None if there is no limit."""
        share = max(self._share(), LEAST_SHARE)
        own = None if self._own_rate is None else share * self._own_rate
        if self._rate is None:
            return own
        self._drain(now, 0.0, self._others)
        fair = share * self._rate
        surplus = self._left - self._reserve(self._rate, cost, share)
        allowed = max(TRICKLE * fair, fair + share * surplus / HORIZON_S)
        return allowed if own is None else min(own, allowed)

    def _reserve(self, rate: float, cost: float, share: float) -> float:
        calls = RESERVE_CALLS + RESERVE_CALLS_A_REPLICA / share
        return min(self._capacity / 2, calls * cost + rate * RESERVE_S)
