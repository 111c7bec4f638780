"""Drafts that take long to assess hold up others, but cost them no tries and no dead letter."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import Literal

import pytest

from contracts.events import Event, NotesDrafted
from contracts.topics import (
    GUARDRAIL,
    MIB,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    NOTES_VALIDATED,
    build_dlq_topic,
    build_retry_topic,
)
from grounding import CheckedNote
from guardrail.assessors import AT_ONCE, DraftAssessor, warm_up_checks
from guardrail.domain import AssessmentOptions
from guardrail.handlers import validate_draft
from guardrail.settings import GuardrailSettings
from messaging import Delivery, Publisher
from processes import TaskLimits, WorkerPool
from support.broker import bench_on
from support.chunks import CHUNK, GOOD
from support.chunks import drafted as draft_of
from support.stages import Stage
from support.worker_tasks import assess_slowly

TAKES_S = 1.0
DEADLINE_S = 8.0
DRAFTS = 16
"""Of these the last ones would wait for a process twice as long as they have time."""

TOPICS = (
    NOTES_DRAFTED,
    NOTES_VALIDATED,
    NOTES_REJECTED,
    build_dlq_topic(GUARDRAIL),
    *(build_retry_topic(GUARDRAIL, tier) for tier in range(4)),
)


@asynccontextmanager
async def slow_assessors(processes: int) -> AsyncIterator[DraftAssessor]:
    async with WorkerPool(
        assess_slowly,
        processes=processes,
        limits=TaskLimits(timeout_s=60, cpu_s=30, memory_bytes=512 * MIB),
        doing="assessing",
        prepare=partial(warm_up_checks, AssessmentOptions(heavy=False)),
    ) as pool:

        async def in_process(
            drafted: NotesDrafted, *, waiting: AbstractContextManager[object] = AT_ONCE
        ) -> tuple[CheckedNote, ...]:
            return await pool.call_after_wait(waiting, drafted, TAKES_S)

        await in_process(draft_of(GOOD))  # the process has started
        yield in_process


async def review_at_once(
    drafted: NotesDrafted, checked: Sequence[CheckedNote], *, deadline: float
) -> tuple[CheckedNote, ...]:
    """Judge nothing, but not later than the deadline."""
    del drafted
    assert deadline > asyncio.get_running_loop().time()
    return tuple(checked)


@pytest.mark.long
@pytest.mark.parametrize("judge", ["off", "doubtful"])
async def test_a_draft_behind_costly_ones_is_not_late_before_it_is_begun(
    broker: str, monkeypatch: pytest.MonkeyPatch, judge: Literal["off", "doubtful"]
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # asked by nobody here
    bench = await bench_on(broker, TOPICS)
    settings = GuardrailSettings(
        processes=1,
        deadline_s=DEADLINE_S,
        retry_delays_s=(0.1,) * 3,
        judge=judge,
        judge_model="judge",
    )
    review = None if judge == "off" else review_at_once
    drafts = [
        draft_of(GOOD).model_copy(
            update={"chunk": CHUNK.model_copy(update={"chunk_id": uuid.uuid4()})}
        )
        for _ in range(DRAFTS)
    ]
    async with slow_assessors(settings.processes) as assess_in_process:
        stage = Stage(GUARDRAIL)

        @stage.on(NOTES_DRAFTED)
        async def validate(drafted: NotesDrafted, delivery: Delivery) -> tuple[Event, ...]:
            policy = settings.policy
            return await validate_draft(drafted, delivery, assess_in_process, policy, review)

        async with Publisher(bench.kafka, source="/test") as publisher:
            await publisher.publish(drafts)
        async with bench.running(stage, settings):
            await bench.records(NOTES_VALIDATED.name, DRAFTS, within_s=60)

    assert await bench.size(build_retry_topic(GUARDRAIL, 1).name) == 0
    assert await bench.size(build_dlq_topic(GUARDRAIL).name) == 0
