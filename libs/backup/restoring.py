"""Restores a backup: the database in one transaction, and groups' offsets before it commits.

::

    file verified ─▶ schema known? ─▶ topics there, services stopped? ─▶ transaction
        what is there is dropped (only if that was asked for)
        migrations of the backup ─▶ rows ─▶ decisions that are carried over
        groups' offsets set back                    ─▶ COMMIT ─▶ newer migrations

Whatever happens before the commit, such as ``kill -9``, leaves the database as it was. Offsets that
are set back and a database that is not only mean that messages are handled once more; the other way
round, messages would be lost. So they come first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Final

import asyncpg

from backup.archive import read_pieces
from backup.decisions import Collected, apply_decisions, collect_decisions
from backup.errors import BackupError, BackupRefusedError, SchemaUnknownError
from backup.manifest import AppliedMigration, BackupManifest
from backup.position_plan import PositionPlan, plan_positions
from backup.positions import CONSUMED, PositionStore, open_position_store, wait_until_empty
from backup.tables import (
    QUERIES,
    SEQUENCE_GAP,
    Progress,
    copy_tables_in,
    fill_tables,
    list_migrations,
)
from database.errors import build_unavailable_error, format_error_headline
from database.migrate import (
    Migration,
    act_as_owner,
    apply_migration,
    apply_migrations,
    create_schema_table,
    open_migration_connection,
    read_migrations,
    require_utf8,
)
from database.pool import Connection
from database.rights import GROUPS, create_roles
from database.settings import PostgresSettings
from messaging.settings import KafkaSettings

EMPTY_PATIENCE_S: Final = 45.0
"""Longest wait for groups and sessions of services that were ended a moment ago, in seconds."""

SERVICE_ROLES: Final = tuple(
    f"onrecord_{one}" for one in ("ingestion", "enrichment", "guardrail", "persistence", "control")
)


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What somebody allows a restoration to do.

    Attributes:
        replaces: drop what the database has.
        accepts_losses: go on although records are gone that would have to be read again.
        patience_s: how long groups and sessions of services may take to be gone.
    """

    replaces: bool = False
    accepts_losses: bool = False
    patience_s: float = EMPTY_PATIENCE_S


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restoration did, or would do.

    Attributes:
        plan: where groups go on, and what is lost.
        replaced: whether there was a database before.
        carried: decisions of that database which the backup did not have, by kind.
        migrated: migrations that were applied on top.
    """

    plan: PositionPlan
    replaced: bool
    carried: dict[str, int] = field(default_factory=dict)
    migrated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where a backup is restored to.

    Attributes:
        postgres: the database, as a login that may own its tables.
        kafka: the brokers.
        notice: is given lines for people.
    """

    postgres: PostgresSettings
    kafka: KafkaSettings
    notice: Callable[[str], None] = lambda _: None


def _ignore_notice(_line: str) -> None:
    """Take a notice of the server's, such as what a drop cascades to: nobody asked for it."""


async def check_restore(
    target: RestoreTarget, manifest: BackupManifest, options: RestoreOptions
) -> RestoreResult:
    """Check whether a verified backup could be restored now; change nothing.

    Raises:
        BackupError: it could not; the message says what to do.
        DatabaseUnavailableError, KafkaUnavailableError: one of them cannot be reached.
    """
    choose_migrations(manifest.migrations)
    async with (
        open_position_store(target.kafka) as store,
        open_migration_connection(target.postgres, _ignore_notice) as connection,
    ):
        plan = await _plan(store, manifest, options)
        replaced = await _check_database(connection, options)
    return RestoreResult(plan, replaced)


async def restore_backup(
    target: RestoreTarget,
    manifest: BackupManifest,
    file: IO[bytes],
    options: RestoreOptions,
    progress: Progress = lambda _table, _size: None,
) -> RestoreResult:
    """Restore a verified backup: all of it, or nothing.

    Args:
        target: where to.
        manifest: as ``verify_archive`` returned it.
        file: the backup, open for reading.
        options: what is allowed.
        progress: called with each piece of a table.

    Raises:
        BackupError: it cannot be restored as things are; nothing was changed.
        DatabaseUnavailableError, KafkaUnavailableError: one of them cannot be reached.
    """
    migrations = choose_migrations(manifest.migrations)
    async with open_position_store(target.kafka) as store:
        async with open_migration_connection(target.postgres, _ignore_notice) as connection:
            plan = await _plan(store, manifest, options)
            replaced = await _check_database(connection, options)
            await create_roles(connection, GROUPS, target.notice)
            async with _explained(connection), connection.transaction():
                await act_as_owner(connection)
                kept = await _empty(connection) if replaced else {}
                await _make_schema(connection, migrations)

                async def fill() -> None:
                    pieces = read_pieces(file, manifest)
                    await copy_tables_in(connection, manifest.tables, pieces, progress)

                await fill_tables(connection, fill)
                for one in manifest.sequences:
                    await connection.execute(
                        QUERIES.advance_sequence, one.name, one.last_value + SEQUENCE_GAP
                    )
                # Of an older schema, before decisions that it has no tables for.
                newer = read_migrations()[len(migrations) :]
                for migration in newer:
                    await apply_migration(connection, migration)
                carried = await apply_decisions(connection, kept)
                await _record(connection, manifest, plan)
                await store.set(plan)
            await connection.execute("ANALYZE")
        # Grants roles their rights too, which are this code's and not those of an older schema.
        await apply_migrations(target.postgres)
    return RestoreResult(plan, replaced, carried, tuple(map(str, newer)))


async def set_offsets(
    target: RestoreTarget, manifest: BackupManifest, options: RestoreOptions
) -> RestoreResult:
    """Set groups back to a backup's offsets, for a database that was recovered in another way.

    What was handled between the backup and the moment that was recovered is handled again.

    Args:
        target: the recovered database, of which nothing but the trail is changed, and the brokers.
        manifest: of a backup that was made before that moment.
        options: what is allowed; nothing is replaced.

    Raises:
        BackupError: the database is of an earlier moment, or services run; nothing was changed.
        DatabaseUnavailableError, KafkaUnavailableError: one of them cannot be reached.
    """
    async with (
        open_position_store(target.kafka) as store,
        open_migration_connection(target.postgres, target.notice) as connection,
    ):
        await connection.execute(QUERIES.set_session)
        await _require_later(connection, manifest)
        plan = await _plan(store, manifest, options)
        await _wait_for_sessions(connection, options.patience_s)
        async with _explained(connection), connection.transaction():
            await _record(connection, manifest, plan)
            await store.set(plan)
    return RestoreResult(plan, replaced=False)


async def _require_later(connection: Connection, manifest: BackupManifest) -> None:
    """Require that a database is of a moment after a backup's offsets were read.

    Raises:
        BackupRefusedError: the backup is not in its trail.
    """
    if not await connection.fetchval(QUERIES.select_backup_recorded, str(manifest.backup_id)):
        raise BackupRefusedError(
            "the database's trail does not have this backup: it was recovered to a moment before "
            "it, and the backup's offsets would pass over messages that the database lacks, or it "
            "is another database; take an earlier backup"
        )


def choose_migrations(applied: Sequence[AppliedMigration]) -> list[Migration]:
    """Return the migrations that a backup's schema is made of.

    Raises:
        SchemaUnknownError: this code does not have them, or has others under their numbers.
    """
    known = {one.version: one for one in read_migrations()}
    for one in applied:
        ours = known.get(one.version)
        if ours is None:
            raise SchemaUnknownError(
                f"the backup has migration {one.version:04}_{one.name}, which this version of "
                "onrecord does not know: restore it with the version that made it, or a newer one"
            )
        if ours.sha256 != one.sha256:
            raise SchemaUnknownError(
                f"the backup has another migration {one.version:04}_{one.name} than this version "
                "of onrecord: it is of another line of development"
            )
    return [known[one.version] for one in applied]


async def _plan(
    store: PositionStore, manifest: BackupManifest, options: RestoreOptions
) -> PositionPlan:
    await wait_until_empty(store, options.patience_s)
    now = await store.read()
    plan = plan_positions(manifest.positions, now.logs, now.committed, CONSUMED)
    if plan.missing:
        raise BackupRefusedError(
            "topics are missing, so offsets cannot be set: make them first, by "
            "`python -m messaging topics create`",
            plan.missing,
        )
    if plan.has_losses and not options.accepts_losses:
        raise BackupRefusedError(
            f"{plan.lost} records are gone that would have to be read again; --accept-loss "
            "restores the rest, and their interviews have to be submitted again",
            plan.describe_losses(),
        )
    return plan


async def _check_database(connection: Connection, options: RestoreOptions) -> bool:
    """Check that no service uses the database, and that it may be filled; return if it is there."""
    await connection.execute(QUERIES.set_session)
    await require_utf8(connection)
    await _wait_for_sessions(connection, options.patience_s)
    exists = bool(await list_migrations(connection))
    if (
        exists
        and not options.replaces
        and await connection.fetchval(QUERIES.select_interviews_exist)
    ):
        raise BackupRefusedError(
            "the database has interviews, studies or letters in it: --replace drops all that "
            "onrecord has there, and restores the backup in its place"
        )
    return exists


async def _wait_for_sessions(connection: Connection, patience_s: float) -> None:
    deadline = asyncio.get_running_loop().time() + patience_s
    while sessions := await connection.fetch(QUERIES.select_sessions, SERVICE_ROLES):
        if asyncio.get_running_loop().time() > deadline:
            raise BackupRefusedError(
                "services, or others with their rights, are connected to the database: stop them",
                [f"{one['login']} {one['application']}".strip() for one in sessions],
            )
        await asyncio.sleep(0.5)


async def _empty(connection: Connection) -> dict[str, Collected]:
    """Drop what is ours; return the decisions that were in it.

    Raises:
        BackupRefusedError: something of others' depends on it, and would be dropped too.
    """
    kept = await collect_decisions(connection)
    owner = await connection.fetchval(QUERIES.select_owner)
    before = {row[0] for row in await connection.fetch(QUERIES.select_foreign_anywhere, owner)}
    # Anew for each kind: what depends on one that was dropped is gone with it.
    while drop := await connection.fetchval(QUERIES.select_drop, owner):
        await connection.execute(drop)
    after = {row[0] for row in await connection.fetch(QUERIES.select_foreign_anywhere, owner)}
    if gone := before - after:
        raise BackupRefusedError(
            "others' relations depend on tables of onrecord's, and would be dropped with them: "
            "drop them first, and make them again afterwards",
            sorted(gone),
        )
    return kept


async def _make_schema(connection: Connection, migrations: Sequence[Migration]) -> None:
    await create_schema_table(connection)
    for migration in migrations:
        await apply_migration(connection, migration)


async def _record(connection: Connection, manifest: BackupManifest, plan: PositionPlan) -> None:
    """Record the restoration in the trail, in a schema that has one."""
    if await connection.fetchval(QUERIES.select_trail_has_outcomes):
        when = f"as of {manifest.snapshot_at:%Y-%m-%d %H:%M:%S} UTC; lost: {plan.lost} records"
        await connection.execute(QUERIES.record_restore, str(manifest.backup_id), when)


@asynccontextmanager
async def _explained(connection: Connection) -> AsyncIterator[None]:
    """Convert the driver's errors within to those that say that nothing was changed."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        if connection.is_closed():
            raise build_unavailable_error(error) from error
        if isinstance(error, OSError):
            raise
        raise BackupError(f"nothing is changed: {format_error_headline(error)}") from error
