"""Work in processes is bounded, and what becomes of one task is no other task's affair."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import BadMessageError, ErrorCode, HandlerTimedOutError, RetryableError
from processes import TaskLimits, TaskTimedOutError, TooCostlyError, WorkerLostError, WorkerPool
from support.waiting import until
from support.worker_tasks import MIB, run

LIMITS = TaskLimits(timeout_s=60, cpu_s=1, memory_bytes=64 * MIB)


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").exists()


def pool_of(processes: int = 1, limits: TaskLimits = LIMITS) -> WorkerPool[..., Any]:
    return WorkerPool(run, processes=processes, limits=limits, doing="the work")


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool[..., Any]]:
    async with pool_of() as one:
        yield one


async def test_returns_what_the_function_returns_from_another_process(
    pool: WorkerPool[..., Any],
) -> None:
    text = "text " * MIB
    assert await pool("echo", argument=text) == text
    assert await pool("pid") not in {os.getpid(), None}


async def test_errors_arrive_as_they_were_raised(pool: WorkerPool[..., Any]) -> None:
    with pytest.raises(BadMessageError, match=r"^refused$") as refused:
        await pool("refuse")
    assert refused.value.code is ErrorCode.UNKNOWN_FORMAT


async def test_a_bug_tells_where_it_is(pool: WorkerPool[..., Any]) -> None:
    with pytest.raises(ZeroDivisionError) as bug:
        await pool("bug")
    assert "worker_tasks.py" in "".join(bug.value.__notes__)


async def test_an_error_that_cannot_be_pickled_is_told_all_the_same(
    pool: WorkerPool[..., Any],
) -> None:
    with pytest.raises(RuntimeError, match="UnpicklableError"):
        await pool("unpicklable")


@pytest.mark.parametrize("what", ["spin", "backtrack"])
async def test_cpu_time_that_is_used_up_ends_the_work_for_good(
    pool: WorkerPool[..., Any], what: str
) -> None:
    with pytest.raises(TooCostlyError, match="more than 1 s of CPU time"):
        await pool(what)
    assert await pool("echo", 1) == 1


async def test_memory_that_is_used_up_ends_the_work_for_good(pool: WorkerPool[..., Any]) -> None:
    with pytest.raises(TooCostlyError, match="more than 64 MiB of memory"):
        await pool("allocate", 80)
    assert await pool("allocate", 40) == 40


async def test_a_library_that_aborts_for_want_of_memory_counts_as_such(
    pool: WorkerPool[..., Any],
) -> None:
    with pytest.raises(TooCostlyError, match="of memory"):
        await pool("abort")


async def test_a_result_that_does_not_fit_counts_as_memory_used_up(
    pool: WorkerPool[..., Any],
) -> None:
    with pytest.raises(TooCostlyError, match="of memory"):
        await pool("echo", "x" * 40 * MIB)  # and 40 MiB more to send it back


async def test_what_is_too_costly_is_not_tried_again_but_the_rest_is() -> None:
    assert issubclass(TooCostlyError, BadMessageError)
    assert issubclass(TaskTimedOutError, HandlerTimedOutError)
    assert issubclass(WorkerLostError, RetryableError)


async def test_a_process_that_keeps_much_memory_is_replaced(pool: WorkerPool[..., Any]) -> None:
    first = await pool("keep", 1 * MIB)
    assert await pool("keep", 40 * MIB) == first
    assert await pool("keep", 40 * MIB) != first


async def test_time_by_the_clock_is_bounded_apart_from_cpu_time() -> None:
    async with pool_of(limits=TaskLimits(timeout_s=1.5, cpu_s=60, memory_bytes=64 * MIB)) as pool:
        with pytest.raises(TaskTimedOutError, match=r"longer than 1\.5 s"):
            await pool("sleep", 60)
        assert await pool("echo", 1) == 1


async def test_a_task_that_is_cancelled_ends_its_process(pool: WorkerPool[..., Any]) -> None:
    before = await pool("pid")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pool("sleep", 60)
    assert await pool("pid") != before
    assert not is_running(before)


async def test_a_cancelled_task_that_has_no_process_yet_does_not_begin() -> None:
    async with pool_of() as pool:
        task = asyncio.create_task(pool("sleep", 60))
        await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(30):
            assert await pool("echo", 1) == 1


async def test_a_process_that_is_killed_fails_its_own_task_only() -> None:
    async with pool_of(processes=2) as pool:
        results = await asyncio.gather(
            pool("die"), *(pool("echo", number) for number in range(20)), return_exceptions=True
        )
    assert isinstance(results[0], WorkerLostError)
    assert results[1:] == list(range(20))


async def test_processes_that_are_killed_while_idle_are_replaced() -> None:
    async with pool_of(processes=2) as pool:
        for _ in range(3):
            await asyncio.gather(pool("echo", 1), pool("echo", 2))
            for pid in pool.pids:
                os.kill(pid, signal.SIGKILL)

            async def works() -> bool:
                with suppress(WorkerLostError):  # which is retried
                    return bool(await pool("echo", 1))
                return False

            await until(works)


async def test_closing_ends_what_is_at_work() -> None:
    async with pool_of() as pool:
        task = asyncio.create_task(pool("sleep", 60))
        await until(lambda: bool(pool.pids))
        (pid,) = pool.pids
    with pytest.raises(WorkerLostError):
        await task
    assert not is_running(pid)


PROGRAM = """
import asyncio
import aiokafka
from processes import TaskLimits, WorkerPool
from support.worker_tasks import MIB, run

async def main():
    limits = TaskLimits(timeout_s=60, cpu_s=60, memory_bytes=2**26)
    async with WorkerPool(run, processes=1, limits=limits, doing="the work") as pool:
        print(await pool("pid"), await pool("has module", "aiokafka"), flush=True)
        await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_a_worker_does_not_outlive_its_program_nor_import_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = await asyncio.create_subprocess_exec(
        sys.executable, str(program), stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert running.stdout is not None
    pid, has_module = (await running.stdout.readline()).decode().split()
    assert has_module == "False"
    running.kill()
    await running.wait()
    await until(lambda: not is_running(int(pid)))
