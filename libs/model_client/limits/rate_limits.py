"""Requests and tokens a minute, learnt from responses and shared with replicas one never talks to.

How fast each limit lets calls through is for ``bucket.py``; here calls wait for their turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from model_client import errors
from model_client.durations import seconds
from model_client.limits.token_bucket import Bucket
from model_client.transport.rate_limit_headers import told_limit, told_wait

LOOK_S: Final = 0.05
"""Longest wait before the pace is looked at again, in seconds."""

UNTOLD_WAIT_S: Final = 1.0
"""The wait where a 429 does not tell one, in seconds."""

DEFAULT_CEILING_S: Final = 300.0
"""The longest wait that is kept to without a probe, in seconds."""

NEWEST: Final = 0.1
"""Weight of the newest answer in the moving average of their lengths."""

FIRST_ANSWER_TOKENS: Final = 300.0
"""How long answers are taken to be before there was one."""


PROBE_S: Final = 60.0
"""How long others wait for a probe's end before the next one is made, in seconds."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A wait that a 429 told; times by the loop's clock, in seconds.

    Attributes:
        told_s: how long it is, as told, in seconds.
        until: when it is over.
        probe_at: when one call may find out whether it still holds.
    """

    told_s: float
    until: float
    probe_at: float


class Limits:
    """The limits of one endpoint, as far as this replica knows them.

    A wait that is told is kept to, up to a ceiling: an endpoint that tells hours may be wrong, or
    mended meanwhile. Then one call probes, and what it shows holds for all::

        429, retry-after 3600          one call             429: the next wait
        |------- ceiling -------------| probe |------------> anything else: all may call

    Args:
        clock: the loop's, in seconds.
        requests_per_minute: a limit for all replicas together, beside what the endpoint tells.
        tokens_per_minute: a limit for all replicas together, beside what the endpoint tells.
        share: tells this replica's share of them, from 0 to 1.
        wall: seconds since the epoch, for waits that are told as dates.
        ceiling_s: the longest wait that is kept to without a probe, in seconds.
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
            "requests": Bucket(requests_per_minute, share),
            "tokens": Bucket(tokens_per_minute, share),
        }
        self._answer_tokens = FIRST_ANSWER_TOKENS
        self._turn = asyncio.Lock()
        self._ceiling_s = ceiling_s
        self._hold: Hold | None = None
        self._probing_until = float("-inf")

    @property
    def hold(self) -> Hold | None:
        """The wait that holds everybody now; None if none does."""
        if self._hold is not None and self._clock() >= self._hold.until:
            self._hold = None
        return self._hold

    async def admit(self, tokens: int, *, latest: float) -> Admission:
        """Wait for a call's turn; first come, first served.

        Args:
            tokens: about how many tokens its prompt has.
            latest: until when a turn is waited for, by the loop's clock, in seconds.

        Raises:
            errors.RateLimitedError: the turn does not come in time; says when to come back.
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
            # Whoever waits behind others knows no wait of its own, but what a 429 told all.
            raise self._too_far(max(wait_s, self._held_s(), UNTOLD_WAIT_S)) from error
        return Admission(self, now, tokens, probes=probes)

    def heard(self, headers: Mapping[str, str], sent_at: float) -> None:
        """Learn from a response's headers; for ``Admission``."""
        for name, bucket in self._buckets.items():
            if (told := told_limit(headers, name, self._wall())) is not None:
                bucket.heard(told, sent_at)

    def refused(self, headers: Mapping[str, str]) -> None:
        """Admit nobody for as long as a 429 tells, or until the next probe; for ``Admission``."""
        now = self._clock()
        # "In no time" would be refused again, and again.
        told_s = told_wait(headers, self._wall()) or UNTOLD_WAIT_S
        before = self.hold
        self._probing_until = float("-inf")
        if before is None or now >= before.probe_at or now + told_s > before.until:
            self._hold = Hold(told_s, now + told_s, now + min(told_s, self._ceiling_s))

    def let_in(self) -> None:
        """Admit everybody again, as a probe was served; for ``Admission``."""
        self._hold, self._probing_until = None, float("-inf")

    def given_up(self) -> None:
        """Let another call probe, as a probe showed nothing; for ``Admission``."""
        self._probing_until = float("-inf")

    def settled(self, prompt: int, used: int, *, answered: bool) -> None:
        """Learn what a call really used; for ``Admission``."""
        self._buckets["tokens"].correct(used - prompt - self._answer_tokens)
        if answered:  # in an outage answers would else seem to become ever shorter
            self._answer_tokens += NEWEST * (max(0, used - prompt) - self._answer_tokens)

    def _wait(self, costs: Mapping[str, float]) -> float:
        now = self._clock()
        waits = [bucket.wait(costs[name], now) for name, bucket in self._buckets.items()]
        return max(*waits, self._held_s())

    def _held_s(self) -> float:
        """Seconds until a call may be made, if only as a probe; 0 or less: now."""
        if (hold := self.hold) is None:
            return 0.0
        return max(hold.probe_at, min(self._probing_until, hold.until)) - self._clock()

    def _too_far(self, wait_s: float) -> errors.RateLimitedError:
        told = f"the endpoint's limits leave no turn for {seconds(wait_s)}"
        if (hold := self.hold) is not None:
            told += f"; it told to come back after {seconds(hold.told_s)}"
        return errors.RateLimitedError(told, retry_after=wait_s)


class Admission:
    """A call's turn; tells the limits what the call showed.

    Args:
        limits: whose turn it is.
        at: when it was given, by the loop's clock, in seconds.
        tokens: about how many tokens the call's prompt has.
        probes: whether it finds out if a wait that was told still holds.
    """

    def __init__(self, limits: Limits, at: float, tokens: int, *, probes: bool = False) -> None:
        self._limits = limits
        self._at = at
        self._tokens = tokens
        self.probes = probes

    def heard(self, headers: Mapping[str, str]) -> None:
        """Note the response's headers, as soon as they are there."""
        self._limits.heard(headers, self._at)

    def refused(self, headers: Mapping[str, str]) -> None:
        """Note that the call was refused as one too many."""
        self._limits.refused(headers)

    def let_in(self) -> None:
        """Note that the endpoint took the call, or refused it for a reason of its own."""
        if self.probes:
            self._limits.let_in()

    def given_up(self) -> None:
        """Note that the call showed nothing of the limits."""
        if self.probes:
            self._limits.given_up()

    def settled(self, tokens: int, *, answered: bool = True) -> None:
        """Note how many tokens the call used in all, and whether there was an answer."""
        self._limits.settled(self._tokens, tokens, answered=answered)
