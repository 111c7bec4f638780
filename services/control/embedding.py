"""Computes the vectors by which texts are compared in searches by meaning, in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
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
from read_model.texts_without_vector import TextWithoutVector, list_texts_without_vector

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("embeddings.sql")

MOST_AT_ONCE: Final = 64
"""Most texts of a batch."""

SLOW_S: Final = 10.0
"""A batch that takes longer is followed by a smaller one: a replica that computes keeps the others
from it by a transaction, which PostgreSQL ends if it is idle for a minute (``database.logins``)."""

PAUSE_S: Final = 5.0
"""Seconds until texts that were stored since are looked for."""

PERIOD_S: Final = 60.0
"""Seconds until all texts are looked at again: one that was numbered before others may be stored
behind them, a revision may become current, and what is shown of a text may change."""


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
    async with running_in_background(TextEmbedder(database, model).run(pause_s)):
        yield


class TextEmbedder:
    """Computes vectors of stored texts batch by batch, the newest texts first.

    A batch that fails is tried again in halves; a single text that fails is passed over until all
    are looked at again, and named in the log.

    Args:
        database: has the texts, and gets the vectors.
        model: computes them.
    """

    def __init__(self, database: Database, model: EmbeddingModel) -> None:
        self._database = database
        self._model = model
        self._at_once = MOST_AT_ONCE
        self._above = 0
        self._below: int | None = None
        self._newest = 0

    async def run(self, pause_s: float) -> None:
        """Compute vectors without end; errors are logged."""
        again_at = monotonic() + PERIOD_S
        while True:
            began, has_more = monotonic(), False
            try:
                has_more = await self.embed_next()
            except OnrecordError as error:
                log.warning("texts_not_embedded", reason=str(error))
            except Exception:
                log.exception("texts_not_embedded")
            if not has_more and began >= again_at:
                self._above, again_at = 0, began + PERIOD_S
            await asyncio.sleep(monotonic() - began if has_more else pause_s)

    async def embed_next(self) -> bool:
        """Compute the vectors of the next batch.

        Returns:
            Whether there may be more; not if another replica computes.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        # While a model computes, no table is locked: the lock's transaction touches none.
        async with self._database.transaction() as lock:
            if not await lock.fetchval(_QUERIES.lock_embedding):
                return False
            found = await list_texts_without_vector(
                self._database,
                self._model.name,
                above=self._above,
                below=self._below,
                limit=self._at_once,
            )
            if not found:
                self._above, self._below = max(self._above, self._newest), None
                return False
            self._newest = max(self._newest, found[0].document_id)
            began = monotonic()
            try:
                await self._embed(found)
            except (ModelError, MemoryError) as error:
                self._give_way(found, error)
                return True
            self._below = found[-1].document_id
            is_slow = monotonic() - began > SLOW_S
            self._at_once = max(1, self._at_once // 2) if is_slow else self._grow()
            return True

    async def _embed(self, found: Sequence[TextWithoutVector]) -> None:
        # Of a text that nobody is shown any more there is nothing to compare.
        texts = {one.document_id: one.text for one in found if one.text}
        vectors = await asyncio.to_thread(self._model.embed, list(texts.values()))
        # A text that is deleted at this very moment fails them all: the next pass has the others.
        with suppress(asyncpg.ForeignKeyViolationError):
            await self._database.execute(
                _QUERIES.insert_embeddings,
                self._model.name,
                list(texts),
                list(map(_as_array, vectors)),
            )

    def _give_way(self, found: Sequence[TextWithoutVector], error: Exception) -> None:
        if len(found) > 1:
            self._at_once = len(found) // 2
            return
        self._below = found[0].document_id
        self._at_once = self._grow()
        log.warning("text_passed_over", document_id=self._below, reason=str(error))

    def _grow(self) -> int:
        return min(MOST_AT_ONCE, 2 * self._at_once)


def _as_array(vector: Sequence[float]) -> str:
    """An array as PostgreSQL reads it: one of arrays would be unnested into single numbers."""
    return "{" + ",".join(map(repr, vector)) + "}"
