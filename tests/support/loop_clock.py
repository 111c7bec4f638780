"""The clock of a running event loop, which a test sets forward in place of waiting.

For code that waits by the loop's clock and talks over sockets of this process; ``virtual_time`` is
for code that does no I/O.
"""

from __future__ import annotations

import asyncio
from typing import Final

ROUNDS: Final = 100
"""Turns of the loop after which all that can happen without time passing has happened: bytes
written to a loopback socket can be read in the next one."""


class LoopClock:
    """Clock of an event loop; its timers fire as soon as they are due by it.

    Args:
        loop: whose ``time`` it replaces until ``restore``.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._time = loop.time
        self._ahead_s = 0.0
        loop.time = self.now  # type: ignore[method-assign]  # the loop's timers go by it

    def now(self) -> float:
        """Seconds since a moment of the loop's choosing."""
        return self._time() + self._ahead_s

    async def advance(self, seconds: float) -> None:
        """Let time pass: what is due happens before this returns."""
        await self.settle()
        self._ahead_s += seconds
        await self.settle()

    async def settle(self) -> None:
        """Let everything happen that can without time passing."""
        for _ in range(ROUNDS):
            await asyncio.sleep(0)

    def restore(self) -> None:
        """Give the loop its own clock back."""
        self._loop.time = self._time  # type: ignore[method-assign]
