"""Storage of drafts whose interview has not arrived yet.

A draft is kept under a shared advisory lock of its interview, and an interview is stored under the
exclusive one. So a transaction that keeps a draft has seen that the interview is missing, and one
that stores an interview sees every draft that was kept::

    draft first                         interview first
    shared lock                         exclusive lock
    interview missing -> keep draft     store interview
    commit, unlock                      commit, unlock, then join the kept drafts

Without the locks, both could commit without having seen each other, and the draft would wait for
ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.events import NotesValidated, TranscriptIngested
from database.pool import Connection, Database, Record
from database.queries import load_queries, transpose_rows
from persistence.domain import RevisionConflictError, UnstorableEventError
from persistence.drafts import lock_chunk
from persistence.locks import derive_advisory_lock_key

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "pending.sql")
_ARRIVAL: Final = "arrival"


def derive_arrival_lock_key(event: NotesValidated | TranscriptIngested) -> int:
    """Derive the key of the advisory lock under which an event's interview is stored."""
    return derive_advisory_lock_key(_ARRIVAL, event.transcript_id, event.revision)


async def lock_interview(connection: Connection, event: TranscriptIngested) -> None:
    """Lock an interview until the transaction ends, so that no pending drafts are added."""
    await connection.execute(_QUERIES.lock_interview, derive_arrival_lock_key(event))


MessageOrigin = tuple[str, int, int]
"""Topic (without prefix), partition and offset where a message was first read."""

NO_ORIGIN: Final[MessageOrigin] = ("", 0, -1)
"""Origin of a draft that comes from no topic."""


async def insert_pending_draft(
    connection: Connection, event: NotesValidated, origin: MessageOrigin
) -> Record | None:
    """Store a draft as pending until its interview's transcript is stored.

    Args:
        connection: in a transaction; the draft is kept when it commits.
        event: the draft.
        origin: where its message is.

    Returns:
        The chunk, if its interview was stored just now: then nothing is kept. Nor is anything of
        an interview that was erased.

    Raises:
        RevisionConflictError: the interview is stored, without this chunk.
        UnstorableEventError: a draft that names another interview is kept under the same chunk.
    """
    interview = (event.transcript_id, event.revision)
    await connection.execute(_QUERIES.lock_arrival, derive_arrival_lock_key(event))
    # The event is text and not jsonb, which cannot hold a U+0000 of the model's.
    kept = await connection.fetchrow(
        _QUERIES.insert_pending_draft,
        *_identity(event),
        *interview,
        event.model_dump_json(),
        *origin,
    )
    if kept is not None:
        if tuple(kept) != interview:
            raise UnstorableEventError(
                f"a draft that waits says that chunk {event.chunk_id} is of another interview, "
                f"revision {kept['revision']} of transcript {kept['transcript_id']}: find out "
                "which of the two is right, then replay it"
            )
        return None
    if (chunk := await lock_chunk(connection, event)) is not None:
        return chunk
    if not await connection.fetchval(_QUERIES.is_stored, *interview):
        return None  # it was erased, and PostgreSQL takes no row of it
    raise RevisionConflictError(
        f"revision {event.revision} of transcript {event.transcript_id} is stored with other "
        f"content, which has no chunk {event.chunk_id}"
    )


async def insert_pending_drafts(
    connection: Connection, drafts: Sequence[tuple[NotesValidated, MessageOrigin]]
) -> list[bool]:
    """Store drafts as pending, as ``insert_pending_draft`` does.

    Args:
        connection: in a transaction that holds the shared locks of the interviews' arrivals.
        drafts: with where their messages are; no two of the same chunk, attempt and finality.

    Returns:
        Whether each is kept, now or since earlier. One that is not kept is to be looked at alone.
    """
    if not drafts:
        return []
    # In the same order in all transactions, so that no two deadlock.
    rows = sorted(
        (*_identity(event), event.transcript_id, event.revision, event.model_dump_json(), *origin)
        for event, origin in drafts
    )
    kept = await connection.fetch(_QUERIES.insert_pending_drafts, *transpose_rows(9, rows))
    known = {tuple(row) for row in kept}
    return [
        (*_identity(event), event.transcript_id, event.revision) in known for event, _ in drafts
    ]


async def delete_pending_draft(connection: Connection | Database, event: NotesValidated) -> None:
    """Delete a draft from the table of pending drafts."""
    await connection.execute(_QUERIES.delete_pending, *_identity(event))


async def delete_failed_draft(
    database: Database, event: NotesValidated, origin: MessageOrigin
) -> None:
    """Delete a pending draft whose message becomes a dead letter.

    Another event of the same chunk, attempt and finality leaves it alone: the message of the kept
    draft was committed when it was kept, so that nothing else has it.

    Args:
        database: where it is kept.
        event: what cannot be stored.
        origin: where its message was read first. The kept draft is the same if it has this origin,
            or if it is equal: one that was sent back is read from another place.
    """
    kept = await database.fetchrow(_QUERIES.select_pending_draft, *_identity(event))
    if kept is None:
        return
    text, *kept_at = kept
    has_place = origin != NO_ORIGIN and tuple(kept_at) == origin
    if has_place or NotesValidated.model_validate_json(text) == event:
        await database.execute(_QUERIES.delete_pending_event, *_identity(event), text)


async def select_pending_drafts(database: Database, event: TranscriptIngested) -> list[Record]:
    """Select the keys of an interview's pending drafts from PostgreSQL."""
    return list(await database.fetch(_QUERIES.select_pending, event.transcript_id, event.revision))


async def select_pending_draft(
    database: Database, row: Record
) -> tuple[NotesValidated, MessageOrigin] | None:
    """Select a pending draft by its key; None if it is no longer pending."""
    kept = await database.fetchrow(_QUERIES.select_pending_draft, *row)
    if kept is None:
        return None
    event, *origin = kept
    return NotesValidated.model_validate_json(event), (origin[0], origin[1], origin[2])


async def select_chunks_stored_from_pending_drafts(
    connection: Connection, event: TranscriptIngested
) -> list[UUID]:
    """Select those chunks of an interview whose stored notes came from pending drafts."""
    rows = await connection.fetch(
        _QUERIES.select_chunks_from_pending_drafts, event.transcript_id, event.revision
    )
    return [row["chunk_id"] for row in rows]


def _identity(event: NotesValidated) -> tuple[UUID, int, bool]:
    return event.chunk_id, event.attempt, event.final
