"""Search for words in statements, quotes and segments, as the reader gets to see them.

What a study masks for a reader cannot be found by its exact words either: PostgreSQL keeps the
words of a masked quote twice, and a reader's query is compared with the masked ones alone. Segments
are found by those who ask for exact words, and by all readers where the study allows personal data.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from contracts.notes import Standing
from database.pool import Database, Record
from database.queries import load_queries
from read_model.notes import StoredQuote

_SQL: Final = Path(__file__).parent / "sql"
_QUERIES: Final = load_queries(
    _SQL / "search.sql", _SQL / "search_results.sql", _SQL / "similar_texts.sql"
)

MAX_QUERY: Final = 200
"""Most characters of a query."""

EXCERPT: Final = 400
"""Characters shown of a text that is longer, around the first word found."""

STATEMENT_TIMEOUT_S: Final = 5
"""Longest time that PostgreSQL looks for matches, in seconds."""


class ResultKind(StrEnum):
    """Kind of text that a search finds: a note's statement, a quote, or a segment."""

    NOTE = "note"
    QUOTE = "quote"
    SEGMENT = "segment"


class NoSearchWordsError(ValueError):
    """Raised when a search query contains no word to search for."""


class PgvectorMissingError(ValueError):
    """Raised when a search by meaning finds no extension ``vector`` in the database."""


@dataclass(frozen=True, slots=True)
class SoughtMeaning:
    """Query of a search by meaning, as a vector of the model that texts are compared by.

    Attributes:
        words: the query as it was written.
        vector: its vector, of length 1.
        model: name of the model; texts without a vector of it are not found.
    """

    words: str
    vector: Sequence[float]
    model: str


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Filter of search results; a field that is None matches all.

    Attributes:
        studies: only these, by their ids.
        transcript: only this interview, by its id.
        kind: only texts of this kind.
    """

    studies: Collection[str] | None = None
    transcript: UUID | None = None
    kind: ResultKind | None = None


class SearchPosition(NamedTuple):
    """Position of a result in the list of search results, for pagination."""

    rank: float
    document_id: int


@dataclass(frozen=True, slots=True)
class Highlight:
    """Position of a found word in a search result's text: start, from 0, and length.

    Both count Unicode code points.
    """

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Text found by a search: a statement, quote or segment, with its interview and time.

    Attributes:
        note_id: the note whose statement it is, or that cites the quote; None for a segment.
        segment: number of the segment it is in; None for a statement.
        text: what was found; of a long text, an excerpt.
        offset: characters of the whole text before the excerpt; 0 if it is whole.
        is_whole: whether it is the whole text.
        highlights: the words that were found in ``text``, in order.
        is_finding: whether the study shows the statement as a finding; None for words of the
            interview. A statement that is no finding is the model's reading: show its quotes first.
        standing: of the note whose statement it is; None for words of the interview.
        quotes: what the note cites, if it is a statement.
        edited_by: who wrote the statement; None: the model, or it is none.
        is_masked: whether personal data in the text has placeholders.
        similarity: cosine of the angle between the text's vector and the query's, from 0 to 1; None
            if words were searched.
    """

    kind: ResultKind
    study_id: str
    transcript_id: UUID
    revision: int
    title: str
    note_id: UUID | None
    segment: int | None
    text: str
    offset: int
    is_whole: bool
    highlights: tuple[Highlight, ...]
    is_finding: bool | None
    standing: Standing | None
    quotes: tuple[StoredQuote, ...]
    is_masked: bool
    speaker: str | None
    role: str | None
    start_ms: int | None
    end_ms: int | None
    similarity: float | None = None
    edited_by: str | None = None


class SearchQueries:
    """Searches of statements, quotes and segments in PostgreSQL, for words or by meaning.

    Args:
        database: what is read; its login is control's, and an evidence reader.
        exact: search and return exact words, also where the study masks them.
    """

    def __init__(self, database: Database, *, exact: bool = False) -> None:
        self._database = database
        self._exact = exact

    async def search(
        self,
        query: str,
        which: SearchFilter,
        *,
        limit: int,
        after: SearchPosition | None = None,
    ) -> tuple[list[SearchResult], SearchPosition | None]:
        """A page of results, the best first, and the position behind which the next one begins.

        Args:
            query: words, ``"a phrase"``, ``or``, and ``-unwanted``.
            which: what is searched.
            limit: at most so many.
            after: only results behind this position; from the beginning if None.

        Raises:
            NoSearchWordsError: the query names no word to be found.
            DatabaseTimeoutError: PostgreSQL took too long.
        """
        studies = None if which.studies is None else list(which.studies)
        queries = await self._database.fetch(_QUERIES.select_queries, query, studies)
        languages = [row["configuration"] for row in queries if row["names_words"]]
        if not languages:
            if queries:
                raise NoSearchWordsError
            return [], None
        rows = await self._find(
            _QUERIES.select_documents, query, languages, *self._filter(which, after), limit + 1
        )
        return await self._show(query, rows[:limit]), _find_next(rows, limit)

    async def search_like(
        self,
        query: SoughtMeaning,
        which: SearchFilter,
        *,
        limit: int,
        after: SearchPosition | None = None,
    ) -> tuple[list[SearchResult], SearchPosition | None]:
        """A page of texts of like meaning, the nearest first, and the next page's position.

        Every text has some likeness, so that there are results as long as there are texts.

        Args:
            query: what is looked for.
            which: what is searched.
            limit: at most so many.
            after: only results behind this position; from the beginning if None.

        Raises:
            PgvectorMissingError: the database lacks the extension ``vector``.
            DatabaseTimeoutError: PostgreSQL took too long.
        """
        if not await self._database.fetchval(_QUERIES.is_pgvector_installed):
            raise PgvectorMissingError
        arguments = (list(query.vector), query.model, *self._filter(which, after), limit + 1)
        rows = await self._find(
            _QUERIES.select_similar_documents, *arguments, one_by_one=which.transcript is not None
        )
        return await self._show(query.words, rows[:limit]), _find_next(rows, limit)

    async def count_not_compared(self, model: str, which: SearchFilter) -> int:
        """Count texts that a search by meaning does not find yet, as they have no vector.

        Args:
            model: name of the model.
            which: what is searched.

        Raises:
            DatabaseTimeoutError: PostgreSQL took too long.
        """
        studies, audience, transcript, kind, *_ = self._filter(which, None)
        ((count,),) = await self._find(
            *(_QUERIES.count_not_embedded, model, studies, audience, transcript, kind),
            one_by_one=transcript is not None,
        )
        texts: int = count
        return texts

    @property
    def _audience(self) -> str:
        return "exact" if self._exact else "masked"

    def _filter(self, which: SearchFilter, after: SearchPosition | None) -> tuple[object, ...]:
        """What queries take of a filter and a position, in their order."""
        studies = None if which.studies is None else list(which.studies)
        return (
            studies,
            self._audience,
            which.transcript,
            which.kind,
            *(after or (None, None)),
        )

    async def _find(
        self, query: str, *arguments: object, one_by_one: bool = True
    ) -> Sequence[Record]:
        """The rows of a query; if not ``one_by_one``, many are joined though few are expected."""
        async with self._database.transaction() as connection:
            # A plan for any arguments expects ten languages and all studies, and so much work that
            # compiling it takes longer than the search.
            await connection.execute(
                f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s'; "
                "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off; "
                f"SET LOCAL enable_nestloop = {'on' if one_by_one else 'off'}"
            )
            return await connection.fetch(query, *arguments)

    async def _show(self, query: str, found: Sequence[Record]) -> list[SearchResult]:
        mark = secrets.token_hex(8)  # no text has it
        names = ("kind", "transcript_id", "revision", "note_id", "segment", "start_char", "length")
        columns = [[row[name] for row in found] for name in (*names, "configuration")]
        shown = await self._database.fetch(
            self._view(_QUERIES.select_results), query, mark, *columns
        )
        results = [_result(found[row["place"] - 1], row, mark) for row in shown]
        notes = [one.note_id for one in results if one.kind is ResultKind.NOTE]
        quotes = await self._quotes_of([one for one in notes if one is not None])
        return [
            replace(one, quotes=tuple(quotes.get(one.note_id, ())))
            if one.kind is ResultKind.NOTE
            else one
            for one in results
        ]

    async def _quotes_of(self, notes: Sequence[UUID]) -> dict[UUID | None, list[StoredQuote]]:
        quotes: dict[UUID | None, list[StoredQuote]] = {}
        if notes:
            rows = await self._database.fetch(self._view(_QUERIES.select_quotes), notes)
            for row in rows:
                fields = dict(row)
                quotes.setdefault(fields.pop("note_id"), []).append(StoredQuote(**fields))
        return quotes

    def _view(self, query: str) -> str:
        """The query on the views of what is shown, or on those of the exact words."""
        return query.replace("shown_", "exact_") if self._exact else query


def _find_next(rows: Sequence[Record], limit: int) -> SearchPosition | None:
    """Return the position of a page's last row; None if no row is behind it."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return SearchPosition(last["rank"], last["document_id"])


def _result(found: Record, shown: Record, mark: str) -> SearchResult:
    text, words = _split_highlights(shown["highlighted"], shown["text"], mark)
    excerpt, offset, inside = _cut(text, words)
    return SearchResult(
        kind=ResultKind(found["kind"]),
        study_id=found["study_id"],
        transcript_id=found["transcript_id"],
        revision=found["revision"],
        title=shown["title"],
        note_id=found["note_id"],
        segment=found["segment"],
        text=excerpt,
        offset=offset,
        is_whole=len(excerpt) == len(text),
        highlights=inside,
        is_finding=shown["is_finding"],
        standing=None if shown["standing"] is None else Standing(shown["standing"]),
        quotes=(),
        is_masked=shown["is_masked"],
        speaker=shown["speaker"],
        role=shown["role"],
        start_ms=shown["start_ms"],
        end_ms=shown["end_ms"],
        similarity=found.get("similarity"),
        edited_by=shown["edited_by"],
    )


def _split_highlights(marked: str, text: str, mark: str) -> tuple[str, tuple[Highlight, ...]]:
    """Return a text, and where PostgreSQL has put marks around words of it."""
    words: list[Highlight] = []
    parts: list[str] = []
    length = 0
    for number, part in enumerate(re.split(f"</?{mark}>", marked)):
        if number % 2:
            words.append(Highlight(length, len(part)))
        parts.append(part)
        length += len(part)
    # PostgreSQL's parser promises nowhere to return every character; ours are the text's own.
    return (text, tuple(words)) if "".join(parts) == text else (text, ())


def _cut(text: str, words: tuple[Highlight, ...]) -> tuple[str, int, tuple[Highlight, ...]]:
    """Return what is shown of a text, how many characters stand before it, and the words in it."""
    if len(text) <= EXCERPT:
        return text, 0, words
    first = words[0].start if words else 0
    begin = max(0, min(first - EXCERPT // 4, len(text) - EXCERPT))
    inside = tuple(
        Highlight(word.start - begin, word.length)
        for word in words
        if begin <= word.start and word.start + word.length <= begin + EXCERPT
    )
    return text[begin : begin + EXCERPT], begin, inside
