"""Stores transcripts and notes in PostgreSQL: each once, however often its event arrives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from contracts.events import NotesStored, NotesValidated, TranscriptIngested
from contracts.ids import derive
from contracts.notes import Note
from database.pool import Connection, Database, Record
from database.queries import load_queries
from database.text import without_nul
from grounding import first_same
from persistence.domain import (
    NotYetIngestedError,
    RevisionConflictError,
    UngroundedWriteError,
    UnstorableEventError,
)

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "store.sql")

Told = dict[UUID, tuple[str, tuple[str, ...]]]
"""What notes of an interview say, by id: the statement, and whose words it cites."""

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
                    await _insert_chunks(connection, event)

    async def store_notes(self, event: NotesValidated) -> NotesStored:
        """Store what came of a chunk's draft: notes, and the refused ones with their reasons.

        The first final draft completes the chunk; another one that arrives later changes nothing.
        A draft that leaves the chunk open is stored even if it is late. A note that says what a
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
                chunk = await _lock_chunk(connection, event)
                if _adds_to(chunk, event):
                    await _insert_draft(connection, event, chunk["study_id"])
                return await _outcome(connection, event, chunk["study_id"])


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
        _QUERIES.insert_segments, event.transcript_id, event.revision, *_columns(6, rows)
    )


async def _insert_chunks(connection: Connection, event: TranscriptIngested) -> None:
    rows = [
        (chunk.chunk_id, chunk.index, chunk.first_segment, chunk.last_segment)
        for chunk in event.chunks
    ]
    await connection.execute(
        _QUERIES.insert_chunks, event.transcript_id, event.revision, *_columns(4, rows)
    )


async def _lock_chunk(connection: Connection, event: NotesValidated) -> Record:
    chunk = await connection.fetchrow(_QUERIES.lock_chunk, event.chunk_id)
    if chunk is None:
        raise NotYetIngestedError(f"chunk {event.chunk_id} is not known yet")
    if (chunk["transcript_id"], chunk["revision"]) != (event.transcript_id, event.revision):
        raise UnstorableEventError(
            f"chunk {event.chunk_id} is of another transcript or revision than the event says"
        )
    return chunk


def _adds_to(chunk: Record, event: NotesValidated) -> bool:
    """Whether a draft has a place beside what completes the chunk, if anything does yet."""
    return chunk["stored_at"] is None or (not event.final and event.attempt < chunk["attempt"])


async def _insert_draft(connection: Connection, event: NotesValidated, study_id: str) -> None:
    taken = await connection.fetchval(
        _QUERIES.insert_draft,
        event.chunk_id,
        event.attempt,
        event.final,
        event.model,
        event.model_fingerprint,
        event.prompt_version,
        event.usage.input_tokens,
        event.usage.output_tokens,
    )
    if taken is None:
        return
    if event.notes:
        await _insert_notes(connection, event, study_id)
    if event.rejected:
        await _insert_rejected(connection, event)
    if event.final:
        await connection.execute(_QUERIES.complete_chunk, event.chunk_id, event.attempt)


async def _insert_notes(connection: Connection, event: NotesValidated, study_id: str) -> None:
    rows = await connection.fetch(_QUERIES.select_told, event.transcript_id, event.revision)
    known = {row["note_id"] for row in rows}
    # A model may say the same twice; the id tells that it is one note.
    drafted = {note.note_id: note for note in event.notes}
    new = [note for key, note in drafted.items() if key not in known]
    if new:
        told = _told(rows)
        firsts = [_first_same(note, told) for note in new]
        await connection.execute(
            _QUERIES.insert_notes,
            event.chunk_id,
            event.transcript_id,
            event.revision,
            study_id,
            event.attempt,
            *_columns(4, [_note_row(note, first) for note, first in zip(new, firsts, strict=True)]),
            *_columns(11, _evidence_rows(new)),
        )
    await connection.execute(
        _QUERIES.insert_labels,
        *_columns(2, [(note.note_id, one) for note in event.notes for one in note.themes]),
        *_columns(2, [(note.note_id, one) for note in event.notes for one in note.questions]),
    )


def _told(rows: Iterable[Record]) -> Told:
    firsts = (row for row in rows if row["is_first"])
    return {row["note_id"]: (row["statement"], tuple(row["speakers"])) for row in firsts}


def _first_same(note: Note, told: Told) -> UUID | None:
    """The first note that says the same of the same speakers; a note that has none joins them."""
    speakers = tuple(sorted({cited.speaker for cited in note.evidence}))
    same_speakers = {key: words for key, (words, those) in told.items() if those == speakers}
    place = first_same(note.statement, same_speakers.values())
    if place is not None:
        return list(same_speakers)[place]
    told[note.note_id] = (note.statement, speakers)
    return None


def _note_row(note: Note, first: UUID | None) -> tuple[Any, ...]:
    return note.note_id, without_nul(note.statement), _json(note.flags), first


async def _insert_rejected(connection: Connection, event: NotesValidated) -> None:
    await connection.execute(
        _QUERIES.insert_rejected_notes,
        event.chunk_id,
        event.attempt,
        [
            derive("rejected", event.chunk_id, event.attempt, position)
            for position in range(1, len(event.rejected) + 1)
        ],
        [_json(refused.draft) for refused in event.rejected],
        [_json(refused.failures) for refused in event.rejected],
    )


def _evidence_rows(notes: Iterable[Note]) -> list[tuple[Any, ...]]:
    return [
        (
            note.note_id,
            position,
            cited.segment,
            cited.start,
            cited.length,
            cited.quote,
            cited.masked_quote,
            cited.speaker,
            cited.role.value,
            cited.start_ms,
            cited.end_ms,
        )
        for note in notes
        for position, cited in enumerate(note.evidence, start=1)
    ]


async def _outcome(connection: Connection, event: NotesValidated, study_id: str) -> NotesStored:
    stored = await connection.fetchrow(_QUERIES.select_outcome, event.chunk_id)
    assert stored is not None, "the query has no FROM, so it always gives one row"
    return NotesStored(
        transcript_id=event.transcript_id,
        revision=event.revision,
        study_id=study_id,
        chunk_id=event.chunk_id,
        note_ids=tuple(stored["note_ids"]),
        rejected_count=stored["rejected_count"],
        complete=stored["complete"],
    )


def _columns(width: int, rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Turn rows into one list a column, as ``unnest`` takes them."""
    return [[row[column] for row in rows] for column in range(width)]


def _json(value: BaseModel | tuple[BaseModel, ...]) -> str:
    return json.dumps(without_nul(to_jsonable_python(value)), ensure_ascii=False)
