"""Endpoint of a dead letter's history: its calls, its spend, and the letters it belongs with."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from contracts.letter_history import LetterHistory, RefusedDraft
from control.access.rights import Right
from control.api.authorization import Operator
from control.api.context import Context
from control.api.dead_letters import LetterId
from control.api.openapi import build_error_responses
from control.letters.history import LetterHistoryReader, find_chunk_id
from read_model.queries import ReadModelQueries

router: Final = APIRouter(prefix="/letters", tags=["dead letters"])


@router.get("/{letter_id}/history", responses=build_error_responses(404, 422))
async def read_letter_history(
    letter_id: LetterId, context: Context, caller: Operator
) -> LetterHistory:
    """Return a dead letter's history: model calls, costs, related letters and rejected notes.

    The notes that the checks refused are there for callers who may read evidence.
    """
    letter = await context.store.letter(letter_id)
    history = await LetterHistoryReader(context.database).read(letter)
    if not caller.may(Right.READ_EVIDENCE):
        return history
    await context.trail.record(caller, "letter.read", str(letter.letter_id))
    refused: tuple[RefusedDraft, ...] = ()
    if (chunk_id := find_chunk_id(letter)) is not None:
        found = await ReadModelQueries(context.database).refused_of_chunk(chunk_id)
        refused = tuple(RefusedDraft(attempt=attempt, note=note) for attempt, note in found)
    return history.model_copy(update={"refused": refused})
