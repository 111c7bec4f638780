"""Texts that searches by meaning do not find yet, as their readers see them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from database.pool import Connection
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
    connection: Connection, model: str, after: int, limit: int
) -> Sequence[TextWithoutVector]:
    """Return the first texts behind a position that have no vector of a model, in order.

    Args:
        connection: of a login that reads evidence, as control's.
        model: the model's name.
        after: number of the text behind which it begins.
        limit: at most so many.
    """
    rows = await connection.fetch(_QUERIES.select_unembedded, model, after, limit)
    return [TextWithoutVector(row["document_id"], row["text"]) for row in rows]
