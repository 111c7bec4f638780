"""Database migrations from numbered SQL files.

A migration is ``NNNN_name.sql``; its number is unique among all folders, and once applied its
content never changes. Each has to be safe while the previous version of the code still runs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg

from database.connection_errors import build_connection_error
from database.errors import (
    MigrationError,
    MigrationsMissingError,
    build_unavailable_error,
    format_error_headline,
)
from database.lock_waits import LOCK_WAITS, LockWaits, apply_between_others
from database.pool import CANNOT_CONNECT, Connection, Database, open_database
from database.queries import load_queries
from database.rights import GROUPS, apply_rights, create_roles
from database.settings import PostgresSettings

MIGRATIONS: Final = Path(__file__).parent / "migrations"
"""The folder with onrecord's own migrations."""

LOCK_KEY: Final = int.from_bytes(b"onrecord", "big")
"""Key of the advisory lock that lets one process migrate at a time."""

_FILE_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_QUERIES: Final = load_queries(Path(__file__).parent / "migrate.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """Database migration: a numbered SQL file.

    Attributes:
        version: its number.
        name: the rest of its file name.
        sql: its content.
    """

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of the file's content, by which a later change is detected."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"


def read_migrations(folders: Iterable[Path] = (MIGRATIONS,)) -> list[Migration]:
    """Read the migrations in folders of SQL files; return them sorted by number.

    Raises:
        MigrationError: a file is named differently, or two share a number.
    """
    found: dict[int, Migration] = {}
    for migration in _files(folders):
        if (other := found.get(migration.version)) is not None:
            raise MigrationError(f"{other} and {migration} share a number: renumber the newer one")
        found[migration.version] = migration
    return [found[version] for version in sorted(found)]


def _files(folders: Iterable[Path]) -> Iterator[Migration]:
    for folder in folders:
        for file in sorted(folder.glob("*.sql")):
            match = _FILE_NAME.fullmatch(file.name)
            if match is None:
                raise MigrationError(f"{file.name} is not named like 0001_what_it_does.sql")
            # Read as text, so that a checkout with other line ends has the same hash.
            yield Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))


async def apply_migrations(
    settings: PostgresSettings,
    folders: Iterable[Path] = (MIGRATIONS,),
    *,
    notice: Callable[[str], None] = lambda _: None,
    waits: LockWaits = LOCK_WAITS,
) -> list[Migration]:
    """Apply pending migrations, each in its own transaction; return those applied.

    Safe to call again, and from several processes at once: the others wait, and find nothing left.

    Args:
        settings: which database.
        folders: where the files are.
        notice: is given each line that a migration has for people, such as what it may not do, and
            whom it waits for.
        waits: for how long it waits for a lock that others have.

    Returns:
        What was applied by this call, in order.

    Raises:
        DatabaseUnavailableError: PostgreSQL cannot be reached.
        MigrationError: a file is wrong, was changed after it was applied, or fails; those before
            it stay applied.
    """
    folders = tuple(folders)
    migrations = read_migrations(folders)
    async with open_migration_connection(settings, notice) as connection:
        await require_utf8(connection)
        ours = MIGRATIONS in folders
        if ours:
            await create_roles(connection, GROUPS, notice)
        await act_as_owner(connection)
        await create_schema_table(connection)
        todo = await _pending(connection, migrations)
        if ours and todo:
            await _require_schema_rights(connection)
        for migration in todo:
            await apply_between_others(
                connection,
                partial(apply_migration, connection, migration),
                partial(_connected, settings),
                notice,
                waits,
            )
        if ours:
            await _apply_rights(connection)
    return todo


@asynccontextmanager
async def open_migration_connection(
    settings: PostgresSettings, notice: Callable[[str], None]
) -> AsyncIterator[Connection]:
    """Open a connection without limit for statements, with the lock that keeps others out.

    Args:
        settings: which database.
        notice: is given the server's notices.

    Raises:
        DatabaseUnavailableError: PostgreSQL cannot be reached.
    """
    async with _connected(settings) as connection, _alone(connection):
        connection.add_log_listener(lambda _, message: notice(message.message))
        yield connection


async def list_pending_migrations(
    settings: PostgresSettings, folders: Iterable[Path] = (MIGRATIONS,)
) -> list[Migration]:
    """Return the migrations that are not yet applied to the database."""
    migrations = read_migrations(folders)
    async with _connected(settings) as connection:
        return await _pending(connection, migrations)


@asynccontextmanager
async def open_migrated_database(
    settings: PostgresSettings, folders: Iterable[Path] = (MIGRATIONS,)
) -> AsyncIterator[Database]:
    """Open the database for the duration of the context; raise if migrations are pending.

    Raises:
        MigrationsMissingError: it lacks some, or has others than this code.
        DatabaseUnavailableError: it cannot be reached.
    """
    try:
        todo = await list_pending_migrations(settings, folders)
    except MigrationError as error:
        raise MigrationsMissingError(f"the database at {settings.place}: {error}") from error
    if todo:
        raise MigrationsMissingError(
            f"the database at {settings.place} lacks {', '.join(map(str, todo))}: "
            "run `python -m database migrate`"
        )
    async with open_database(settings) as database:
        yield database


async def _pending(connection: Connection, migrations: Sequence[Migration]) -> list[Migration]:
    if not await connection.fetchval(_QUERIES.schema_migrations_exist):
        return list(migrations)
    applied = {
        row["version"]: row["sha256"] for row in await connection.fetch(_QUERIES.select_applied)
    }
    for migration in migrations:
        if applied.get(migration.version, migration.sha256) != migration.sha256:
            raise MigrationError(
                f"{migration} was changed after it was applied: "
                "restore the file and put the change into a new migration"
            )
    todo = [migration for migration in migrations if migration.version not in applied]
    latest = max(applied, default=0)
    if todo and todo[0].version < latest:
        raise MigrationError(
            f"{todo[0]} comes before {latest:04}, which is applied already: give it a higher number"
        )
    return todo


async def create_schema_table(connection: Connection) -> None:
    """Create the table of what was applied, unless it is there."""
    await connection.execute(_QUERIES.create_schema_migrations)


async def apply_migration(connection: Connection, migration: Migration) -> None:
    """Apply a migration, and record it, in a transaction or in part of one.

    Raises:
        MigrationError: it fails; nothing of it is kept.
        DatabaseUnavailableError: the connection is lost.
    """
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                _QUERIES.insert_applied, migration.version, migration.name, migration.sha256
            )
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if connection.is_closed():
            raise build_unavailable_error(error) from error
        raise MigrationError(
            f"{migration} failed, nothing of it is kept: {format_error_headline(error)}"
        ) from (error)


async def act_as_owner(connection: Connection) -> None:
    """Take the role of the tables' owner where this login may, so that all have the same owner."""
    if owner := await connection.fetchval(_QUERIES.select_other_owner):
        await connection.execute(f"SET ROLE {owner}")


async def _require_schema_rights(connection: Connection) -> None:
    """Raise, before anything is migrated, if the login cannot make the views for BI tools."""
    if fault := await connection.fetchval(_QUERIES.select_schema_fault):
        raise MigrationError(fault)


async def _apply_rights(connection: Connection) -> None:
    try:
        await apply_rights(connection)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if connection.is_closed():
            raise build_unavailable_error(error) from error
        raise MigrationError(
            f"the roles' rights are as they were: {format_error_headline(error)}; the login that "
            "migrates has to own the tables"
        ) from error


async def require_utf8(connection: Connection) -> None:
    """Raise unless the encoding is UTF-8: PostgreSQL then counts code points, as Python does."""
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise MigrationError(f"the database's encoding is {encoding}: create it with UTF8")


@asynccontextmanager
async def _connected(settings: PostgresSettings) -> AsyncIterator[Connection]:
    try:
        connection = await asyncpg.connect(
            **settings.connect_options(),
            # A migration may take longer than any statement of a service.
            server_settings={"application_name": "onrecord migrate", "statement_timeout": "0"},
        )
    except CANNOT_CONNECT as error:
        raise build_connection_error(settings, error) from error
    try:
        yield connection
    finally:
        connection.terminate() if connection.is_closed() else await connection.close()


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[None]:
    await connection.execute(_QUERIES.lock, LOCK_KEY)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(_QUERIES.unlock, LOCK_KEY)
