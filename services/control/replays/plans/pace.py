"""Pace at which a plan's letters are sent: its rate, and how many its budget lets be under way."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from contracts.replay_plans import ReplayPlan
from control.replays.plans.freezing import BATCH

SLICE_S: Final = 0.2
"""Letters of so many seconds are claimed at a time by a plan with a rate."""


class PlanPace:
    """Pace at which a plan's letters are sent.

    Attributes:
        most: letters that may be sent now.
    """

    def __init__(self) -> None:
        self.most = BATCH
        self._next = time.monotonic()
        self._under_way = 0
        self._given_up = 0
        self._since = time.monotonic()

    def count_free(self, plan: ReplayPlan, allowance: int | None) -> int:
        """Count how many letters may be sent, if so many may be on their way.

        Those of which nothing becomes known for as long as a step is waited for count no more.
        """
        under_way = plan.letters - plan.counts.waiting - plan.counts.not_sent
        under_way -= plan.counts.resolved + plan.counts.failed_again
        now = time.monotonic()
        if under_way != self._under_way:
            self._under_way, self._since = under_way, now
        elif now - self._since > plan.step_wait_s:
            self._given_up, self._since = under_way, now
        return BATCH if allowance is None else allowance - max(under_way - self._given_up, 0)

    def find_end(self, plan: ReplayPlan, begin: int) -> int:
        """Return where the slice ends that begins at a letter: at the end of its step at most."""
        most = min(max(int(plan.rate * SLICE_S), 1), self.most) if plan.rate else self.most
        return min(next(step for step in plan.steps if step > begin), begin + most)

    async def wait(self, rate: float | None) -> bool:
        """Wait until letters may be sent; False if that is not yet, after a while of waiting."""
        if rate is None or (left := self._next - time.monotonic()) <= 0:
            return True
        await asyncio.sleep(min(left, 1.0))
        return left <= 1.0

    def note(self, letters: int, rate: float | None) -> None:
        """Note that letters were sent; what was late is caught up with for a second at most."""
        if rate is not None:
            self._next = max(self._next, time.monotonic() - 1.0) + letters / rate
