"""Interviews and validated notes in; news of what is stored out."""

from __future__ import annotations

from contracts.events import Event, NotesStored, NotesValidated, TranscriptIngested
from contracts.topics import NOTES_VALIDATED, PERSISTENCE, TRANSCRIPTS_INGESTED
from messaging import Delivery, Stage
from persistence.store import NotesStore


def persistence_stage(store: NotesStore) -> Stage:
    """The stage that stores."""
    stage = Stage(PERSISTENCE)

    @stage.on(TRANSCRIPTS_INGESTED)
    async def store_transcript(ingested: TranscriptIngested) -> tuple[Event, ...]:
        return await store.store_transcript(ingested)

    @stage.on(NOTES_VALIDATED)
    async def store_notes(validated: NotesValidated, delivery: Delivery) -> NotesStored | None:
        origin = delivery.origin
        return await store.store_notes(validated, (origin.topic, origin.partition, origin.offset))

    return stage
