"""Gates that hold a stage: while a dependency is down, or while most messages die of one cause.

Open, everybody passes. Closed, one message at a time passes as a probe, after a pause that grows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from contracts.errors import OutageError, TimedOutError
from messaging.failures import DeadlinePassedError

log = structlog.get_logger(__name__)
T = TypeVar("T")

MOST_TIMEOUTS: Final = 3
"""Probes of one message that may run out of time: it may be the message, not the dependency."""


class Gate:
    """Lets everybody through while open, and probes one by one while closed.

    Args:
        pause_s: the pause before the first probe, in seconds; doubles after each failed one.
        pause_max_s: the longest pause.
    """

    def __init__(self, pause_s: float, pause_max_s: float) -> None:
        self._first_pause_s = pause_s
        self._pause_max_s = pause_max_s
        self._pause_s = pause_s
        self._turn = asyncio.Lock()
        self._opened = asyncio.Event()
        self._opened.set()
        self.is_open = True
        self.reason = ""

    def close(self, reason: str) -> None:
        """Hold everybody from now on; a closed gate only takes the new reason."""
        self.reason = reason
        if self.is_open:
            self.is_open = False
            self._pause_s = self._first_pause_s
            self._opened.clear()

    def open(self) -> None:
        """Let everybody through."""
        self.is_open, self.reason = True, ""
        self._opened.set()

    def probe_failed(self, reason: str) -> None:
        """Wait longer before the next probe."""
        self.reason = reason
        self._pause_s = min(self._pause_s * 2, self._pause_max_s)

    async def wait_for_turn(self) -> bool:
        """Wait until the gate opens, or until it is the caller's turn to probe.

        Returns:
            Whether the caller is a probe; it then has to call ``end_turn``.
        """
        if self.is_open:
            return False
        await self._turn.acquire()
        try:
            # Whoever opens the gate meanwhile ends the pause.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s):
                    await self._opened.wait()
        except BaseException:
            self._turn.release()
            raise
        if self.is_open:
            self._turn.release()
            return False
        return True

    def end_turn(self) -> None:
        """Let the next probe wait for its turn."""
        self._turn.release()


class OutageGate(Gate):
    """Closed by ``OutageError``; opened by a probe that shows that the dependency answers.

    Success shows it, and so does a failure of the probe's own; running out of time does not. A
    message whose probes ran out of time ``MOST_TIMEOUTS`` times in a row makes way for others.
    """

    async def run(self, step: Callable[..., Awaitable[T]], *about: Any) -> T:
        """Run a step of a message, as often as it takes until no outage keeps it from ending.

        Args:
            step: the step.
            about: its arguments.
        """
        timeouts = 0
        while True:
            if self.is_open:
                try:
                    return await step(*about)
                except OutageError as outage:
                    self._note(outage)
                    self.close(f"{outage.code}: {outage}")
            if await self.wait_for_turn():
                try:
                    return await self._probe(step, *about)
                except OutageError as outage:
                    self._note(outage)
                    self.probe_failed(f"{outage.code}: {outage}")
                    timeouts = 0
                except (TimeoutError, TimedOutError):
                    self.probe_failed(self.reason)
                    timeouts += 1
                    if timeouts == MOST_TIMEOUTS:
                        raise
                finally:
                    self.end_turn()

    async def _probe(self, step: Callable[..., Awaitable[T]], *about: Any) -> T:
        try:
            result = await step(*about)
        except (OutageError, TimeoutError, TimedOutError, DeadlinePassedError):
            raise  # which tells nothing of the dependency
        except Exception:
            self.open()
            raise
        self.open()
        return result

    def _note(self, outage: OutageError) -> None:
        log.warning("outage", code=outage.code.value, reason=str(outage))


class Stoppage:
    """Stops a stage in which most messages die of one cause, instead of emptying it into its DLQ.

    Args:
        window: how many of the latest messages are looked at.
        share: the share of them that has to die of one fingerprint, from 0 to 1.
        pause_s: the pause before the first probe, in seconds.
        pause_max_s: the longest pause.
    """

    def __init__(self, window: int, share: float, pause_s: float, pause_max_s: float) -> None:
        self.gate = Gate(pause_s, pause_max_s)
        self._window = window
        self._deaths_to_stop = max(1, round(window * share))
        self._latest: list[str] = []

    def settled(self) -> None:
        """Note that a message ended well."""
        if self._latest:
            self._note("")

    def died(self, fingerprint: str, code: str) -> None:
        """Note that a message became a dead letter."""
        self._note(fingerprint)
        deaths = self._latest.count(fingerprint)
        if deaths >= self._deaths_to_stop:
            self.gate.close(
                f"stopped: {deaths} of the last {len(self._latest)} messages died of {code} "
                f"(fingerprint {fingerprint}); mend the cause, then POST /resume"
            )

    def resume(self) -> None:
        """Forget what happened and let everybody through; for operators."""
        self._latest.clear()
        self.gate.open()

    def probe_ended(self, *, well: bool) -> None:
        """Resume after a probe that ended well; else wait longer before the next."""
        if well:
            self.resume()
        else:
            self.gate.probe_failed(self.gate.reason)

    def _note(self, fingerprint: str) -> None:
        self._latest.append(fingerprint)
        if len(self._latest) > self._window:
            del self._latest[0]
