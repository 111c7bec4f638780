"""Ends tasks within a budget, and names the messages of those that do not end."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from messaging.processing.inflight import Job

log = structlog.get_logger(__name__)

_ASYNCIO: Final = str(Path(asyncio.__file__).parent)


async def end_tasks(tasks: Mapping[Any, Job], budget_s: float) -> None:
    """Cancel tasks and wait until they have ended, but not longer than the budget.

    A handler can hold its cancellation off, by catching it or by waiting in a thread. It is left to
    itself then: its message is not committed, and done again by whoever has it next.

    Args:
        tasks: each with the message it works on.
        budget_s: the longest wait, in seconds.
    """
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    _, going_on = await asyncio.wait(tasks, timeout=budget_s)
    for task in going_on:
        job = tasks[task]
        log.error(
            "handler_ignores_cancellation",
            topic=job.topic,
            partition=job.partition.partition,
            offset=job.received.offset,
            at=where(task),
            what="its message is left unfinished and is done again; have the handler end when it "
            "is cancelled",
        )


def where(task: asyncio.Task[Any]) -> str:
    """Return the line that a task waits at, for people; empty if it tells none.

    It is the innermost one that is not asyncio's own.
    """
    coroutine: Any = task.get_coro()
    frame = None
    while inspect.iscoroutine(coroutine) and coroutine.cr_frame is not None:
        if frame is None or not coroutine.cr_code.co_filename.startswith(_ASYNCIO):
            frame = coroutine.cr_frame
        coroutine = coroutine.cr_await
    if frame is None:
        return ""
    return f"{frame.f_code.co_name} ({frame.f_code.co_filename}:{frame.f_lineno})"
