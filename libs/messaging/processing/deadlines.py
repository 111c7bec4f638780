"""A single timer for the deadlines of all messages in flight.

A stage gives every delivery the same time, so deadlines fall due in the order in which they were
set, and only the first one needs a timer; setting one costs an entry in a dict.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import structlog

log = structlog.get_logger(__name__)

ASLEEP_S: Final = 5.0
"""A timer that is late by more than this, in seconds, means that the whole process did not run."""

AWAKE_S: Final = 10.0
"""What work then has at the least, in seconds: time to end, or to learn of a rebalance."""


class WorkWithDeadline(Protocol):
    """Interface of work that a ``DeadlineTimer`` cancels: a deadline and an asyncio task."""

    deadline: float
    expired: bool
    task: asyncio.Task[Any] | None


class DeadlineTimer:
    """Timer that cancels the asyncio tasks of work whose deadline has passed.

    Args:
        loop: whose clock counts.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running: dict[WorkWithDeadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, work: WorkWithDeadline) -> None:
        """Start watching work, whose ``deadline`` (the loop's clock, in seconds) is set."""
        self._running[work] = None
        timer = self._timer
        if timer is None or timer.when() > work.deadline:
            self._set(work.deadline)

    def end(self, work: WorkWithDeadline) -> None:
        """Stop watching some work."""
        self._running.pop(work, None)

    def close(self) -> None:
        """Stop watching all work."""
        self._running.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # While clocks are stopped, there may be nothing to watch.
        self._timer = None
        if when < float("inf"):
            self._timer = self._loop.call_at(max(when, self._loop.time()), self._fire)

    def _fire(self) -> None:
        timer, self._timer = self._timer, None
        now = self._loop.time()
        if timer is not None and now - timer.when() > ASLEEP_S:
            self._put_off(now, late_s=now - timer.when())
        for work in [one for one in self._running if one.deadline <= now]:
            del self._running[work]
            work.expired = True
            if work.task is not None:
                work.task.cancel()
        if self._running:
            # Seldom work brings a deadline of its own, so the first entry may not be the nearest.
            self._set(min(one.deadline for one in self._running))

    def _put_off(self, now: float, *, late_s: float) -> None:
        # Stopped or suspended, the process gave its handlers no time, and may have lost its
        # partitions: to set their messages aside now would be to do it a second time.
        log.warning("asleep", late_s=round(late_s, 3), in_flight=len(self._running))
        for work in self._running:
            work.deadline = max(work.deadline, now + AWAKE_S)
