"""Dead letters and submissions in; nothing out: they are indexed for people and the audit."""

from __future__ import annotations

from contracts.topics import CONTROL, DLQ_TOPICS, TRANSCRIPTS_SUBMITTED
from control.indexing import letter_of, submission_of
from control.store import LetterStore
from messaging import Record, Stage


def control_stage(store: LetterStore) -> Stage:
    """The stage that indexes; it has no DLQ of its own, so it keeps what it cannot handle."""
    stage = Stage(CONTROL, dead_letters=False)

    @stage.on_raw(TRANSCRIPTS_SUBMITTED)
    async def index_submission(record: Record) -> None:
        await store.index_submission(submission_of(record))

    for topic in DLQ_TOPICS:

        @stage.on_raw(topic)
        async def index_letter(record: Record) -> None:
            await store.index_letter(letter_of(record))

    return stage
