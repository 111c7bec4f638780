"""Handlers that are cancelled and do not end are named, and not waited for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import structlog
from aiokafka import TopicPartition

from messaging.consumer.stragglers import cancel_tasks


def job(offset: int) -> Any:
    return SimpleNamespace(
        topic="chunks-ready",
        partition=TopicPartition("t1-chunks-ready", 3),
        received=SimpleNamespace(offset=offset),
    )


async def test_a_handler_that_ignores_its_cancellation_is_named_and_left_to_itself() -> None:
    released = asyncio.Event()
    cancelled = 0

    async def stubborn() -> None:
        nonlocal cancelled
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                cancelled += 1

    ignoring = asyncio.create_task(stubborn())
    obeying = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(5):
            await cancel_tasks({ignoring: job(17), obeying: job(18)}, 0.05)
    was_done = ignoring.done()
    released.set()
    await ignoring
    assert (cancelled, obeying.cancelled(), was_done) == (1, True, False)
    (told,) = logs
    assert told["event"] == "handler_ignores_cancellation"
    assert (told["topic"], told["partition"], told["offset"]) == ("chunks-ready", 3, 17)
    assert "stubborn" in told["at"]


async def test_nothing_is_waited_for_if_nothing_is_left() -> None:
    async with asyncio.timeout(1):
        await cancel_tasks({}, 3_600)
