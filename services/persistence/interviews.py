"""Rows of an interview's revision in PostgreSQL, apart from its notes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import asyncpg

from contracts.events import TranscriptIngested
from contracts.transcript import encode_word_times
from database.pool import Connection
from database.queries import load_queries, transpose_rows
from persistence.domain import RevisionConflictError, UnstorableEventError

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "interviews.sql")


async def take_revision(connection: Connection, event: TranscriptIngested) -> bool | None:
    """Insert the revision and return whether it is new; wait for a delivery that is storing it.

    None if the interview was erased: then PostgreSQL takes no row of it (migration 0059).
    """
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
    if stored is None:
        return None
    if stored != event.content_sha256:
        raise RevisionConflictError(
            f"revision {event.revision} of transcript {event.transcript_id} is stored with other "
            "content: submit the changed interview as a new revision"
        )
    return False


async def insert_interview(connection: Connection, event: TranscriptIngested) -> None:
    """Insert what a new revision consists of.

    Raises:
        UnstorableEventError: a key is taken. The revision is locked, so no other delivery of it
            is in the way: the event has the key twice, or it is another interview's for good.
    """
    try:
        await _insert_segments(connection, event)
        await connection.execute(_QUERIES.insert_speakers, event.transcript_id, event.revision)
        await _insert_chunks(connection, event)
        if event.reading_report is not None:
            await connection.execute(
                _QUERIES.insert_reading_report,
                event.transcript_id,
                event.revision,
                event.reading_report.model_dump_json(),
            )
    except asyncpg.UniqueViolationError as error:
        raise UnstorableEventError(
            f"PostgreSQL cannot store {name_interview(event)}: constraint "
            f"{error.constraint_name} does not hold"
        ) from error


def name_interview(event: TranscriptIngested) -> str:
    """Name an interview's revision for people."""
    return f"transcript {event.transcript_id} revision {event.revision}"


async def _insert_segments(connection: Connection, event: TranscriptIngested) -> None:
    rows = [
        (
            *(turn.number, turn.speaker, turn.role.value, turn.text, turn.start_ms, turn.end_ms),
            encode_word_times(turn.words),
        )
        for turn in event.segments
    ]
    await connection.execute(
        _QUERIES.insert_segments, event.transcript_id, event.revision, *transpose_rows(7, rows)
    )


async def _insert_chunks(connection: Connection, event: TranscriptIngested) -> None:
    rows = [
        (chunk.chunk_id, chunk.index, chunk.first_segment, chunk.last_segment)
        for chunk in event.chunks
    ]
    await connection.execute(
        _QUERIES.insert_chunks, event.transcript_id, event.revision, *transpose_rows(4, rows)
    )
