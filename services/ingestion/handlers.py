"""Kafka handler of ingestion: interviews in, segments and chunks out."""

from __future__ import annotations

from typing import Annotated

import structlog
from faststream import Context

from contracts.events import Event, TranscriptSubmitted
from contracts.topics import CHUNKS_READY, TRANSCRIPTS_INGESTED, TRANSCRIPTS_SUBMITTED
from database.erasures import ErasedTranscripts
from ingestion.readers import InterviewReader
from ingestion.registry import SubmissionAdmitter
from messaging import DISCARDED, CurrentDelivery, KafkaRouter

log = structlog.get_logger(__name__)

router = KafkaRouter()


@router.subscriber(TRANSCRIPTS_SUBMITTED)
@router.publisher(TRANSCRIPTS_INGESTED)
@router.publisher(CHUNKS_READY)
async def ingest_interview(
    submitted: TranscriptSubmitted,
    delivery: CurrentDelivery,
    read: Annotated[InterviewReader, Context()],
    admit: Annotated[SubmissionAdmitter, Context()],
    erased: Annotated[ErasedTranscripts, Context()],
) -> tuple[Event, ...]:
    """Check that a submission is allowed, parse it into segments, and split it into chunks.

    What comes of an interview that was erased is discarded.
    """
    if await erased.contains(submitted.transcript_id):
        log.info("erased_interview_discarded", transcript_id=str(submitted.transcript_id))
        return DISCARDED  # a dead letter would keep its words
    admitted = await admit(submitted, delivery.record)
    # Costly interviews before this one would else use up its time, and it would be a timeout.
    return await read(
        admitted.submitted,
        study=admitted.study,
        stored=admitted.stored,
        waiting=delivery.clock.stopped,
    )
