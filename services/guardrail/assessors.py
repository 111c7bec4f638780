"""Run processes that check drafts, so that the event loop is free to send heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Final, Protocol
from uuid import UUID

import personal_data
from contracts.events import ChunkReady, NotesDrafted
from contracts.notes import DraftEvidence, DraftNote
from contracts.study import Study, Theme
from contracts.transcript import Role, Segment
from grounding import CheckedNote
from guardrail.domain import ASSESSMENT_ACTIVITY, DEFAULT_OPTIONS, AssessmentOptions, assess_draft
from processes import TaskLimits, WorkerPool

_SAMPLE_DRAFT: Final = NotesDrafted(
    chunk=ChunkReady(
        transcript_id=UUID(int=1),
        revision=1,
        chunk_id=UUID(int=2),
        index=1,
        chunk_count=1,
        title="Sample",
        study=Study(study_id="sample", name="Sample", themes=(Theme(id="cost", name="Cost"),)),
        segments=(
            Segment(
                number=1,
                speaker="Ann",
                role=Role.PARTICIPANT,
                text="We never paid more than forty pounds a month, I think, before May.",
            ),
        ),
    ),
    notes=(
        DraftNote(
            statement="Ann thinks they never paid more than 40 pounds a month before May.",
            evidence=(DraftEvidence(segment=1),),
            themes=("cost",),
        ),
    ),
    attempt=1,
    model="sample",
    prompt_version="sample",
)
"""A draft that most checks have something to do with."""


AT_ONCE: Final = nullcontext()
"""For callers to whom it is all the same how long a draft waits for a process."""


class DraftAssessor(Protocol):
    """Interface of functions that check a draft's notes, in a thread or a worker process."""

    async def __call__(
        self, drafted: NotesDrafted, *, waiting: AbstractContextManager[object] = AT_ONCE
    ) -> tuple[CheckedNote, ...]:
        """Return the checked notes in the draft's order.

        Args:
            drafted: the draft.
            waiting: entered while it waits for a process.
        """
        ...


async def assess_in_thread(
    drafted: NotesDrafted, *, waiting: AbstractContextManager[object] = AT_ONCE
) -> tuple[CheckedNote, ...]:
    """Check a draft's notes in a thread of this process."""
    del waiting  # it never waits
    return await asyncio.to_thread(assess_draft, drafted)


def warm_up_checks(options: AssessmentOptions) -> None:
    """Check a sample draft, so that dictionaries and models are already loaded.

    Dictionaries, the language detector and the parser are loaded when they are first used, and take
    128 MiB; an entailment model takes the size of its file and more. A process that keeps that much
    more than it began with is ended after its first draft, and the next one would load it all
    again.
    """
    personal_data.preload_models()
    assess_draft(_SAMPLE_DRAFT, options)


@asynccontextmanager
async def run_assessor_pool(
    *, processes: int, limits: TaskLimits, options: AssessmentOptions = DEFAULT_OPTIONS
) -> AsyncIterator[DraftAssessor]:
    """Run a pool of worker processes that check drafts, for the duration of the context.

    It raises what ``assess`` does, and ``processes.errors`` where that takes more than the limits.

    Args:
        processes: how many.
        limits: what assessing one draft may use.
        options: how drafts are assessed.
    """
    async with WorkerPool(
        assess_draft,
        processes=processes,
        limits=limits,
        doing=ASSESSMENT_ACTIVITY,
        prepare=partial(warm_up_checks, options),
    ) as pool:

        async def assess_in_process(
            drafted: NotesDrafted, *, waiting: AbstractContextManager[object] = AT_ONCE
        ) -> tuple[CheckedNote, ...]:
            return await pool.call_after_wait(waiting, drafted, options)

        yield assess_in_process
