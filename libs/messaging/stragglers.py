"""Ends tasks within a budget, and names the messages of those that do not end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from messaging.jobs import Job

log = structlog.get_logger(__name__)


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
            at=_where(task),
            what="its message is left unfinished and is done again; have the handler end when it "
            "is cancelled",
        )


def _where(task: asyncio.Task[Any]) -> str:
    """Return the innermost line that a task waits at, as file and line; empty if it tells none."""
    frames = task.get_stack()
    if not frames:
        return ""
    code = frames[-1].f_code
    return f"{code.co_name} ({code.co_filename}:{frames[-1].f_lineno})"
