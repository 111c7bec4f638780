"""Endpoint of the search in statements, quotes and segments, for words or by meaning."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints, TypeAdapter

from contracts.control_api import ColumnText
from contracts.pages import PageRequest
from contracts.study import Identifier
from control.access.rights import Caller, Right
from control.api.authorization import FindingReader
from control.api.context import ApiContext, Context
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors
from control.domain import BadRequestError, NotConfiguredError
from database.errors import DatabaseTimeoutError
from read_model.search import (
    MAX_QUERY,
    NoSearchWordsError,
    PgvectorMissingError,
    ResultKind,
    SearchFilter,
    SearchPosition,
    SearchQueries,
    SearchResult,
    SoughtMeaning,
)

MAX_RESULTS: Final = 100
"""Most results of a page."""

router: Final = APIRouter(tags=["search"])

_CURSORS: Final = ListCursors(
    "search",
    TypeAdapter(
        tuple[
            Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)],
            Annotated[int, Field(ge=0, lt=2**63)],
        ]
    ),
)


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Page of search results, the best match first.

    Attributes:
        results: the texts that have the words, or the nearest in meaning.
        next: ``cursor`` of the next page; None if there is none.
        not_compared: of a search by meaning, on its first page: texts that are not found yet, as
            control has still to compute their vectors; None if they cannot be counted in time.
    """

    results: tuple[SearchResult, ...]
    next: str | None
    not_compared: int | None = None


class SearchRequest(PageRequest):
    """Parameters of the request to search a study's texts."""

    q: Annotated[
        ColumnText,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY),
    ] = Field(
        description='Words to find, in the language of each study: `rent "per month" -deposit`, or '
        "`rent or lease`."
    )
    study: Identifier | None = Field(
        None, description="Only in this study, by its id; in all that may be read if not given."
    )
    transcript: UUID | None = Field(None, description="Only in this interview, by its id.")
    kind: ResultKind | None = Field(
        None,
        description="Only in statements (`note`), quotes or segments. Segments are found where the "
        "study allows personal data, and with `exact`.",
    )
    like: bool = Field(
        default=False,
        description="Texts that mean something like `q`, the nearest first, instead of those that "
        "have its words: it is a sentence then. Takes an embedding model in control's settings "
        "(CONTROL_EMBEDDING_MODEL) and the extension `vector` in PostgreSQL.",
    )
    exact: bool = Field(
        default=False,
        description="Exact words and names where the study masks them; takes the role "
        "`evidence_reader`, and goes into the trail.",
    )
    limit: int = Field(20, ge=1, le=MAX_RESULTS, description="At most so many.")


@router.get("/search", responses=build_error_responses(424))
async def search(
    which: Annotated[SearchRequest, Query()], context: Context, caller: FindingReader
) -> SearchPage:
    """Search statements, quotes and segments, as far as the caller may read them."""
    position = _CURSORS.decode(which)
    studies = _find_studies(which, caller)
    if which.exact:
        # Of several studies, it is none's.
        only = next(iter(studies)) if studies is not None and len(studies) == 1 else None
        await context.trail.record(caller, "search.exact", which.q, only)
    searched = SearchFilter(studies, which.transcript, which.kind)
    after = position and SearchPosition(*position)
    queries = SearchQueries(context.database, exact=which.exact)
    try:
        async with context.searching.place(caller.token_id):
            if which.like:
                return await _search_like(which, context, queries, searched, after)
            results, last = await queries.search(which.q, searched, limit=which.limit, after=after)
    except DatabaseTimeoutError as error:
        raise BadRequestError(
            "q: too many matches to rank in time: add a word, or name a study or an interview"
        ) from error
    except NoSearchWordsError as error:
        raise BadRequestError(
            "q: names no word to find: it has only words that every text has, or that are not "
            "wanted"
        ) from error
    return SearchPage(tuple(results), _CURSORS.encode(last, which))


async def _search_like(
    which: SearchRequest,
    context: ApiContext,
    queries: SearchQueries,
    searched: SearchFilter,
    after: SearchPosition | None,
) -> SearchPage:
    """Search by meaning.

    Raises:
        NotConfiguredError: there is no model, or PostgreSQL cannot compare vectors.
    """
    model = context.embedding_model
    if model is None:
        raise NotConfiguredError(
            "like: control has no embedding model: set CONTROL_EMBEDDING_MODEL (docs/reading.md)"
        )
    (vector,) = await asyncio.to_thread(model.embed, [which.q])
    try:
        results, last = await queries.search_like(
            SoughtMeaning(which.q, vector, model.name), searched, limit=which.limit, after=after
        )
    except DatabaseTimeoutError as error:
        raise BadRequestError(
            "like: too many texts to compare in time: name a study or an interview"
        ) from error
    except PgvectorMissingError as error:
        raise NotConfiguredError(
            "like: the database has no extension vector: install pgvector, and let a superuser "
            "say CREATE EXTENSION vector"
        ) from error
    missing = None
    if after is None:
        with suppress(DatabaseTimeoutError):
            missing = await queries.count_not_compared(model.name, searched)
    return SearchPage(tuple(results), _CURSORS.encode(last, which), missing)


def _find_studies(which: SearchRequest, caller: Caller) -> frozenset[str] | None:
    """Return the studies that are searched; None for all.

    Raises:
        NotPermittedError: the caller may not read the one that is asked for, or no exact words.
    """
    rights = (Right.READ_NOTES, Right.READ_EVIDENCE) if which.exact else (Right.READ_NOTES,)
    if which.study is not None:
        caller.require(rights, which.study)
        return frozenset({which.study})
    caller.require_in_some_study(rights)
    # Whoever may read evidence in a study may read its notes.
    return caller.list_studies(rights[-1])
