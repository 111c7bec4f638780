"""Records of the starts of services, by which a deploy is told from a restart."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg
import structlog

from configuration.builds import Build, list_imported_packages, read_build
from contracts.errors import OnrecordError
from database.connection_errors import build_connection_error
from database.pool import CANNOT_CONNECT
from database.queries import load_queries
from database.settings import PostgresSettings

log = structlog.get_logger(__name__)

RETRY_S: Final = 5.0
"""Pause before a start that could not be recorded is recorded again, in seconds."""

RETRY_MAX_S: Final = 300.0
"""The pause doubles up to this, in seconds."""

_QUERIES: Final = load_queries(Path(__file__).with_suffix(".sql"))


class ServiceStart:
    """Recorder of a service's start in PostgreSQL, with the version of its code.

    To be made where the service's modules are imported: that is when it starts, and what is
    imported by then is what its build is known by.

    Args:
        service: its name.
        retry_s: pause before another try to record it, in seconds.
    """

    def __init__(self, service: str, *, retry_s: float = RETRY_S) -> None:
        self._service = service
        self._retry_s = retry_s
        self._start_id = uuid4()
        self._started_at = datetime.now(UTC)
        self._packages = list_imported_packages()
        self._build: Build | None = None
        self._is_recorded = False
        self._has_warned = False

    @asynccontextmanager
    async def recording(self, settings: PostgresSettings) -> AsyncIterator[None]:
        """Record the start in the background, with a connection of its own for that one row.

        Nobody waits for it, and nothing that goes wrong with it reaches the block: it is tried
        until it succeeds or the block ends. It may be entered again after that.

        Args:
            settings: of the service's own database.
        """
        if self._is_recorded:
            yield
            return
        task = asyncio.create_task(self._record(settings))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _record(self, settings: PostgresSettings) -> None:
        pause_s = self._retry_s
        while not self._is_recorded:
            try:
                if self._build is None:
                    self._build = await asyncio.to_thread(read_build, self._packages)
                await self._insert(settings, self._build)
            except (*CANNOT_CONNECT, OnrecordError) as error:
                self._warn(settings, error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
            except Exception:
                log.exception("service_start_not_recorded")
                return
            else:
                self._is_recorded = True

    def _warn(self, settings: PostgresSettings, error: Exception) -> None:
        if not self._has_warned:  # an outage has lines of its own
            reason = (
                error
                if isinstance(error, OnrecordError)
                else build_connection_error(settings, error)
            )
            log.warning("service_start_not_recorded", reason=str(reason))
        self._has_warned = True

    async def _insert(self, settings: PostgresSettings, build: Build) -> None:
        connection = await asyncpg.connect(
            **settings.connect_options(),
            command_timeout=settings.connect_timeout_s,
            server_settings={"application_name": "onrecord start"},
        )
        try:
            await connection.execute(
                _QUERIES.insert_service_start,
                self._start_id,
                self._service,
                build.version,
                build.digest,
                build.commit,
                socket.gethostname()[:255],
                self._started_at,
            )
        finally:
            connection.terminate() if connection.is_closed() else await connection.close()
