"""Texts that searches by meaning do not find yet, as their readers see them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from database.pool import Database
from database.queries import load_queries

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "similar_texts.sql")


class TextWithoutVector(NamedTuple):
    """Text that people search, and that has no vector of a model yet.

    Attributes:
        document_id: its number among all.
        text: what its readers see; None if nobody is shown it any more.
    """

    document_id: int
    text: str | None


async def list_texts_without_vector(
    database: Database, model: str, *, above: int, below: int | None, limit: int
) -> Sequence[TextWithoutVector]:
    """Return texts of current revisions that have no vector of a model, the newest first.

    Args:
        database: with a login that reads evidence, as control's.
        model: the model's name.
        above: only texts with a larger number.
        below: only texts with a smaller number; up to the newest if None.
        limit: at most so many.
    """
    rows = await database.fetch(_QUERIES.select_unembedded, model, above, below, limit)
    return [TextWithoutVector(row["document_id"], row["text"]) for row in rows]
