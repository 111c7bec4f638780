"""Kafka handlers of persistence: interviews and validated notes in, notes-stored out."""

from __future__ import annotations

from typing import Annotated

from faststream import Context

from contracts.events import Event, NotesStored, NotesValidated, TranscriptIngested
from contracts.topics import NOTES_STORED, NOTES_VALIDATED, TRANSCRIPTS_INGESTED
from messaging import CurrentDelivery, KafkaRouter
from persistence.store import NotesStore

router = KafkaRouter()


@router.subscriber(TRANSCRIPTS_INGESTED)
@router.publisher(NOTES_STORED)
@router.publisher(NOTES_VALIDATED)
async def store_transcript(
    ingested: TranscriptIngested, store: Annotated[NotesStore, Context()]
) -> tuple[Event, ...]:
    """Store an interview's transcript, and the pending drafts that waited for it."""
    return await store.store_transcript(ingested)


@router.subscriber(NOTES_VALIDATED)
@router.publisher(NOTES_STORED)
async def store_notes(
    validated: NotesValidated, delivery: CurrentDelivery, store: Annotated[NotesStore, Context()]
) -> NotesStored | None:
    """Store a chunk's checked notes; hold them as pending if the transcript is missing."""
    origin = delivery.origin
    return await store.store_notes(validated, (origin.topic, origin.partition, origin.offset))
