"""Run processes that check drafts, so that the event loop is free to send heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import personal_data
from contracts.events import NotesDrafted
from grounding import CheckedNote
from grounding.syntax.spacy_parser import load_parser
from guardrail.domain import ASSESSMENT_ACTIVITY, DEFAULT_OPTIONS, AssessmentOptions, assess_draft
from processes import Bounds, WorkerPool


class DraftAssessor(Protocol):
    """Checks each note of a draft against its chunk."""

    async def __call__(self, drafted: NotesDrafted) -> tuple[CheckedNote, ...]:
        """Return the checked notes in the draft's order."""
        ...


async def assess_in_thread(drafted: NotesDrafted) -> tuple[CheckedNote, ...]:
    """Check a draft in a thread of this process, for tests and where no processes may start."""
    return await asyncio.to_thread(assess_draft, drafted)


def load_models(*, heavy: bool) -> None:
    """Load the models before the first draft, so that no draft pays for it.

    A process that kept so much more memory than it began with would be ended after each draft.
    """
    personal_data.preload()
    if heavy:
        load_parser()


@asynccontextmanager
async def run_assessor_pool(
    *, processes: int, bounds: Bounds, options: AssessmentOptions = DEFAULT_OPTIONS
) -> AsyncIterator[DraftAssessor]:
    """Run processes that check drafts; yield the function that checks one.

    It raises what ``assess`` does, and ``processes.errors`` where that takes more than the bounds.

    Args:
        processes: how many.
        bounds: what assessing one draft may use.
        options: how drafts are assessed.
    """
    async with WorkerPool(
        assess_draft,
        processes=processes,
        bounds=bounds,
        doing=ASSESSMENT_ACTIVITY,
        prepare=partial(load_models, heavy=options.heavy),
    ) as pool:

        async def assess_in_process(drafted: NotesDrafted) -> tuple[CheckedNote, ...]:
            return await pool(drafted, options)

        yield assess_in_process
