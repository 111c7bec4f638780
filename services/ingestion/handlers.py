"""Interviews in, segments and chunks out."""

from __future__ import annotations

from asyncio import to_thread

from contracts.events import Event, TranscriptSubmitted
from contracts.topics import INGESTION, TRANSCRIPTS_SUBMITTED
from ingestion.domain import ingest
from messaging import Stage


def ingestion_stage(*, chunk_characters: int, context_characters: int) -> Stage:
    """The stage that reads interviews."""
    stage = Stage(INGESTION)

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def read_interview(submitted: TranscriptSubmitted) -> tuple[Event, ...]:
        # Megabytes of JSON take long enough to starve the heartbeat of the consumer group.
        return await to_thread(
            ingest,
            submitted,
            max_characters=chunk_characters,
            context_characters=context_characters,
        )

    return stage
