"""Backups of PostgreSQL, restored: the same rows and the same schema, or nothing at all."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

import backup.restoring
from backup.archive import verify_archive
from backup.backing_up import make_backup
from backup.errors import BackupError, BackupFileError, BackupRefusedError, SchemaUnknownError
from backup.positions import PositionStore
from backup.restoring import RestoreOptions, choose_migrations
from backup.tables import LEFT_OUT, SEQUENCE_GAP
from database.migrate import (
    act_as_owner,
    apply_migration,
    apply_migrations,
    create_schema_table,
    list_pending_migrations,
    open_migration_connection,
    read_migrations,
)
from database.rights import GROUPS, create_roles
from database.settings import PostgresSettings
from messaging.kafka.connection_errors import KafkaUnavailableError
from support.backups import NOW, back_up, dump_schema, read_contents, restore
from support.broker import Bench

REPLACING = RestoreOptions(replaces=True, patience_s=0)


async def run(settings: PostgresSettings, *statements: str) -> list[Any]:
    connection = await asyncpg.connect(settings.dsn.get_secret_value())
    try:
        return [await connection.fetchval(one) for one in statements]
    finally:
        await connection.close()


async def test_a_restored_database_has_the_same_rows_and_the_same_schema(
    bench: Bench, filled: PostgresSettings, empty: PostgresSettings, tmp_path: Path
) -> None:
    before = await read_contents(filled)
    manifest = await back_up(filled, bench.kafka, tmp_path / "b")
    # The backup itself is an entry of the trail.
    assert {table.name: table.rows for table in manifest.tables} == {
        name: rows + (name == "trail") for name, (rows, _) in before.items()
    }
    result = await restore(empty, bench.kafka, tmp_path / "b")
    assert not result.replaced
    after = await read_contents(empty)
    # The restoration is another entry.
    assert {n: after[n] for n in after if not n.startswith("trail")} == {
        n: before[n] for n in before if not n.startswith("trail")
    }
    assert after["trail"][0] == before["trail"][0] + 2
    assert dump_schema(empty) == dump_schema(filled)
    assert await list_pending_migrations(empty) == []
    (newest,) = await run(empty, "SELECT max(entry_id) FROM trail")
    assert newest > SEQUENCE_GAP
    counts = await run(empty, *(f"SELECT count(*) FROM {name}" for name in LEFT_OUT))
    assert counts == [0] * len(LEFT_OUT)


async def test_what_is_written_while_a_backup_is_made_is_in_it_whole_or_not_at_all(
    bench: Bench, filled: PostgresSettings, empty: PostgresSettings, tmp_path: Path
) -> None:
    """A writer adds an entry and its outcome in one transaction, as often as it can."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        connection = await asyncpg.connect(filled.dsn.get_secret_value())
        try:
            while not over.is_set():
                await connection.execute(
                    "WITH e AS (INSERT INTO trail (actor, action, target) VALUES ('w', 'w', 'w')"
                    " RETURNING entry_id) INSERT INTO trail_outcomes (entry_id, outcome)"
                    " SELECT entry_id, 'done' FROM e"
                )
                begun.set()
        finally:
            await connection.close()

    writing = asyncio.create_task(write())
    try:
        await begun.wait()
        await back_up(filled, bench.kafka, tmp_path / "b")
    finally:
        over.set()
        await writing
    await restore(empty, bench.kafka, tmp_path / "b")
    entries, outcomes = await run(
        empty,
        "SELECT count(*) FROM trail WHERE actor = 'w'",
        "SELECT count(*) FROM trail_outcomes JOIN trail USING (entry_id) WHERE actor = 'w'",
    )
    assert entries == outcomes > 0


async def test_a_database_with_interviews_is_replaced_only_if_asked(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    await back_up(filled, bench.kafka, tmp_path / "b")
    before = await read_contents(filled)
    await run(filled, "DELETE FROM transcripts")
    with pytest.raises(BackupRefusedError, match="--replace"):
        await restore(filled, bench.kafka, tmp_path / "b")
    result = await restore(filled, bench.kafka, tmp_path / "b", REPLACING)
    assert result.replaced
    after = await read_contents(filled)
    assert after["notes"] == before["notes"]
    assert after["search_documents"] == before["search_documents"]


async def test_decisions_made_after_the_backup_are_carried_over(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    await back_up(filled, bench.kafka, tmp_path / "b")
    revoked = "SELECT revoked_at FROM access_tokens"
    withdrawn = "SELECT count(*) FROM transcripts WHERE withdrawn_at IS NOT NULL"
    await run(
        filled,
        "UPDATE access_tokens SET revoked_at = now()",
        "SELECT withdraw_revision((SELECT min(transcript_id::text)::uuid FROM transcripts), 1)",
    )
    (when,) = await run(filled, revoked)
    result = await restore(filled, bench.kafka, tmp_path / "b", REPLACING)
    assert result.carried == {"revoked tokens": 1, "withdrawn revisions": 1}
    assert await run(filled, revoked, withdrawn) == [when, 1]


async def test_times_of_retention_that_were_set_after_the_backup_are_kept(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    register = (
        "INSERT INTO studies (study_id, version, doubtful_speakers, statements, registered_by,"
        " notes_days) SELECT name, 1, 'accept', 'all', 'ada', 30"
        " FROM unnest(ARRAY['changed', 'as it was']) AS name"
    )
    await run(filled, register)
    await back_up(filled, bench.kafka, tmp_path / "b")
    await run(
        filled,
        "UPDATE studies SET notes_days = NULL, trail_days = 7, retention_days = 3,"
        " changed_at = now() WHERE study_id = 'changed'",
        # Of before the backup: it was restored from an older one meanwhile.
        "UPDATE studies SET notes_days = 90 WHERE study_id = 'as it was'",
    )
    result = await restore(filled, bench.kafka, tmp_path / "b", REPLACING)
    assert result.carried == {"times of retention": 1}
    times = "SELECT array_agg((study_id, notes_days, trail_days, retention_days)::text ORDER BY 1)"
    assert await run(filled, f"{times} FROM studies WHERE registered_by = 'ada'") == [
        ['("as it was",30,,)', "(changed,,7,3)"]
    ]


async def test_what_was_erased_after_the_backup_is_erased_again(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    await back_up(filled, bench.kafka, tmp_path / "b")
    left = (
        "SELECT count(*) FROM transcripts WHERE transcript_id IN"
        " (SELECT transcript_id FROM erased_transcripts)"
    )
    begun = "SELECT count(*) FROM erased_transcripts WHERE erased_at IS NULL"
    erase = "SELECT erase_transcript(transcript_id, '{}') FROM erased_transcripts"
    await run(
        filled,
        "INSERT INTO erasures (erasure_id, kind, study_id, requested_by)"
        " VALUES (gen_random_uuid(), 'transcript', 's', 'ada')",
        "INSERT INTO erased_transcripts (transcript_id, erasure_id)"
        " SELECT min(transcript_id::text)::uuid, (SELECT erasure_id FROM erasures)"
        " FROM transcripts",
        erase,
    )
    assert await run(filled, left) == [0]
    result = await restore(filled, bench.kafka, tmp_path / "b", REPLACING)
    assert result.carried == {"erasures": 1}
    # As control does once it runs.
    assert await run(filled, begun, erase, left) == [1, None, 0]


async def test_others_relations_are_named_and_never_dropped(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    await run(
        filled,
        "DROP ROLE IF EXISTS analyst",
        "CREATE ROLE analyst",
        "GRANT CREATE ON SCHEMA public TO analyst",
        "CREATE TABLE theirs (id int)",
        "CREATE VIEW their_view AS SELECT title FROM transcripts",
        "CREATE SCHEMA dashboards AUTHORIZATION analyst",
        "CREATE VIEW dashboards.findings AS SELECT statement FROM onrecord_v1.notes",
        "ALTER VIEW dashboards.findings OWNER TO analyst",
        "ALTER TABLE theirs OWNER TO analyst",
        "ALTER VIEW their_view OWNER TO analyst",
    )
    manifest = await back_up(filled, bench.kafka, tmp_path / "b")
    assert manifest.foreign == ("their_view", "theirs")
    assert "theirs" not in {table.name for table in manifest.tables}
    before = await read_contents(filled)
    with pytest.raises(BackupRefusedError, match="depend on") as refused:
        await restore(filled, bench.kafka, tmp_path / "b", REPLACING)
    assert refused.value.details == ("dashboards.findings", "their_view")
    assert await read_contents(filled) == before
    await run(filled, "DROP SCHEMA dashboards CASCADE")
    await run(filled, "DROP VIEW their_view", "INSERT INTO theirs VALUES (7)")
    await restore(filled, bench.kafka, tmp_path / "b", REPLACING)
    assert await run(filled, "SELECT id FROM theirs") == [7]
    await run(filled, "DROP TABLE theirs", "DROP OWNED BY analyst", "DROP ROLE analyst")


async def test_a_failure_in_the_middle_changes_nothing(
    bench: Bench, filled: PostgresSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await back_up(filled, bench.kafka, tmp_path / "b")
    await run(filled, "UPDATE transcripts SET title = 'later'")
    before, schema = await read_contents(filled), dump_schema(filled)

    async def fail(*_: object) -> None:
        raise KafkaUnavailableError("the broker is gone")

    with monkeypatch.context() as changed:
        changed.setattr(PositionStore, "set", fail)
        with pytest.raises(KafkaUnavailableError):
            await restore(filled, bench.kafka, tmp_path / "b", REPLACING)
    assert await read_contents(filled) == before
    assert dump_schema(filled) == schema


async def test_rows_that_the_schema_refuses_change_nothing(
    bench: Bench, filled: PostgresSettings, empty: PostgresSettings, tmp_path: Path
) -> None:
    """A file that says it is whole, of a database whose constraints somebody had dropped."""
    await run(
        filled,
        "ALTER TABLE note_themes DROP CONSTRAINT note_themes_note_id_fkey",
        "INSERT INTO note_themes SELECT gen_random_uuid(), 'any'",
    )
    await back_up(filled, bench.kafka, tmp_path / "b")
    with pytest.raises(BackupError, match=r"nothing is changed: ForeignKeyViolation"):
        await restore(empty, bench.kafka, tmp_path / "b")
    assert await run(empty, "SELECT to_regclass('transcripts')") == [None]


async def test_sessions_of_services_keep_a_restoration_from_beginning(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    await back_up(filled, bench.kafka, tmp_path / "b")
    service = await asyncpg.connect(filled.dsn.get_secret_value())
    try:
        with pytest.raises(BackupRefusedError, match="connected to the database"):
            await restore(filled, bench.kafka, tmp_path / "b", REPLACING)
    finally:
        await service.close()
    await restore(filled, bench.kafka, tmp_path / "b", REPLACING)


async def test_a_login_that_does_not_see_all_rows_makes_no_backup(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    await run(
        filled,
        "DROP ROLE IF EXISTS half_blind",
        "CREATE ROLE half_blind LOGIN PASSWORD 'x'",
        "GRANT onrecord_reader TO half_blind",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO half_blind",
        "DELETE FROM study_grants WHERE role_name = 'onrecord_reader'",
    )
    dsn = re.sub(r"//[^@]*@", "//half_blind:x@", filled.dsn.get_secret_value())
    blind = filled.model_copy(update={"dsn": SecretStr(dsn)})
    assert await run(blind, "SELECT current_user::text") == ["half_blind"]
    with (
        (tmp_path / "b").open("w+b") as file,
        pytest.raises(BackupRefusedError, match="does not see"),
    ):
        await make_backup(blind, bench.kafka, file)


async def test_backups_of_other_code_are_refused_before_anything_is_touched(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    manifest = await back_up(filled, bench.kafka, tmp_path / "b")
    latest = manifest.migrations[-1]
    newer = latest.model_copy(update={"version": latest.version + 1, "name": "what_comes"})
    with pytest.raises(SchemaUnknownError, match="does not know"):
        choose_migrations((*manifest.migrations, newer))
    other = latest.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(SchemaUnknownError, match="another line"):
        choose_migrations((*manifest.migrations[:-1], other))


async def make_older_schema(settings: PostgresSettings, last: int) -> None:
    """Apply the first migrations to an empty database, as an older version did."""
    async with open_migration_connection(settings, lambda _: None) as connection:
        await create_roles(connection, GROUPS, lambda _: None)
        await act_as_owner(connection)
        await create_schema_table(connection)
        for migration in read_migrations()[:last]:
            await apply_migration(connection, migration)


async def test_a_backup_of_an_older_schema_is_migrated_on(
    bench: Bench, empty: PostgresSettings, tmp_path: Path
) -> None:
    """And what was decided since, in tables that it did not have, is carried over."""
    await make_older_schema(empty, 56)
    await back_up(empty, bench.kafka, tmp_path / "b")
    await apply_migrations(empty)
    erased = uuid4()
    await run(
        empty,
        "INSERT INTO erasures (erasure_id, kind, study_id, requested_by)"
        " VALUES (gen_random_uuid(), 'transcript', 's', 'ada')",
        "INSERT INTO erased_transcripts (transcript_id, erasure_id)"
        f" SELECT '{erased}', erasure_id FROM erasures",
        "INSERT INTO control_secrets VALUES ('erasure-receipts', repeat('k', 32)::bytea)",
    )
    result = await restore(empty, bench.kafka, tmp_path / "b", REPLACING)
    assert result.migrated[0] == "0057_reading_reports"
    assert result.carried == {"erasures": 1}
    assert await list_pending_migrations(empty) == []
    assert await run(
        empty,
        "SELECT to_regclass('reading_reports')::text",
        "SELECT transcript_id FROM erased_transcripts",
        "SELECT secret FROM control_secrets",
    ) == ["reading_reports", erased, b"k" * 32]


async def test_a_file_that_is_damaged_after_it_was_verified_changes_nothing(
    bench: Bench, filled: PostgresSettings, empty: PostgresSettings, tmp_path: Path
) -> None:
    manifest = await back_up(filled, bench.kafka, tmp_path / "b")
    part = next(one for one in manifest.parts if "/notes/" in one.name)
    content = bytearray((tmp_path / "b").read_bytes())
    place = content.index(part.name.encode()) + 512
    content[place + part.size // 2] ^= 1
    (tmp_path / "b").write_bytes(bytes(content))
    with (tmp_path / "b").open("rb") as file:
        with pytest.raises(BackupFileError, match="damaged"):
            verify_archive(file)
        target = backup.restoring.RestoreTarget(empty, bench.kafka)
        with pytest.raises(BackupFileError, match="changed"):
            await backup.restoring.restore_backup(target, manifest, file, NOW)
    assert await run(empty, "SELECT to_regclass('transcripts')") == [None]
