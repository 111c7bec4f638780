"""Dead letters and submissions in; nothing out: they are indexed for people and the audit."""

from __future__ import annotations

from typing import Annotated

from faststream import Context

from contracts.topics import (
    DLQ_TOPICS,
    PIPELINE,
    TRANSCRIPTS_SETTLED,
    TRANSCRIPTS_SUBMITTED,
    build_retry_topic,
)
from control.letters.indexing import build_indexed_submission, build_letter_rows
from control.letters.store import DeadLetterStore
from messaging import KafkaRouter, Record

router = KafkaRouter()

# Outcomes, replays and what is submitted over HTTP are not what a handler returns: they are
# declared for the AsyncAPI document.
router.publisher(TRANSCRIPTS_SETTLED)
router.publisher(TRANSCRIPTS_SUBMITTED)
for _service in PIPELINE:
    router.publisher(build_retry_topic(_service, 0))


@router.subscriber(TRANSCRIPTS_SUBMITTED)
async def index_submission(record: Record, store: Annotated[DeadLetterStore, Context()]) -> None:
    """Index a record of the submissions topic, also one whose interview cannot be decoded."""
    secret = await store.submitter_secret()
    await store.index_submission(build_indexed_submission(record, secret))


@router.subscriber(*DLQ_TOPICS)
async def index_dead_letters(
    records: list[Record], store: Annotated[DeadLetterStore, Context()]
) -> None:
    """Store dead letters of any service in the control service's index."""
    await store.indexer.index(await build_letter_rows(records))
