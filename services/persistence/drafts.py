"""Writer of a chunk's drafts: accepted notes and refused ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from contracts.events import NotesStored, NotesValidated, TranscriptIngested
from contracts.ids import derive_id
from contracts.notes import Note
from database.pool import Connection, Record
from database.queries import load_queries, transpose_rows
from database.text import replace_nul
from persistence.domain import UnstorableEventError
from persistence.repeats import InterviewNotesSnapshot

_SQL: Final = Path(__file__).parent / "sql"
_QUERIES: Final = load_queries(_SQL / "drafts.sql", _SQL / "groups.sql")


async def lock_chunk(connection: Connection, event: NotesValidated) -> Record | None:
    """Lock an interview chunk's database row until the transaction ends, and return the row.

    Returns:
        Its row, or None if it is not known.

    Raises:
        UnstorableEventError: the chunk belongs to another transcript.
    """
    chunk = await connection.fetchrow(_QUERIES.lock_chunk, event.chunk_id, event.transcript_id)
    if chunk is None:
        return None
    if (chunk["transcript_id"], chunk["revision"]) != (event.transcript_id, event.revision):
        raise UnstorableEventError(
            f"chunk {event.chunk_id} is of another transcript or revision than the event says"
        )
    return chunk


def may_store_draft(chunk: Record, event: NotesValidated) -> bool:
    """Return whether a draft may be stored: its interview chunk has no earlier or equal attempt."""
    return chunk["stored_at"] is None or (not event.final and event.attempt < chunk["attempt"])


async def insert_draft_rows(
    connection: Connection, event: NotesValidated, study_id: str, snapshot: InterviewNotesSnapshot
) -> bool:
    """Insert a draft's notes and check results into PostgreSQL, if not stored yet.

    A draft that left the chunk open and completes it now was judged again: its notes come beside
    those it has, and what is refused now stands in place of what was refused then.

    Args:
        connection: in a transaction that holds the chunk.
        event: the draft.
        study_id: the study of its interview.
        snapshot: which of its notes are new, and which of those repeat an earlier one.

    Returns:
        Whether its notes are taken; else the time of this interview's notes is over, and the chunk
        is complete without them.
    """
    if snapshot.has_drafts and event.final:
        await connection.execute(_QUERIES.delete_rejected_notes, event.chunk_id, event.attempt)
    takes_notes: bool = await connection.fetchval(
        _QUERIES.insert_draft_rows,
        *_head_row(event),
        event.transcript_id,
        event.revision,
        study_id,
        *transpose_rows(7, _note_rows(snapshot)),
        *transpose_rows(11, _evidence_rows(snapshot.new)),
        *transpose_rows(2, [(note.note_id, one) for note in event.notes for one in note.themes]),
        *transpose_rows(2, [(note.note_id, one) for note in event.notes for one in note.questions]),
        *transpose_rows(3, _rejected_rows(event)),
    )
    return takes_notes


async def insert_first_drafts(
    connection: Connection, drafts: Sequence[tuple[NotesValidated, str, InterviewNotesSnapshot]]
) -> None:
    """Insert the first drafts of several chunks into PostgreSQL, in one statement.

    Args:
        connection: in a transaction that holds the chunks, none of which has a draft.
        drafts: each with the study of its interview, and with what its notes repeat.
    """
    notes = [
        (event.chunk_id, event.attempt, event.transcript_id, event.revision, study_id, place, *row)
        for event, study_id, snapshot in drafts
        for place, row in enumerate(_note_rows(snapshot), start=1)
    ]
    evidence = [
        (event.transcript_id, event.revision, *row)
        for event, _, snapshot in drafts
        for row in _evidence_rows(snapshot.new)
    ]
    every_note = [note for event, _, _ in drafts for note in event.notes]
    rejected = [
        (event.chunk_id, event.attempt, place, *row)
        for event, _, _ in drafts
        for place, row in enumerate(_rejected_rows(event), start=1)
    ]
    await connection.execute(
        _QUERIES.insert_first_drafts,
        *transpose_rows(8, [_head_row(event) for event, _, _ in drafts]),
        *transpose_rows(13, notes),
        *transpose_rows(13, evidence),
        *transpose_rows(2, [(note.note_id, one) for note in every_note for one in note.themes]),
        *transpose_rows(2, [(note.note_id, one) for note in every_note for one in note.questions]),
        *transpose_rows(6, rejected),
    )


def _head_row(event: NotesValidated) -> tuple[Any, ...]:
    """A row of ``drafts``."""
    return (
        event.chunk_id,
        event.attempt,
        event.final,
        event.model,
        event.model_fingerprint,
        event.prompt_version,
        event.usage.input_tokens,
        event.usage.output_tokens,
    )


def _note_rows(snapshot: InterviewNotesSnapshot) -> list[tuple[Any, ...]]:
    assert snapshot.firsts is not None, "what is not compared yet is not stored"
    return [
        (
            note.note_id,
            replace_nul(note.statement),
            _json(note.flags),
            note.standing.value,
            _json(note.vouchers),
            snapshot.firsts.get(note.note_id),
            snapshot.meanings[note.note_id],
        )
        for note in snapshot.new
    ]


def _rejected_rows(event: NotesValidated) -> list[tuple[Any, ...]]:
    return [
        (
            derive_id("rejected", event.chunk_id, event.attempt, position),
            _json(refused.draft),
            _json(refused.failures),
        )
        for position, refused in enumerate(event.rejected, start=1)
    ]


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


async def build_notes_stored(
    connection: Connection, event: NotesValidated, study_id: str
) -> NotesStored:
    """Build the ``NotesStored`` event of the chunk that a draft is about, from the stored rows."""
    (stored,) = await build_all_notes_stored(connection, [event.chunk_id], event, study_id)
    return stored


def build_notes_stored_for_first_draft(
    event: NotesValidated, study_id: str, snapshot: InterviewNotesSnapshot
) -> NotesStored:
    """Build the ``NotesStored`` event of an interview chunk's first draft, without a query."""
    return NotesStored(
        transcript_id=event.transcript_id,
        revision=event.revision,
        study_id=study_id,
        chunk_id=event.chunk_id,
        note_ids=tuple(note.note_id for note in snapshot.new),
        rejected_count=len(event.rejected),
        complete=event.final,
    )


async def build_all_notes_stored(
    connection: Connection,
    chunk_ids: Sequence[UUID],
    event: NotesValidated | TranscriptIngested,
    study_id: str,
) -> list[NotesStored]:
    """Build the ``NotesStored`` events of several chunks from the stored rows.

    Args:
        connection: any.
        chunk_ids: the chunks.
        event: names the interview.
        study_id: its study.
    """
    rows = await connection.fetch(_QUERIES.select_all_notes_stored, list(chunk_ids))
    return [_build_from_row(row, event, study_id) for row in rows]


async def build_each_notes_stored(
    connection: Connection, drafts: Sequence[tuple[NotesValidated, str]]
) -> list[NotesStored]:
    """Build the ``NotesStored`` events of chunks of several interviews from the stored rows.

    Args:
        connection: any.
        drafts: one of each chunk, with the study of its interview.
    """
    if not drafts:
        return []
    chunk_ids = [event.chunk_id for event, _ in drafts]
    rows = await connection.fetch(_QUERIES.select_all_notes_stored, chunk_ids)
    return [_build_from_row(row, *draft) for row, draft in zip(rows, drafts, strict=True)]


def _build_from_row(
    row: Record, event: NotesValidated | TranscriptIngested, study_id: str
) -> NotesStored:
    return NotesStored(
        transcript_id=event.transcript_id,
        revision=event.revision,
        study_id=study_id,
        chunk_id=row["chunk_id"],
        note_ids=tuple(row["note_ids"]),
        rejected_count=row["rejected_count"],
        complete=row["complete"],
    )


def _json(value: BaseModel | tuple[BaseModel, ...]) -> str:
    if value == ():
        return "[]"
    return json.dumps(replace_nul(to_jsonable_python(value)), ensure_ascii=False)
