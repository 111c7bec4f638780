"""Drafts in; validated notes, or a request for another draft, out."""

from __future__ import annotations

from asyncio import to_thread

from contracts.events import NotesDrafted, NotesRejected, NotesValidated
from contracts.topics import GUARDRAIL, NOTES_DRAFTED
from guardrail.domain import examine
from messaging import Delivery, Stage


def guardrail_stage(*, max_rejected_share: float) -> Stage:
    """The stage that judges drafts."""
    stage = Stage(GUARDRAIL)

    @stage.on(NOTES_DRAFTED)
    async def judge_draft(
        drafted: NotesDrafted, delivery: Delivery
    ) -> NotesValidated | NotesRejected:
        return await to_thread(
            examine, drafted, max_rejected_share=max_rejected_share, replays=delivery.replays
        )

    return stage
