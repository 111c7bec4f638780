"""Drafts are assessed in processes of their own: they may be slow, lost or killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from multiprocessing import forkserver
from pathlib import Path

import pytest

from contracts.errors import BugTriggeredByMessageError
from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from contracts.topics import MIB
from guardrail.assessors import DraftAssessor, assess_in_thread, run_assessor_pool
from guardrail.domain import assess_draft
from guardrail.settings import GuardrailSettings
from processes import TaskLimits, TooCostlyError
from spacy_models import is_spacy_installed
from support.chunks import BAD, CHUNK, GOOD, drafted

LIMITS = TaskLimits(timeout_s=60, cpu_s=30, memory_bytes=256 * MIB)

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
async def in_process() -> AsyncIterator[DraftAssessor]:
    async with run_assessor_pool(processes=2, limits=LIMITS) as assess_in_process:
        yield assess_in_process


async def test_assessors_return_what_the_function_returns_here(in_process: DraftAssessor) -> None:
    draft = drafted(GOOD, BAD)
    assert await in_process(draft) == assess_draft(draft)


def worker_processes() -> set[str]:
    """Ids of the processes that the fork server of this one has running (Linux)."""
    forkserver.ensure_running()
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # private
    return set(Path(f"/proc/{server}/task/{server}/children").read_text().split())


@pytest.mark.parametrize("mode", ["light", "heavy"])
async def test_a_process_assesses_one_draft_after_another(mode: str) -> None:
    if mode == "heavy" and not is_spacy_installed():
        pytest.skip("heavy mode needs a parser")
    before = worker_processes()
    # What a draft may leave behind is a share of the bound: with a small one, nothing loaded late.
    settings = GuardrailSettings(processes=1, mode=mode, assess_memory_mib=128)
    async with run_assessor_pool(
        processes=1, limits=settings.limits, options=settings.assessment_options
    ) as in_process:
        await in_process(drafted(GOOD))
        started = worker_processes() - before
        await in_process(drafted(BAD))
        await in_process(drafted(*slow(20)))
        assert len(started) == 1
        assert worker_processes() - before == started


@pytest.mark.long
async def test_an_unexpected_error_fails_only_that_draft(in_process: DraftAssessor) -> None:
    odd = drafted(GOOD).model_copy(update={"notes": (7,)})
    for assessor in (in_process, assess_in_thread):
        with pytest.raises(
            BugTriggeredByMessageError, match="assessing the draft failed unexpectedly"
        ) as one:
            await assessor(odd)
        assert one.value.frames
    assert await in_process(drafted(GOOD)) == assess_draft(drafted(GOOD)), (
        "the next one is assessed"
    )


@pytest.mark.long
async def test_the_event_loop_is_free_meanwhile(in_process: DraftAssessor) -> None:
    draft = drafted(*slow(10)).model_copy(update={"chunk": endless()})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await in_process(draft)
    ticking.cancel()
    assert ticks > 1_000


@pytest.mark.long
async def test_a_draft_that_is_too_costly_is_refused_and_the_next_one_is_assessed() -> None:
    draft = drafted(*slow(2_000)).model_copy(update={"chunk": endless()})
    limits = TaskLimits(timeout_s=60, cpu_s=2, memory_bytes=256 * MIB)
    async with run_assessor_pool(processes=1, limits=limits) as in_process:
        with pytest.raises(TooCostlyError, match="more than 2 s of CPU time"):
            await in_process(draft)
        assert await in_process(drafted(GOOD)) == assess_draft(drafted(GOOD))
