"""A database that may be away: opened at first use, asked again only after a pause."""

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
"""How long a database that was away is not asked again, in seconds."""


class LazyDatabase:
    """The database, for those who can do without it for a while.

    While it is away its users are told so at once, but for one of them every few seconds, who finds
    out whether it is back.

    Args:
        settings: how to reach it.
        retry_s: how long it is not asked again after it was away, in seconds.
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
        """The open database.

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
        """Lend the open database, and note when it is found to be away.

        Raises:
            DatabaseUnavailableError: as ``database`` does, or while it was used.
        """
        database = await self.database()
        try:
            yield database
        except DatabaseUnavailableError as error:
            self.failed(str(error))
            raise

    def failed(self, reason: str = "") -> None:
        """Note that the open database was away; it is not asked for a while.

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
            self.failed(f"PostgreSQL at {self._settings.place} does not answer in time")
            raise DatabaseUnavailableError(self._reason) from error
        except DatabaseUnavailableError as error:
            self.failed(str(error))
            raise

    def _raise_if_just_away(self) -> None:
        if self._now() < self._not_before:
            raise DatabaseUnavailableError(self._reason)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
