"""A gate for messages: all pass while it is open, one probe at a time while it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count


def ignore_closing(reason: str) -> None:
    """Do nothing about a gate that closes."""


class ProbeGate:
    """Gate that passes all messages while open, and one probe message at a time while closed.

    Of the messages that wait, the one that has failed least often probes next, so that a message
    whose own probes always fail does not keep the others from showing that theirs do not.

    Args:
        pause_s: the pause before the first probe, in seconds; doubles after each failed one.
        pause_max_s: the longest pause.
        on_close: called with the reason when the gate closes, for metrics.

    Attributes:
        is_open: whether everybody passes.
        reason: why it is closed, for people; empty while it is open.
        waiting: how many messages wait for it.
    """

    def __init__(
        self, pause_s: float, pause_max_s: float, on_close: Callable[[str], None] = ignore_closing
    ) -> None:
        self._on_close = on_close
        self._first_pause_s = pause_s
        self._pause_max_s = pause_max_s
        self._pause_s = pause_s
        self._skips_pause = False
        self._waiters: dict[asyncio.Future[bool], tuple[int, int]] = {}
        self._arrivals = count()
        self._next_probe: asyncio.TimerHandle | None = None
        self._probing = False
        self.is_open = True
        self.reason = ""
        self.waiting = 0

    @property
    def untried(self) -> int:
        """How many of the waiting messages have not failed yet."""
        return sum(not failures for failures, _ in self._waiters.values())

    def close(self, reason: str) -> None:
        """Hold all messages from now on; if closed already, only replace the reason."""
        self.reason = reason
        if self.is_open:
            self.is_open = False
            self._pause_s = self._first_pause_s
            self._on_close(reason)

    def open(self) -> None:
        """Let all messages pass."""
        self.is_open, self.reason = True, ""
        self._skips_pause = False
        self._forget_timer()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(False)

    def probe_failed(self, reason: str) -> None:
        """Double the pause before the next probe."""
        self.reason = reason
        self._pause_s = min(self._pause_s * 2, self._pause_max_s)

    def probe_inconclusive(self) -> None:
        """Skip the pause before the next probe, as this one showed nothing."""
        self._skips_pause = True

    async def wait_for_turn(self, failures: int = 0) -> bool:
        """Wait until the gate opens, or until it is the caller's turn to probe.

        Args:
            failures: how often the caller's message has failed before; fewer go first.

        Returns:
            Whether the caller is a probe; it then has to call ``end_turn``.
        """
        if self.is_open:
            return False
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters[turn] = failures, next(self._arrivals)
        self.waiting += 1
        self._plan_probe()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.end_turn()
            raise
        finally:
            self.waiting -= 1
            self._waiters.pop(turn, None)

    def end_turn(self) -> None:
        """End the caller's probe, so that the next one can be scheduled."""
        self._probing = False
        self._plan_probe()

    def _plan_probe(self) -> None:
        if self.is_open or self._probing or self._next_probe or not self._waiters:
            return
        pause_s = 0.0 if self._skips_pause else self._pause_s
        self._skips_pause = False
        loop = asyncio.get_running_loop()
        self._next_probe = loop.call_later(pause_s, self._let_one_probe)

    def _let_one_probe(self) -> None:
        self._next_probe = None
        candidates = {turn: order for turn, order in self._waiters.items() if not turn.done()}
        if candidates:
            self._probing = True
            min(candidates, key=candidates.__getitem__).set_result(True)

    def _forget_timer(self) -> None:
        if self._next_probe is not None:
            self._next_probe.cancel()
            self._next_probe = None
