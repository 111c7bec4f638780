"""Interviews in, segments and chunks out."""

from __future__ import annotations

from contracts.events import Event, TranscriptSubmitted
from contracts.topics import INGESTION, TRANSCRIPTS_SUBMITTED
from ingestion.readers import ReadInterview
from messaging import Stage


def ingestion_stage(read: ReadInterview) -> Stage:
    """The stage that reads interviews."""
    stage = Stage(INGESTION)

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def read_interview(submitted: TranscriptSubmitted) -> tuple[Event, ...]:
        return await read(submitted)

    return stage
