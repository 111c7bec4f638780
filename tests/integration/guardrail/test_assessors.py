"""Drafts are assessed in processes of their own: they may be slow, lost or killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from guardrail.assessors import AssessmentTimedOutError, AssessorLostError, Assessors
from guardrail.domain import assess
from support.chunks import BAD, CHUNK, GOOD, drafted
from support.waiting import until

LONG = " ".join(f"We paid {number} pounds for the boiler, not less." for number in range(4_000))


def endless() -> ChunkReady:
    """A chunk with which a draft's checks take seconds."""
    turn = CHUNK.segments[0].model_copy(update={"text": LONG})
    return CHUNK.model_copy(update={"segments": (turn,)})


def slow(notes: int = 100) -> tuple[DraftNote, ...]:
    return tuple(
        DraftNote(
            statement=f"They paid {number} pounds.",
            evidence=(DraftEvidence(segment=4),),
            themes=("cost",),
        )
        for number in range(notes)
    )


@pytest.fixture
async def assessors() -> AsyncIterator[Assessors]:
    async with Assessors(processes=2, timeout_s=30) as pool:
        yield pool


async def test_says_what_would_be_said_here(assessors: Assessors) -> None:
    draft = drafted(GOOD, BAD)
    assert await assessors(draft) == assess(draft)


async def test_the_event_loop_is_free_meanwhile(assessors: Assessors) -> None:
    draft = drafted(*slow(10)).model_copy(update={"chunk": endless()})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await assessors(draft)
    ticking.cancel()
    assert ticks > 1_000


async def test_a_draft_that_takes_too_long_is_given_up_and_the_next_one_is_not() -> None:
    draft = drafted(*slow(2_000)).model_copy(update={"chunk": endless()})
    async with Assessors(processes=1, timeout_s=5) as pool:
        with pytest.raises(AssessmentTimedOutError, match="longer than 5 s"):
            await pool(draft)
        assert await pool(drafted(GOOD)) == assess(drafted(GOOD))


async def test_a_cancelled_wait_ends_its_process_and_the_next_draft_is_assessed() -> None:
    draft = drafted(*slow(2_000)).model_copy(update={"chunk": endless()})
    async with Assessors(processes=1, timeout_s=60) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await pool(draft)
        assert await pool(drafted(GOOD)) == assess(drafted(GOOD))


def cpu_ticks(process: int) -> int:
    """The time that a process has worked, in ticks of the clock (Linux, proc_pid_stat(5))."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def test_a_process_that_is_killed_fails_its_draft_only() -> None:
    draft = drafted(*slow(2_000)).model_copy(update={"chunk": endless()})
    async with Assessors(processes=1, timeout_s=60) as pool:
        await pool(drafted(GOOD))
        (process,) = pool._pool._pool_manager.worker_manager.workers
        idle = cpu_ticks(process)
        lost = asyncio.create_task(pool(draft))
        await until(lambda: cpu_ticks(process) > idle + 1)
        os.kill(process, signal.SIGKILL)
        with pytest.raises(AssessorLostError, match="ended with code"):
            await lost
        assert await pool(drafted(GOOD)) == assess(drafted(GOOD))


async def test_processes_that_are_killed_while_idle_are_replaced() -> None:
    good = drafted(GOOD)
    async with Assessors(processes=2, timeout_s=60) as pool:
        for _ in range(2):
            await pool(good)
            for process in [*pool._pool._pool_manager.worker_manager.workers]:
                os.kill(process, signal.SIGKILL)

            async def assessed() -> bool:
                with suppress(AssessorLostError):  # which is retried
                    return await pool(good) == assess(good)
                return False

            await until(assessed)


PROGRAM = """
import asyncio
from guardrail.assessors import Assessors
from support.chunks import GOOD, drafted

async def main():
    async with Assessors(processes=2, timeout_s=60) as pool:
        await pool(drafted(GOOD))
        print(*pool._pool._pool_manager.worker_manager.workers, flush=True)
        await asyncio.Event().wait()

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_no_process_outlives_a_guardrail_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "guarded.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    guarded = await asyncio.create_subprocess_exec(
        sys.executable, str(program), stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert guarded.stdout is not None
    processes = [int(one) for one in (await guarded.stdout.readline()).split()]
    assert len(processes) == 2
    guarded.kill()
    await guarded.wait()
    await until(lambda: not any(Path(f"/proc/{one}/exe").exists() for one in processes))
