"""Which interviews were erased on request, for services that discard whatever arrives of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final
from uuid import UUID

from database.errors import (
    DatabaseConflictError,
    DatabaseMemoryError,
    DatabaseTimeoutError,
    DatabaseUnavailableError,
)
from database.pool import Database
from database.queries import load_queries

PATIENCE_S: Final = 2.0
"""Longest wait for an answer, in seconds, as for the cache of models' responses."""

_DOES_NOT_ANSWER: Final = (
    TimeoutError,
    DatabaseUnavailableError,
    DatabaseTimeoutError,
    DatabaseConflictError,
    DatabaseMemoryError,
)

_QUERIES: Final = load_queries(Path(__file__).parent / "erasures.sql")


class ErasedTranscripts:
    """Set of the interviews that were erased on request.

    Args:
        use: lends the database that has their tombstones, such as ``LazilyConnectedDatabase.use``.
    """

    def __init__(self, use: Callable[[], AbstractAsyncContextManager[Database]]) -> None:
        self._use = use

    async def contains(self, transcript_id: UUID) -> bool:
        """Return whether an interview was erased; False while the database does not answer soon.

        No row of it is stored even so: whoever stores waits for the database, which drops it; and
        what a model answered about it meanwhile is deleted from the cache within a minute.
        """
        try:
            async with asyncio.timeout(PATIENCE_S), self._use() as database:
                return bool(await database.fetchval(_QUERIES.is_erased, transcript_id))
        except _DOES_NOT_ANSWER:
            return False
