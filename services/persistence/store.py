"""Stores transcripts and notes in PostgreSQL: each once, however often its event arrives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg

from contracts.events import NotesStored, NotesValidated, TranscriptIngested
from database.pool import Connection, Database
from database.queries import columns, load_queries
from persistence.domain import (
    RevisionConflictError,
    UngroundedWriteError,
    UnstorableEventError,
)
from persistence.drafts import adds_to, insert_draft, lock_chunk, outcome

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "store.sql")

GROUNDING_CONSTRAINTS: Final = frozenset(
    {"evidence_is_exact", "evidence_cites_a_segment", "note_has_evidence"}
)
"""Constraints of the migrations by which PostgreSQL refuses ungrounded notes."""

REFUSALS: Final = (
    asyncpg.CheckViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.NotNullViolationError,
    asyncpg.DataError,
)
"""PostgreSQL's errors about values it does not take: no retry can help."""


class NotesStore:
    """Transcripts and notes in PostgreSQL.

    Both methods are idempotent, and safe when the same event is handled twice at once. They raise
    as ``Database`` does when PostgreSQL is down or another transaction is in the way.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store_transcript(self, event: TranscriptIngested) -> None:
        """Store a transcript's segments and the list of its chunks.

        Raises:
            RevisionConflictError: the revision is stored with other content.
            UnstorableEventError: PostgreSQL cannot hold it, such as a text with U+0000.
        """
        with _refusals_named(f"transcript {event.transcript_id} revision {event.revision}"):
            async with self._database.transaction() as connection:
                if await _take_revision(connection, event):
                    await _insert_segments(connection, event)
                    await connection.execute(
                        _QUERIES.insert_speakers, event.transcript_id, event.revision
                    )
                    await _insert_chunks(connection, event)

    async def store_notes(self, event: NotesValidated) -> NotesStored:
        """Store what came of a chunk's draft: notes, and the refused ones with their reasons.

        The first final draft completes the chunk; another one that arrives later changes nothing.
        A draft that leaves the chunk open is stored even if it is late; a replay of it may complete
        the chunk, if it is judged by other standards then. A note that says what a
        note of the interview says already is stored as the same as that one.

        Returns:
            What is stored for the chunk now, by this event or by an earlier one.

        Raises:
            NotYetIngestedError: the chunk is not known yet.
            UngroundedWriteError: a quote or a speaker is not the stored transcript's.
            UnstorableEventError: the chunk belongs to another transcript, or PostgreSQL cannot
                hold a value.
        """
        with _refusals_named(f"chunk {event.chunk_id}"):
            async with self._database.transaction() as connection:
                chunk = await lock_chunk(connection, event)
                if adds_to(chunk, event):
                    await insert_draft(connection, event, chunk["study_id"])
                return await outcome(connection, event, chunk["study_id"])


@contextmanager
def _refusals_named(what: str) -> Iterator[None]:
    """Name PostgreSQL's refusals; messages carry ids and constraints, never values."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if not _is_refusal(error):
            raise
        constraint = getattr(error, "constraint_name", None)
        if constraint in GROUNDING_CONSTRAINTS:
            raise UngroundedWriteError(
                f"PostgreSQL refused the notes of {what}: {constraint} does not hold"
            ) from error
        reason = f"constraint {constraint}" if constraint else type(error).__name__
        raise UnstorableEventError(f"PostgreSQL cannot store {what}: {reason}") from error


def _is_refusal(error: Exception) -> bool:
    # The driver's own check of ranges is an InterfaceError that is a ValueError too.
    refused_by_driver = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return refused_by_driver or isinstance(error, REFUSALS)


async def _take_revision(connection: Connection, event: TranscriptIngested) -> bool:
    """Whether the revision is new; waits for another delivery that is just storing it."""
    taken = await connection.fetchval(
        _QUERIES.insert_transcript,
        event.transcript_id,
        event.revision,
        event.study.study_id,
        event.title,
        event.format.value,
        event.content_sha256,
        event.study.model_dump_json(),
        event.recorded_at,
        len(event.segments),
        len(event.chunks),
    )
    if taken is not None:
        return True
    stored = await connection.fetchval(
        _QUERIES.select_content_sha256, event.transcript_id, event.revision
    )
    if stored != event.content_sha256:
        raise RevisionConflictError(
            f"revision {event.revision} of transcript {event.transcript_id} is stored with other "
            "content: submit the changed interview as a new revision"
        )
    return False


async def _insert_segments(connection: Connection, event: TranscriptIngested) -> None:
    rows = [
        (turn.number, turn.speaker, turn.role.value, turn.text, turn.start_ms, turn.end_ms)
        for turn in event.segments
    ]
    await connection.execute(
        _QUERIES.insert_segments, event.transcript_id, event.revision, *columns(6, rows)
    )


async def _insert_chunks(connection: Connection, event: TranscriptIngested) -> None:
    rows = [
        (chunk.chunk_id, chunk.index, chunk.first_segment, chunk.last_segment)
        for chunk in event.chunks
    ]
    await connection.execute(
        _QUERIES.insert_chunks, event.transcript_id, event.revision, *columns(4, rows)
    )
