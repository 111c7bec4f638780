from __future__ import annotations

import asyncio
import gc

import pytest

from model_client.background_tasks import BackgroundTasks


async def test_waits_for_tasks_that_are_started_by_tasks() -> None:
    tasks, ended = BackgroundTasks(), list[str]()

    async def inner() -> None:
        await asyncio.sleep(0)
        ended.append("inner")

    async def outer() -> None:
        tasks.start(inner())

    tasks.start(outer())
    await tasks.wait()
    assert ended == ["inner"]


async def test_a_wait_ends_in_time_and_leaves_the_task_running() -> None:
    tasks, gate = BackgroundTasks(), asyncio.Event()
    task = tasks.start(gate.wait())
    await tasks.wait(timeout_s=0.01)
    assert not task.done()
    gate.set()
    await tasks.wait()
    assert task.done()


async def fail() -> None:
    raise ValueError("no")


async def test_an_error_reaches_who_still_waits() -> None:
    task = BackgroundTasks().start(fail())
    with pytest.raises(ValueError, match="no"):
        await task


async def test_an_error_that_nobody_waits_for_is_not_logged() -> None:
    logged = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    tasks = BackgroundTasks()
    tasks.start(fail())
    await tasks.wait()
    gc.collect()
    assert logged == []
