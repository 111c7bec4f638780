"""Writes what came of a chunk's drafts: notes, those that say the same, and refused ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Told:
    """What a note of the interview says: the statement, whose words it cites, and which."""

    statement: str
    speakers: tuple[str, ...]
    quotes: tuple[str, ...]


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
    """Store a draft with all that belongs to it, unless it is stored already.

    A draft that left the chunk open and completes it now was judged again: its notes come beside
    those it has, and what is refused now stands in place of what was refused then.
    """
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
    await connection.execute(_QUERIES.forget_rejected_notes, event.chunk_id, event.attempt)
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


def _told(rows: Iterable[Record]) -> dict[UUID, Told]:
    return {
        row["note_id"]: Told(row["statement"], tuple(row["speakers"]), tuple(row["quotes"]))
        for row in rows
        if row["is_first"]
    }


def _first_same(note: Note, told: dict[UUID, Told]) -> UUID | None:
    """The first note that says the same of the same speakers; a note that has none joins them.

    Where a name is masked, the statement no longer tells of whom it is; the same words cited do.
    """
    new = Told(
        statement=note.statement,
        speakers=tuple(sorted({cited.speaker for cited in note.evidence})),
        quotes=tuple(sorted({cited.quote for cited in note.evidence})),
    )
    hides = _hides(note)
    comparable = {
        key: one.statement
        for key, one in told.items()
        if one.speakers == new.speakers and (not hides or set(one.quotes) == set(new.quotes))
    }
    place = first_same(note.statement, comparable.values())
    if place is not None:
        return list(comparable)[place]
    told[note.note_id] = new
    return None


def _hides(note: Note) -> bool:
    """Whether a statement may have a placeholder where a name was."""
    return "[" in note.statement and any(one.masked_quote is not None for one in note.evidence)


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
