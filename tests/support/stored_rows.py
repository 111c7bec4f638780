"""What is stored of interviews, apart from times and the order of arrival; deliveries of events."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from contracts.errors import OutageError, RetryableError
from contracts.events import Event, NotesValidated, TranscriptIngested
from database.pool import Database
from persistence.store import NotesStore

Delivery = Callable[[NotesStore], Awaitable[object]]

_TABLES: Final = {
    "transcripts": "to_jsonb(one) - 'ingested_at' - 'withdrawn_at'"
    " || jsonb_build_object('is_withdrawn', withdrawn_at IS NOT NULL)",
    "segments": "to_jsonb(one)",
    "speakers": "to_jsonb(one)",
    "reading_reports": "to_jsonb(one)",
    "chunks": "to_jsonb(one) - 'stored_at' || jsonb_build_object('stored', stored_at IS NOT NULL)",
    "drafts": "to_jsonb(one) - 'stored_at' - 'waited'",
    "notes": "to_jsonb(one) - 'created_at' - 'same_as'",
    "evidence": "to_jsonb(one)",
    "note_themes": "to_jsonb(one)",
    "note_questions": "to_jsonb(one)",
    "rejected_notes": "to_jsonb(one)",
    "pending_drafts": "to_jsonb(one) - 'received_at'",
    "current_transcripts": "jsonb_build_array(transcript_id, revision)",
    "withdrawn_revisions": "jsonb_build_array(transcript_id, revision)",
    "erased_transcripts": "jsonb_build_array(transcript_id)",
}
CLEARED: Final = (
    "TRUNCATE transcripts, pending_drafts, refreshes, corrections, withdrawn_revisions,"
    " transcript_owners, erasures, settlement_checks, search_documents CASCADE"
)
"""Empties a database for the next round."""


async def read_rows(database: Database) -> dict[str, list[Any]]:
    """Return all rows by table; of notes that say the same, which, and not which came first."""
    found: dict[str, list[Any]] = {}
    for table, columns in _TABLES.items():
        rows = await database.fetch(f"SELECT ({columns})::text AS row FROM {table} AS one")
        found[table] = sorted(row["row"] for row in rows)
    groups = defaultdict(list)
    for row in await database.fetch(
        "SELECT note_id, coalesce(same_as, note_id) AS first FROM notes ORDER BY note_id"
    ):
        groups[row["first"]].append(str(row["note_id"]))
    found["the same"] = sorted(json.dumps(group) for group in groups.values())
    return found


def deliver(event: Event) -> Delivery:
    """A delivery of an event, as a handler of persistence stores it."""

    async def store(store: NotesStore) -> object:
        if isinstance(event, TranscriptIngested):
            return await store.store_transcript(event)
        assert isinstance(event, NotesValidated)
        return await store.store_notes(event)

    return store


async def handle_all(
    stores: Sequence[NotesStore], deliveries: Iterable[Delivery], at_once: int = 6
) -> list[Exception]:
    """Handle deliveries as replicas do: several at once each, again where that may help.

    Returns:
        What was retried.
    """
    waiting = iter(deliveries)
    retried: list[Exception] = []

    async def handle(store: NotesStore) -> None:
        for delivery in waiting:  # shared: each goes to one task
            while True:
                try:
                    await delivery(store)
                    break
                except (RetryableError, OutageError) as error:
                    retried.append(error)
                    await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as tasks:
        for store in stores:
            for _ in range(at_once):
                tasks.create_task(handle(store))
    return retried
