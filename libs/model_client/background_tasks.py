"""Tasks that run to their end although the caller has stopped waiting for them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundTasks:
    """Set of running asyncio tasks, kept referenced so that none is garbage-collected."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start work as a task and return the task."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._discard)
        return task

    async def wait(self, *, timeout_s: float | None = None) -> None:
        """Wait until all tasks have ended, also those started meanwhile, or the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._running:
                    await asyncio.wait(self._running)
        except TimeoutError:
            return

    def _discard(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Marks an error as retrieved, which asyncio would log otherwise. Who still waits for
            # the task gets it anyway; who has given up does not want it.
            task.exception()
