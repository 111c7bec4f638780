"""Endpoints of how long dead letters are kept, and of the index that is brought up to date."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from pydantic import TypeAdapter

from contracts.control_api import ColumnText, Offset, Partition
from contracts.letter_retention import LetterRetention, ReindexRequest, ReindexResult
from contracts.pages import PageRequest
from control.api.authorization import Operator
from control.api.context import Context, HeavyPlace
from control.api.json_bodies import JsonBody
from control.api.pagination import ListCursors
from control.letters.reindexing import DlqPosition, reindex_dlqs
from control.letters.retention import LetterRetentionReader

router: Final = APIRouter(prefix="/letters", tags=["dead letters"])

_CURSORS: Final = ListCursors("reindex", TypeAdapter(tuple[ColumnText, Partition, Offset]))


@router.get("/retention")
async def read_retention(context: Context, caller: Operator, place: HeavyPlace) -> LetterRetention:
    """Return when open dead letters expire, by cause, and how full the DLQs are."""
    del caller, place
    kafka, periods = context.reader.kafka, context.retention
    return await LetterRetentionReader(context.database, kafka, periods).read()


@router.post("/reindex")
async def reindex_letters(
    context: Context,
    caller: Operator,
    place: HeavyPlace,
    wanted: JsonBody[ReindexRequest | None] = None,
) -> ReindexResult:
    """Read DLQs again into the index for a few seconds; `next` in the answer continues.

    The index has every letter then that they have. Letters that were gone from their DLQ, and are
    there again, are open again; all others stay what they are.
    """
    del place
    request = PageRequest(cursor=wanted.cursor if wanted else None)
    position = _CURSORS.decode(request)
    if position is None:
        await context.trail.record(caller, "letters.reindex", "")
    found = await reindex_dlqs(
        context.store, context.reader.kafka, begin=position and DlqPosition(*position)
    )
    cursor = _CURSORS.encode(found.next, request)
    return ReindexResult(read=found.read, new=found.new, next=cursor)
