"""Storing drafts whose interview is there."""

from __future__ import annotations

from contracts.events import NotesStored, NotesValidated
from persistence.store import NotesStore


async def stored_notes(store: NotesStore, event: NotesValidated) -> NotesStored:
    """What is stored for the draft's chunk; the draft may not have to wait for its interview."""
    stored = await store.store_notes(event)
    assert stored is not None, "the draft is kept until its interview comes"
    return stored
