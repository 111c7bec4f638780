"""Kafka handlers of enrichment: chunks in, drafts out; a refused draft comes back once."""

from __future__ import annotations

from typing import Annotated

from faststream import Context

from contracts.events import ChunkReady, Event, NotesDrafted, NotesRejected
from contracts.topics import CHUNKS_READY, NOTES_DRAFTED, NOTES_REJECTED
from database.erasures import ErasedTranscripts
from enrichment.drafter import NoteDrafter
from messaging import DISCARDED, CurrentDelivery, KafkaRouter

router = KafkaRouter()


@router.subscriber(CHUNKS_READY)
@router.publisher(NOTES_DRAFTED)
async def draft_notes(
    chunk: ChunkReady,
    delivery: CurrentDelivery,
    drafter: Annotated[NoteDrafter, Context()],
    erased: Annotated[ErasedTranscripts, Context()],
) -> NotesDrafted | tuple[Event, ...]:
    """Ask the model for notes on an interview chunk; return them as a ``NotesDrafted`` event.

    Nothing for an interview that was erased: no model reads it any more.
    """
    if await erased.contains(chunk.transcript_id):
        return DISCARDED
    return await drafter.draft(
        chunk,
        attempt=1,
        deadline=delivery.deadline,
        is_replay=delivery.replays > 0,
        overrides=delivery.overrides,
    )


@router.subscriber(NOTES_REJECTED)
@router.publisher(NOTES_DRAFTED)
async def redraft_notes(
    refused: NotesRejected,
    delivery: CurrentDelivery,
    drafter: Annotated[NoteDrafter, Context()],
    erased: Annotated[ErasedTranscripts, Context()],
) -> NotesDrafted | tuple[Event, ...]:
    """Ask the model for notes on a chunk again, giving the reasons for its draft's rejection.

    Nothing for an interview that was erased.
    """
    if await erased.contains(refused.chunk.transcript_id):
        return DISCARDED
    return await drafter.draft(
        refused.chunk,
        attempt=refused.attempt + 1,
        feedback=refused.feedback,
        deadline=delivery.deadline,
        is_replay=delivery.replays > 0,
        overrides=delivery.overrides,
    )
