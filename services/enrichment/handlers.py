"""Chunks in, drafts out; refused drafts come back once with the reasons."""

from __future__ import annotations

from contracts.events import ChunkReady, NotesDrafted, NotesRejected
from contracts.topics import CHUNKS_READY, ENRICHMENT, NOTES_REJECTED
from enrichment.drafter import Drafter
from messaging import Delivery, Stage


def enrichment_stage(drafter: Drafter) -> Stage:
    """The stage that asks the model."""
    stage = Stage(ENRICHMENT)

    @stage.on(CHUNKS_READY)
    async def draft_notes(chunk: ChunkReady, delivery: Delivery) -> NotesDrafted:
        return await drafter.draft(
            chunk, attempt=1, deadline=delivery.deadline, is_replay=delivery.replays > 0
        )

    @stage.on(NOTES_REJECTED)
    async def draft_again(refused: NotesRejected, delivery: Delivery) -> NotesDrafted:
        return await drafter.draft(
            refused.chunk,
            attempt=refused.attempt + 1,
            feedback=refused.feedback,
            deadline=delivery.deadline,
            is_replay=delivery.replays > 0,
        )

    return stage
