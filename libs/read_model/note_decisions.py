"""Reads what people decided about notes, and what became of it in later revisions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from contracts.note_decisions import (
    DecidedNoteStatus,
    DecidedNoteSummary,
    NoteDecision,
    NoteDecisionKind,
    NoteDecisions,
)
from database.pool import Database, Record
from database.queries import load_queries

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "note_decisions.sql")


class DecidedNotePosition(NamedTuple):
    """Position of a note in a study's list of those that were decided about, for pagination."""

    decided_at: datetime
    origin_id: UUID


class NoteDecisionQueries:
    """Queries on people's decisions about notes.

    Args:
        database: what is read; its login is an evidence reader.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decisions(self, note_id: UUID) -> NoteDecisions | None:
        """All decisions about a note, by its id or that of the note decided about first.

        Returns:
            None if there is no decision about it.
        """
        row = await self._database.fetchrow(_QUERIES.select_decided_note, note_id)
        if row is None:
            return None
        left_out = {"shows_statements", "state"}
        fields = {name: value for name, value in row.items() if name not in left_out}
        etag = build_decisions_etag(row["version"], row["state"])
        found = await self._database.fetch(_QUERIES.select_decisions, row["origin_id"])
        decisions = tuple(_build_decision(one, shown=row["shows_statements"]) for one in found)
        return NoteDecisions(**fields, etag=etag, decisions=decisions)

    async def state(self, note_id: UUID) -> str | None:
        """Hash of what a note says, in which revision and where its quotes stand; None: no note."""
        found: str | None = await self._database.fetchval(_QUERIES.select_note_state, note_id)
        return found

    async def page(
        self,
        study_id: str,
        status: DecidedNoteStatus | None,
        *,
        limit: int,
        after: DecidedNotePosition | None = None,
    ) -> list[DecidedNoteSummary]:
        """Notes of a study that people decided about, the latest decision first.

        Args:
            study_id: the study.
            status: only of this one; None: of all.
            limit: at most so many.
            after: only those behind this position; from the beginning if None.
        """
        position = after or (None, None)
        rows = await self._database.fetch(
            _QUERIES.select_decided_notes_page, study_id, status, *position, limit
        )
        return [DecidedNoteSummary(**row) for row in rows]


def build_decisions_etag(version: int, state: str | None) -> str:
    """Build the entity tag of the decisions about a note and of what it says.

    Args:
        version: number of the latest decision.
        state: hash of what the note says; None: it is not shown.
    """
    return f'"{version}"' if state is None else f'"{version}-{state}"'


def _build_decision(row: Record, *, shown: bool) -> NoteDecision:
    fields = dict(row)
    remark = fields.pop("remark")
    is_comment = row["kind"] == NoteDecisionKind.COMMENT
    return NoteDecision(
        **{
            **fields,
            "statement": row["statement"] if shown else None,
            "comment": remark if is_comment else "",
            "reason": "" if is_comment else remark,
        }
    )
