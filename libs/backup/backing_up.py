"""Makes a backup: the offsets of services' groups first, then the database in one snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

import asyncpg

from backup.archive import ArchiveWriter
from backup.errors import BackupRefusedError
from backup.manifest import BackupManifest
from backup.positions import KafkaPositions, open_position_store
from backup.tables import (
    LEFT_OUT,
    QUERIES,
    Progress,
    copy_table_out,
    list_foreign_relations,
    list_migrations,
    list_sequences,
    list_tables,
)
from database.errors import build_unavailable_error
from database.migrate import open_migration_connection
from database.pool import Connection
from database.settings import PostgresSettings
from messaging.settings import KafkaSettings


async def make_backup(
    postgres: PostgresSettings,
    kafka: KafkaSettings,
    file: IO[bytes],
    progress: Progress = lambda _table, _size: None,
) -> BackupManifest:
    """Back up the database, with the offsets that belong to it, while services run.

    Migrations wait until it is done.

    Args:
        postgres: the database, as the tables' owner or a superuser.
        kafka: the brokers.
        file: open for writing, empty.
        progress: called with each piece of a table.

    Raises:
        DatabaseUnavailableError, KafkaUnavailableError: one of them cannot be reached.
        BackupRefusedError: the login does not see all rows, or there is no database to back up.
    """
    async with open_migration_connection(postgres, lambda _: None) as connection:
        await _require_owner(connection)
        # Before the snapshot: what is handled in between is in the snapshot, and is read once more.
        async with open_position_store(kafka) as store:
            positions = await store.read()
        read_at = datetime.now(UTC)
        backup_id, entry = await _record(connection)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                known = positions, read_at, backup_id
                manifest = await _write(connection, known, file, progress)
            if entry is not None:
                await connection.execute(QUERIES.record_backup_done, entry)
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
            if connection.is_closed():
                raise build_unavailable_error(error) from error
            raise
    return manifest


async def _require_owner(connection: Connection) -> None:
    """Require a database with something in it, all of whose rows this login sees.

    Raises:
        BackupRefusedError: it is not so.
    """
    await connection.execute(QUERIES.set_session)
    if not await connection.fetchval(QUERIES.select_schema_exists):
        raise BackupRefusedError("the database is empty: there is nothing to back up")
    if not await connection.fetchval(QUERIES.select_reads_all):
        raise BackupRefusedError(
            "this login does not see the rows of all studies: take that of the tables' owner, such "
            "as onrecord_migrator"
        )


async def _record(connection: Connection) -> tuple[UUID, int | None]:
    """Record in the trail that a backup is made; return its id and the entry's.

    A database that has the entry, however it was brought back, is of a moment after the offsets
    were read, as PostgreSQL recovers commits in their order.
    """
    backup_id = uuid4()
    entry = None
    if await connection.fetchval(QUERIES.select_trail_has_outcomes):
        entry = await connection.fetchval(QUERIES.record_backup, str(backup_id))
    return backup_id, entry


async def _write(
    connection: Connection,
    known: tuple[KafkaPositions, datetime, UUID],
    file: IO[bytes],
    progress: Progress,
) -> BackupManifest:
    moment = await connection.fetchrow(QUERIES.select_moment)
    assert moment is not None, "it has no condition"
    archive = ArchiveWriter(file)
    tables = [
        await copy_table_out(connection, table, archive, progress)
        for table in await list_tables(connection)
    ]
    positions, read_at, backup_id = known
    manifest = BackupManifest(
        backup_id=backup_id,
        onrecord=version("onrecord"),
        positions_read_at=read_at,
        snapshot_at=moment["at"],
        server_version=moment["server_version"],
        migrations=await list_migrations(connection),
        tables=tuple(tables),
        sequences=await list_sequences(connection),
        left_out=LEFT_OUT,
        foreign=await list_foreign_relations(connection),
        positions=positions.to_backup(),
        parts=tuple(archive.parts),
    )
    archive.finish(manifest)
    return manifest


def choose_file(target: Path, now: datetime) -> Path:
    """Return the backup's file: the target itself, or one named by the time in a folder."""
    return target / f"onrecord-{now:%Y%m%dT%H%M%SZ}.backup" if target.is_dir() else target
