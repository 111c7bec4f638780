"""Reads the matrix of a study: how many notes each interview has of each theme or question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.study import Study
from database.pool import Database, Record
from database.queries import load_queries
from read_model.transcripts import TranscriptPosition

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "matrix.sql")


class MatrixTopicKind(StrEnum):
    """What interviews are compared by: themes or research questions."""

    THEME = "theme"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class MatrixTopic:
    """Theme or question of a study, with its name or text."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """Numbers of notes that one interview has of one theme or question.

    Attributes:
        topic: id of the theme or question.
        findings: notes whose statement something vouches for: verbatim, proven or confirmed ones.
        unproven: notes whose statement nothing vouches for.
    """

    topic: str
    findings: int
    unproven: int


@dataclass(frozen=True, slots=True)
class MatrixInterview:
    """Interview of a matrix, with its cells.

    Attributes:
        transcript_id: its id.
        revision: its current revision.
        title: its title.
        chunks: how many it has.
        stored: how many of them have their notes stored; if fewer, an empty cell proves nothing.
        cells: those that have notes.
        not_asked: topics of the study that it was not asked for, as it was submitted without them.
        has_expired: whether its notes are gone, as the study keeps them for a time.
    """

    transcript_id: UUID
    revision: int
    title: str
    chunks: int
    stored: int
    cells: tuple[MatrixCell, ...]
    not_asked: tuple[str, ...]
    has_expired: bool = False

    @property
    def is_known(self) -> bool:
        """Whether an empty cell of it says that there is no note."""
        return self.stored >= self.chunks and not self.has_expired


def list_matrix_topics(study: Study, by: MatrixTopicKind) -> tuple[MatrixTopic, ...]:
    """Return a study's themes or questions, in its order."""
    if by is MatrixTopicKind.THEME:
        return tuple(MatrixTopic(one.id, one.name) for one in study.themes)
    return tuple(MatrixTopic(one.id, one.text) for one in study.questions)


class MatrixQueries:
    """Queries on the notes of interviews by theme and by question.

    Args:
        database: what is read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        study: Study,
        by: MatrixTopicKind,
        *,
        limit: int,
        after: TranscriptPosition | None = None,
    ) -> tuple[list[MatrixInterview], TranscriptPosition | None]:
        """A page of a study's interviews by title, and the position behind which the next begins.

        Args:
            study: with its themes and questions.
            by: what notes are counted by.
            limit: at most so many interviews.
            after: only interviews behind this position; from the beginning if None.
        """
        rows = await self._database.fetch(
            _QUERIES.select_matrix_page,
            study.study_id,
            *(after or (None, None)),
            limit + 1,
            by.value,
        )
        topics = [one.id for one in list_matrix_topics(study, by)]
        page = [_build_interview(row, topics) for row in rows[:limit]]
        is_last = len(rows) <= limit
        return page, None if is_last else TranscriptPosition(page[-1].title, page[-1].transcript_id)


def _build_interview(row: Record, topics: list[str]) -> MatrixInterview:
    asked = {*row["asked"]}
    return MatrixInterview(
        transcript_id=row["transcript_id"],
        revision=row["revision"],
        title=row["title"],
        chunks=row["chunks"],
        stored=row["stored"],
        cells=tuple(MatrixCell(*cell) for cell in json.loads(row["cells"])),
        not_asked=tuple(one for one in topics if one not in asked),
        has_expired=row["has_expired"],
    )
