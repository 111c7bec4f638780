"""The gate that holds a stage while a dependency is down, and probes until it answers again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from contracts.errors import OutageError


class OutageGate:
    """Open: everybody passes. Closed: one message at a time passes as a probe, after a pause.

    A try that raises ``OutageError`` closes the gate. A probe that ends in anything else, be it
    success or a failure of its own, shows that the dependency answers, and opens it.

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
        self.reason = ""

    @property
    def is_open(self) -> bool:
        """Whether no outage is known."""
        return self._opened.is_set()

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Run one try of a message inside: at once while open, else as the next probe."""
        probing = await self._wait_for_turn()
        try:
            yield
        except OutageError as outage:
            self._note_outage(outage, probing=probing)
            raise
        except Exception:
            self._note_answer(probing=probing)
            raise
        else:
            self._note_answer(probing=probing)
        finally:
            if probing:
                self._turn.release()

    async def _wait_for_turn(self) -> bool:
        """Whether the caller is a probe, and holds the turn."""
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

    def _note_outage(self, outage: OutageError, *, probing: bool) -> None:
        self.reason = f"{outage.code}: {outage}"
        if probing:
            self._pause_s = min(self._pause_s * 2, self._pause_max_s)
        elif self.is_open:
            self._pause_s = self._first_pause_s
            self._opened.clear()

    def _note_answer(self, *, probing: bool) -> None:
        if probing:
            self.reason = ""
            self._opened.set()
