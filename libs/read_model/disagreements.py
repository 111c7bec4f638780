"""Reads notes of one question or theme whose statements oppose each other, as code sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from database.pool import Database
from database.queries import load_queries
from grounding.disagreements import Disagreement, find_disagreements
from grounding.opposition import Opposition
from read_model.explanation import FunctionRunner
from read_model.notes import StoredNote
from read_model.queries import ReadModelQueries

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "disagreements.sql")

MAX_STATEMENTS: Final = 2_000
"""Most notes of a question whose statements are compared: the first of its interviews by title."""

MAX_COMPARED: Final = 1_000
"""Most pairs of statements that are compared for one request; those that share most words."""


@dataclass(frozen=True, slots=True)
class DisagreementTopic:
    """Notes that are compared: of a study's question or theme.

    Attributes:
        study: the study's id.
        question: the question's id; None: of a theme.
        theme: the theme's id; None: of a question.
    """

    study: str
    question: str | None = None
    theme: str | None = None


@dataclass(frozen=True, slots=True)
class OpposingNotes:
    """Two notes whose statements oppose each other.

    Attributes:
        kind: whether by a word's opposite, a negation or a number.
        first: one of them.
        second: the other, which comes later in the list of notes.
    """

    kind: Opposition
    first: StoredNote
    second: StoredNote


@dataclass(frozen=True, slots=True)
class DisagreementReport:
    """Notes of a question or theme that oppose each other, and how far they were looked for.

    Attributes:
        pairs: those that share most words first.
        found: how many pairs oppose each other, with those beyond the limit.
        notes: how many notes were compared.
        total: how many there are.
        compared: how many pairs of statements were compared.
        candidates: how many share enough words to be compared.
        is_complete: whether all notes and all candidates were compared.
    """

    pairs: tuple[OpposingNotes, ...]
    found: int
    notes: int
    total: int
    compared: int
    candidates: int
    is_complete: bool


class DisagreementQueries:
    """Queries on notes that oppose each other.

    Args:
        database: what is read.
        compute: runs the comparison of statements.
        exact: read quotes and speakers as the interviews have them, where a study masks them.
    """

    def __init__(self, database: Database, compute: FunctionRunner, *, exact: bool = False) -> None:
        self._database = database
        self._compute = compute
        self._reading = ReadModelQueries(database, exact=exact)

    async def find(self, topic: DisagreementTopic, *, limit: int) -> DisagreementReport:
        """Find the notes of a question or theme that oppose each other.

        Args:
            topic: which notes.
            limit: return at most so many pairs.
        """
        rows = await self._database.fetch(
            _QUERIES.select_compared_statements,
            topic.study,
            topic.question,
            topic.theme,
            MAX_STATEMENTS,
        )
        words = [row["words"] for row in rows]
        search = await self._compute(find_disagreements, words, MAX_COMPARED)
        ids = [row["note_id"] for row in rows]
        total = rows[0]["total"] if rows else 0
        return DisagreementReport(
            pairs=await self._read_pairs(ids, search.found[:limit]),
            found=len(search.found),
            notes=len(rows),
            total=total,
            compared=search.compared,
            candidates=search.candidates,
            is_complete=search.is_complete and len(rows) == total,
        )

    async def _read_pairs(
        self, ids: list[UUID], found: tuple[Disagreement, ...]
    ) -> tuple[OpposingNotes, ...]:
        wanted = dict.fromkeys(ids[at] for one in found for at in (one.first, one.second))
        notes = {key: await self._reading.note(key) for key in wanted}
        pairs = ((one.kind, notes[ids[one.first]], notes[ids[one.second]]) for one in found)
        # A newer revision may have been stored meanwhile.
        return tuple(
            OpposingNotes(kind, first, second) for kind, first, second in pairs if first and second
        )
