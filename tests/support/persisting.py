"""Storing of drafts whose transcript is stored already."""

from __future__ import annotations

from contracts.events import NotesStored, NotesValidated
from persistence.store import NotesStore


async def stored_notes(store: NotesStore, event: NotesValidated) -> NotesStored:
    """Store a draft and return what is stored for its chunk; fail if the draft has to wait."""
    stored = await store.store_notes(event)
    assert stored is not None, "the draft is kept until its interview comes"
    return stored
