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
"""Most pairs of wordings of which each is held against the other, for one request: those that may
oppose each other, and share most words."""


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
        pairs: those that share most words first; each two wordings once before any comes again.
        found: how many pairs oppose each other, with those beyond the limit.
        notes: how many notes were compared.
        total: how many there are of the question or theme.
        hidden: how many of them were not compared, as their study shows no statements.
        foreign_language: how many others were not, as their study is not in English.
        masked: how many others were not, as their statement has a placeholder for a name.
        compared: how many pairs of wordings were compared.
        candidates: how many share enough words to be compared.
        is_cut: whether pairs that share only frequent words were not looked at.
        is_complete: whether all notes, and all pairs of them that share words, were compared.
    """

    pairs: tuple[OpposingNotes, ...]
    found: int
    notes: int
    total: int
    hidden: int
    foreign_language: int
    masked: int
    compared: int
    candidates: int
    is_cut: bool
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
        counted = rows[0]
        of_notes = [row for row in rows if row["note_id"] is not None]
        words = [row["words"] for row in of_notes]
        search = await self._compute(find_disagreements, words, MAX_COMPARED, limit)
        compared = len(of_notes) - search.masked
        return DisagreementReport(
            pairs=await self._read_pairs([row["note_id"] for row in of_notes], search.found),
            found=search.found_count,
            notes=compared,
            total=counted["total"],
            hidden=counted["hidden"],
            foreign_language=counted["foreign_language"],
            masked=search.masked,
            compared=search.compared,
            candidates=search.candidates,
            is_cut=search.is_cut,
            is_complete=search.is_complete and compared == counted["total"],
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
