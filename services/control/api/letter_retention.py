"""Endpoint of how long dead letters are kept."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from contracts.letter_retention import LetterRetention
from control.api.authorization import Operator
from control.api.context import Context, HeavyPlace
from control.retention import LetterRetentionStore

router: Final = APIRouter(prefix="/letters", tags=["dead letters"])


@router.get("/retention")
async def read_retention(context: Context, caller: Operator, place: HeavyPlace) -> LetterRetention:
    """Return which open dead letters expire when, by cause, and how full the DLQs are."""
    del caller, place
    kafka, periods = context.reader.kafka, context.retention
    return await LetterRetentionStore(context.database, kafka, periods).read()
