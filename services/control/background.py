"""Work that control does in the background for as long as a context lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def running_in_background(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run a coroutine beside the ``async with`` block, and cancel it at the block's end.

    Args:
        work: runs without end, and logs its errors itself: one that it raises is dropped.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
