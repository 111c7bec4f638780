"""Backups of test databases, and comparisons of what is in two of them."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition

from backup.archive import open_new_file, verify_archive
from backup.backing_up import make_backup
from backup.manifest import BackupManifest
from backup.positions import open_position_store
from backup.restoring import RestoreOptions, RestoreResult, RestoreTarget, restore_backup
from backup.tables import LEFT_OUT
from database.settings import PostgresSettings
from local_stack.postgres import find_postgres_programs
from messaging import KafkaSettings
from support.broker import Bench

ADDITIONS: Final = (
    """
    INSERT INTO access_tokens (token_id, name, secret_sha256, grants, created_by)
    VALUES ('00000000-0000-0000-0000-000000000007', E'a \\t tab, a \\\\ and a \\n line',
            decode(repeat('07', 32), 'hex'), '[]', 'test')
    """,
    """
    INSERT INTO trail (actor, action, target)
    SELECT 'ada', 'note.read', 'n' || i FROM generate_series(1, 5) AS i
    """,
    "INSERT INTO trail_outcomes (entry_id, outcome) SELECT entry_id, 'done' FROM trail LIMIT 3",
    "INSERT INTO study_grants (role_name, study_id) VALUES ('some_role', NULL)",
    """
    INSERT INTO submissions (topic, partition, record_offset, submitted_at)
    SELECT 'transcripts-submitted', 0, i, now() FROM generate_series(0, 9) AS i
    """,
)
"""What the store of notes does not write, with characters that COPY has to escape."""

NOW: Final = RestoreOptions(patience_s=0)


async def back_up(postgres: PostgresSettings, kafka: KafkaSettings, file: Path) -> BackupManifest:
    """Make a backup in a file, verify it, and return its manifest."""
    with open_new_file(file, replaces=True) as opened:
        made = await make_backup(postgres, kafka, opened)
    with file.open("rb") as opened:
        assert verify_archive(opened) == made
    return made


async def restore(
    postgres: PostgresSettings, kafka: KafkaSettings, file: Path, options: RestoreOptions = NOW
) -> RestoreResult:
    """Verify a backup and restore it."""
    with file.open("rb") as opened:
        manifest = verify_archive(opened)
        return await restore_backup(RestoreTarget(postgres, kafka), manifest, opened, options)


async def read_contents(postgres: PostgresSettings) -> dict[str, tuple[int, str]]:
    """Return the number of rows of each table that is backed up, and a hash of them."""
    connection = await asyncpg.connect(postgres.dsn.get_secret_value())
    try:
        names = [
            row[0]
            for row in await connection.fetch(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind = 'r'"
            )
        ]
        return {
            name: await _read_table(connection, name)
            for name in sorted(names)
            if name not in {*LEFT_OUT, "schema_migrations"}
        }
    finally:
        await connection.close()


async def _read_table(connection: Any, name: str) -> tuple[int, str]:
    rows = [row[0] for row in await connection.fetch(f'SELECT t::text FROM "{name}" AS t')]
    return len(rows), hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def dump_schema(postgres: PostgresSettings) -> str:
    """Return what ``pg_dump`` says of a database's schema, with owners, rights and policies."""
    uri = postgres.dsn.get_secret_value()
    programs = find_postgres_programs()
    done = subprocess.run(
        [str(programs / "pg_dump"), "--schema-only", f"--dbname={uri}"],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    name = urlsplit(uri).path.lstrip("/")
    # Random words that keep psql from running what a server injects.
    plain = re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.MULTILINE)
    return plain.replace(name, "DATABASE")


@asynccontextmanager
async def running_consumer(bench: Bench, service: str) -> AsyncIterator[Any]:
    """A consumer that may commit for a service's group, and is no member of it."""
    consumer = AIOKafkaConsumer(
        **bench.kafka.client_options(),
        group_id=bench.kafka.topic(service),
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def commit_offset(
    bench: Bench, service: str, topic: str, offset: int, metadata: str = ""
) -> None:
    """Commit an offset of the only partition of a topic, or its first, for a service's group."""
    place = TopicPartition(bench.kafka.topic(topic), 0)
    async with running_consumer(bench, service) as consumer:
        consumer.assign([place])
        await consumer.commit({place: OffsetAndMetadata(offset, metadata)})


async def read_committed(bench: Bench, service: str, topic: str) -> tuple[int, str] | None:
    """Return what a service's group has committed of the first partition of a topic."""
    async with open_position_store(bench.kafka) as store:
        found = (await store.read()).commits.get((service, topic, 0))
    return None if found is None else (found.offset, found.metadata)
