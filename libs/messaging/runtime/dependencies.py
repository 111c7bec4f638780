"""Checks of a service's dependencies while it has nothing to do.

While messages are handled, their handlers notice an outage, and the stage waits. An idle service
would stay ready though its database is gone. A failed check changes readiness alone: messages that
arrive are handled as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from contracts.errors import ErrorCode, OutageError

CHECK_INTERVAL_S: Final = 5.0
"""Pause between two checks, in seconds."""

CHECK_TIMEOUT_S: Final = 5.0
"""How long one check may take, in seconds."""

CheckDependencies = Callable[[], Awaitable[None]]
"""Raises ``OutageError`` if something is not there that every message needs."""


async def skip_dependency_check() -> None:
    """Do nothing; the dependency check of services that depend only on Kafka."""


class DependencyMonitor:
    """Monitor that checks a service's dependencies, such as its database, while it is idle.

    Args:
        check: raises if a dependency is not there.
        is_idle: returns whether no message is in flight.

    Attributes:
        trouble: the reason to report, for people; empty while all is well, or messages tell.
    """

    def __init__(self, check: CheckDependencies, is_idle: Callable[[], bool]) -> None:
        self._check = check
        self._is_idle = is_idle
        self.trouble = ""

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            # With messages in flight, the pool's connections may just all be in use.
            self.trouble = await self._look() if self._is_idle() else ""
            await asyncio.sleep(CHECK_INTERVAL_S)

    async def _look(self) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await self._check()
        except OutageError as outage:
            return f"{outage.code.value}: {outage}"
        except TimeoutError:
            return f"{ErrorCode.TIMEOUT.value}: a dependency does not answer in time"
        return ""
