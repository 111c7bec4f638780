"""Writes what came of a chunk's drafts: notes, those that say the same, and refused ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from contracts.events import NotesStored, NotesValidated
from contracts.ids import derive
from contracts.notes import Note
from database.pool import Connection, Record
from database.queries import columns, load_queries
from database.text import without_nul
from grounding import first_same
from persistence.domain import NotYetIngestedError, UnstorableEventError

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "drafts.sql")

Told = dict[UUID, tuple[str, tuple[str, ...]]]
"""What notes of an interview say, by id: the statement, and whose words it cites."""


async def lock_chunk(connection: Connection, event: NotesValidated) -> Record:
    """The draft's chunk, held against other deliveries until the transaction ends.

    Raises:
        NotYetIngestedError: the chunk is not known yet.
        UnstorableEventError: the chunk belongs to another transcript.
    """
    chunk = await connection.fetchrow(_QUERIES.lock_chunk, event.chunk_id)
    if chunk is None:
        raise NotYetIngestedError(f"chunk {event.chunk_id} is not known yet")
    if (chunk["transcript_id"], chunk["revision"]) != (event.transcript_id, event.revision):
        raise UnstorableEventError(
            f"chunk {event.chunk_id} is of another transcript or revision than the event says"
        )
    return chunk


def adds_to(chunk: Record, event: NotesValidated) -> bool:
    """Whether a draft has a place beside what completes the chunk, if anything does yet."""
    return chunk["stored_at"] is None or (not event.final and event.attempt < chunk["attempt"])


async def insert_draft(connection: Connection, event: NotesValidated, study_id: str) -> None:
    """Store a draft with all that belongs to it, unless it is stored already."""
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
            *columns(4, [_note_row(note, first) for note, first in zip(new, firsts, strict=True)]),
            *columns(11, _evidence_rows(new)),
        )
    await connection.execute(
        _QUERIES.insert_labels,
        *columns(2, [(note.note_id, one) for note in event.notes for one in note.themes]),
        *columns(2, [(note.note_id, one) for note in event.notes for one in note.questions]),
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


async def outcome(connection: Connection, event: NotesValidated, study_id: str) -> NotesStored:
    """What is stored for the draft's chunk now."""
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


def _json(value: BaseModel | tuple[BaseModel, ...]) -> str:
    return json.dumps(without_nul(to_jsonable_python(value)), ensure_ascii=False)
