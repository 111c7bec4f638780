"""Migrations take along dead letters: which are settled, and of which an outcome is looked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy

import asyncpg
import pytest

from database.migrate import MIGRATIONS, apply_migrations
from database.settings import PostgresSettings
from support.postgres import TestServer

BEFORE_AWAITED_REPLAYS = 52
BETWEEN = 53
LETTER = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, consumer_group, error_code,
    error_type, error_message, attempts, timeouts, failed_at, fingerprint, headers, size_bytes,
    state, state_reason, outcome, outcome_at, emptied_at, replay_began_at, state_changed_at
) VALUES (
    md5($1::text)::uuid, 'enrichment', 'enrichment-dlq', 0, $2, 'enrichment', 'llm_timeout',
    'Error', $1, 1, 1, now(), 'f', '[]', 1, $3, 'why', $4::text,
    CASE WHEN $4::text IS NOT NULL THEN now() END, CASE WHEN $5::boolean THEN now() END,
    now(), now()
)
"""
LETTERS = {
    "open": ("open", None, False),
    "replaying": ("replaying", None, False),
    "awaited": ("replayed", None, False),
    "resolved": ("replayed", "resolved", False),
    "failed again": ("replayed", "failed_again", False),
    "emptied without an outcome": ("replayed", None, True),
    "discarded": ("discarded", None, False),
    "expired": ("discarded", "expired", True),
}
UNSETTLED = {"open", "replaying", "awaited"}


@pytest.fixture
async def empty(postgres: TestServer) -> AsyncIterator[PostgresSettings]:
    await postgres.arun("CREATE DATABASE letters_before")
    yield postgres.settings("letters_before")
    await postgres.arun("DROP DATABASE letters_before WITH (FORCE)")


@pytest.mark.parametrize("version", [BEFORE_AWAITED_REPLAYS, BETWEEN])
async def test_letters_are_settled_and_awaited_as_they_were(
    empty: PostgresSettings, tmp_path: Path, version: int
) -> None:
    for file in sorted(MIGRATIONS.glob("*.sql"))[:version]:
        copy(file, tmp_path)
    await apply_migrations(empty, [tmp_path])
    connection = await asyncpg.connect(empty.dsn.get_secret_value())
    try:
        for offset, (name, fields) in enumerate(LETTERS.items()):
            await connection.execute(LETTER, name, offset, *fields)
        await apply_migrations(empty)
        rows = await connection.fetch("SELECT error_message FROM dead_letters WHERE NOT settled")
        assert {row["error_message"] for row in rows} == UNSETTLED
        awaited = await connection.fetch(
            "SELECT error_message FROM awaited_replays JOIN dead_letters AS letter"
            " USING (letter_id) WHERE sent_at = letter.state_changed_at"
        )
        assert [row["error_message"] for row in awaited] == ["awaited"]
        assert await connection.fetchval("SELECT count(*) FROM awaited_replays") == 1
    finally:
        await connection.close()
