"""Reads what became of the contents that were submitted under an interview's id."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from contracts.events import TranscriptSettled
from control.queries import load_control_queries
from database.pool import Database

_QUERIES: Final = load_control_queries("outcomes.sql")


async def list_transcript_outcomes(
    database: Database, transcript_id: UUID, studies: Collection[str] | None
) -> tuple[TranscriptSettled, ...]:
    """Return the latest outcomes of an interview's submissions; at most 100.

    Args:
        database: where they are.
        transcript_id: the interview.
        studies: without revisions that are stored for other studies than these; None: all.
    """
    allowed = None if studies is None else [*studies]
    rows = await database.fetch(_QUERIES.select_outcomes_for_reader, transcript_id, allowed)
    return tuple(TranscriptSettled.model_validate_json(row["event"]) for row in rows)
