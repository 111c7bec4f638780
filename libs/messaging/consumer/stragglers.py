"""Cancellation of tasks within a time limit, with a log line for those that do not end."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from messaging.processing.inflight import InFlightMessage

log = structlog.get_logger(__name__)

_ASYNCIO: Final = str(Path(asyncio.__file__).parent)


async def cancel_tasks(tasks: Mapping[Any, InFlightMessage], budget_s: float) -> None:
    """Cancel asyncio tasks of handlers, and wait at most ``budget_s`` seconds for their end.

    A handler can delay its cancellation, by catching it or by waiting for a thread. It is left
    running then: its message is not committed, and the partition's next owner repeats it.

    Args:
        tasks: each with the message it processes.
        budget_s: the longest wait, in seconds.
    """
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    _, remaining = await asyncio.wait(tasks, timeout=budget_s)
    for task in remaining:
        job = tasks[task]
        log.error(
            "handler_ignores_cancellation",
            topic=job.topic,
            partition=job.partition.partition,
            offset=job.received.offset,
            at=find_suspension_point(task),
            what="its message is left unfinished and is done again; have the handler end when it "
            "is cancelled",
        )


def find_suspension_point(task: asyncio.Task[Any]) -> str:
    """Return the source line at which an asyncio task is waiting, as text; "" if unknown.

    The innermost frame outside asyncio, such as ``fetch (client.py:12)``.
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
