"""Dead letters and submissions in; nothing out: they are indexed for people and the audit."""

from __future__ import annotations

from typing import Annotated

from faststream import Context

from contracts.topics import DLQ_TOPICS, PIPELINE, TRANSCRIPTS_SUBMITTED, retry_topic
from control.indexing import index_letter, index_submission
from control.store import LetterStore
from messaging import KafkaRouter, Record

router = KafkaRouter()

for _service in PIPELINE:
    # Replays are not what a handler returns: they are declared for the AsyncAPI document.
    router.publisher(retry_topic(_service, 0))


@router.subscriber(TRANSCRIPTS_SUBMITTED)
async def handle_submission(record: Record, store: Annotated[LetterStore, Context()]) -> None:
    """Index a submission, decodable or not."""
    await store.index_submission(index_submission(record))


@router.subscriber(*DLQ_TOPICS)
async def handle_letter(record: Record, store: Annotated[LetterStore, Context()]) -> None:
    """Index a dead letter of any service."""
    await store.index_letter(index_letter(record))
