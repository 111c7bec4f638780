"""Dead letters and submissions in; nothing out: they are indexed for people and the audit."""

from __future__ import annotations

from contracts.topics import CONTROL, DLQ_TOPICS, TRANSCRIPTS_SUBMITTED
from control.indexing import index_letter, index_submission
from control.store import LetterStore
from messaging import Record, Stage


def control_stage(store: LetterStore) -> Stage:
    """Build the stage that indexes letters; it has no DLQ, so it retries what it cannot handle."""
    stage = Stage(CONTROL, dead_letters=False)

    @stage.on_raw(TRANSCRIPTS_SUBMITTED)
    async def handle_submission(record: Record) -> None:
        await store.index_submission(index_submission(record))

    for topic in DLQ_TOPICS:

        @stage.on_raw(topic)
        async def handle_letter(record: Record) -> None:
            await store.index_letter(index_letter(record))

    return stage
