"""A database connection that opens at first use and tolerates outages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Final, Self

from database.errors import DatabaseUnavailableError
from database.migrate import open_migrated_database
from database.pool import Database
from database.settings import PostgresSettings

RETRY_S: Final = 5.0
"""Pause after an outage before the next probe, in seconds."""


class LazilyConnectedDatabase:
    """Database client that connects at first use; during an outage, calls fail at once.

    During an outage callers get an error at once, except for one every ``retry_s`` seconds, whose
    call is the probe that finds out whether the database is back.

    Args:
        settings: how to reach it.
        retry_s: pause after an outage before the next probe, in seconds.
    """

    def __init__(self, settings: PostgresSettings, *, retry_s: float = RETRY_S) -> None:
        self._settings = settings
        self._retry_s = retry_s
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        self._database: Database | None = None
        self._not_before = float("-inf")
        self._reason = "the database was away a moment ago"

    async def __aenter__(self) -> Self:
        """Get ready; nothing is opened before it is asked for."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        await self._open.aclose()

    async def database(self) -> Database:
        """Return the open database; open it if needed.

        Raises:
            DatabaseUnavailableError: it cannot be opened, lacks migrations, or was away a moment
                ago.
        """
        self._raise_if_just_away()
        if self._database is None:
            async with self._opening:
                # Those who waited here learn what the first one found out.
                self._raise_if_just_away()
                if self._database is None:
                    self._database = await self._try_to_open()
        return self._database

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Database]:
        """Lend the open database, and record an outage that is met while it is used.

        Raises:
            DatabaseUnavailableError: as ``database`` does, or while it was used.
        """
        database = await self.database()
        try:
            yield database
        except DatabaseUnavailableError as error:
            self.mark_unavailable(str(error))
            raise

    def mark_unavailable(self, reason: str = "") -> None:
        """Record an outage: callers are refused at once until the pause is over.

        Args:
            reason: why, in a line for people.
        """
        self._not_before = self._now() + self._retry_s
        self._reason = reason or self._reason

    async def _try_to_open(self) -> Database:
        try:
            # Opening connects more than once; nobody waits longer than for one connection.
            async with asyncio.timeout(self._settings.connect_timeout_s):
                return await self._open.enter_async_context(open_migrated_database(self._settings))
        except TimeoutError as error:
            self.mark_unavailable(f"PostgreSQL at {self._settings.place} does not answer in time")
            raise DatabaseUnavailableError(self._reason) from error
        except DatabaseUnavailableError as error:
            self.mark_unavailable(str(error))
            raise

    def _raise_if_just_away(self) -> None:
        if self._now() < self._not_before:
            raise DatabaseUnavailableError(self._reason)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
