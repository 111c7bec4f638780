"""Computes the vectors by which texts are compared in searches by meaning, in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

import asyncpg
import structlog

from contracts.errors import OnrecordError
from control.background import running_in_background
from control.queries import load_control_queries
from database.pool import Database
from embeddings import EmbeddingModel
from onnx_models import ModelError
from read_model.texts_without_vector import list_texts_without_vector

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("embeddings.sql")

BATCH: Final = 64
"""Texts of a transaction."""

PAUSE_S: Final = 5.0
"""Seconds until texts that were stored since are looked for."""

PERIOD_S: Final = 600.0
"""Seconds until all texts are looked at again: one that was numbered before others may be stored
behind them, and what is shown of a text may change."""


@asynccontextmanager
async def embedding_texts(
    database: Database, model: EmbeddingModel | None, pause_s: float = PAUSE_S
) -> AsyncIterator[None]:
    """Context manager that computes vectors of texts without one, as long as there are such.

    It takes half of one core at most, and one replica of several does it at a time.

    Args:
        database: has the texts, and gets the vectors.
        model: computes them; None: nothing is done.
        pause_s: seconds until texts that were stored since are looked for.
    """
    if model is None:
        yield
        return
    async with running_in_background(_run(database, model, pause_s)):
        yield


async def embed_stored_texts(database: Database, model: EmbeddingModel, after: int) -> int | None:
    """Compute the vectors of the first texts without one behind a position.

    Args:
        database: has the texts, and gets the vectors.
        model: computes them.
        after: number of the text behind which it begins.

    Returns:
        The number of the last text that was looked at; None if there is none without a vector, or
        another replica does it.

    Raises:
        DatabaseUnavailableError: try again later.
        ModelError: the model gives no vector for a text.
    """
    async with database.transaction() as connection:
        if not await connection.fetchval(_QUERIES.lock_embedding):
            return None
        found = await list_texts_without_vector(connection, model.name, after, BATCH)
        if not found:
            return None
        # Of a text that nobody is shown any more there is nothing to compare.
        texts = {one.document_id: one.text for one in found if one.text}
        vectors = await asyncio.to_thread(model.embed, list(texts.values()))
        await connection.execute(
            _QUERIES.insert_embeddings, model.name, list(texts), list(map(_as_array, vectors))
        )
        return found[-1].document_id


def _as_array(vector: Sequence[float]) -> str:
    """An array as PostgreSQL reads it: one of arrays would be unnested into single numbers."""
    return "{" + ",".join(map(repr, vector)) + "}"


async def _run(database: Database, model: EmbeddingModel, pause_s: float) -> None:
    position, again_at = 0, monotonic() + PERIOD_S
    while True:
        began, last = monotonic(), None
        try:
            last = await embed_stored_texts(database, model, position)
        except asyncpg.ForeignKeyViolationError:  # a text was deleted at this very moment
            last = position
        except (OnrecordError, ModelError) as error:
            log.warning("texts_not_embedded", reason=str(error))
        if began >= again_at:
            position, again_at = 0, began + PERIOD_S
        elif last is not None:
            position = last
        await asyncio.sleep(pause_s if last is None else monotonic() - began)
