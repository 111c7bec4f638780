"""Migrations take along what is stored already."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy
from typing import Any

import asyncpg
import pytest

from contracts.registry import StudyInputs
from database.migrate import MIGRATIONS, apply_migrations
from database.settings import PostgresSettings
from support.postgres import TestServer

STORED = """
INSERT INTO transcripts (transcript_id, revision, study_id, title, format, content_sha256, study,
                         segment_count, chunk_count)
VALUES ('00000000-0000-0000-0000-000000000001', 1, 's', 't', 'webvtt', '', '{}', 1, 2);
INSERT INTO segments VALUES
    ('00000000-0000-0000-0000-000000000001', 1, 1, 'Bo', 'participant', 'We pay 40 dollars');
INSERT INTO chunks (chunk_id, transcript_id, revision, index, first_segment, last_segment)
VALUES ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000001', 1, 2, 1, 1);
INSERT INTO chunks
VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 1, 1, 1, 1,
        now(), 2, 'model', 'print', 'notes-1', 5, 6);
INSERT INTO notes (note_id, chunk_id, transcript_id, revision, study_id, position, statement)
VALUES ('00000000-0000-0000-0000-000000000004', '00000000-0000-0000-0000-000000000002',
        '00000000-0000-0000-0000-000000000001', 1, 's', 1, 'They pay 40 dollars');
INSERT INTO evidence
VALUES ('00000000-0000-0000-0000-000000000004', 1, '00000000-0000-0000-0000-000000000001', 1, 1, 0,
        17, 'We pay 40 dollars', 'Bo', 'participant');
INSERT INTO rejected_notes (chunk_id, position, draft, failures)
VALUES ('00000000-0000-0000-0000-000000000002', 1, '{}', '[]');
"""


@pytest.fixture
async def empty(postgres: TestServer) -> AsyncIterator[PostgresSettings]:
    await postgres.arun("CREATE DATABASE stored_before")
    yield postgres.settings("stored_before")
    await postgres.arun("DROP DATABASE stored_before WITH (FORCE)")


async def test_notes_stored_before_drafts_were_kept_belong_to_their_chunk_s_draft(
    empty: PostgresSettings, tmp_path: Path
) -> None:
    for file in sorted(MIGRATIONS.glob("*.sql"))[:5]:
        copy(file, tmp_path)
    await apply_migrations(empty, [tmp_path])
    connection = await asyncpg.connect(empty.dsn.get_secret_value())
    try:
        await connection.execute(STORED)
        await apply_migrations(empty)
        drafts = await connection.fetch("SELECT attempt, final, model, input_tokens FROM drafts")
        assert [tuple(row) for row in drafts] == [(2, True, "model", 5)]
        notes = await connection.fetch("SELECT attempt, flags, same_as FROM notes")
        assert [tuple(row) for row in notes] == [(2, "[]", None)]
        assert await connection.fetchval("SELECT attempt FROM rejected_notes") == 2
        assert await connection.fetchval("SELECT count(*) FROM current_notes") == 1
        with pytest.raises(asyncpg.CheckViolationError, match="never changed"):
            await connection.execute("UPDATE notes SET attempt = 3")
    finally:
        await connection.close()


async def test_notes_stored_before_they_had_a_standing_are_unproven(
    empty: PostgresSettings, tmp_path: Path
) -> None:
    for file in sorted(MIGRATIONS.glob("*.sql"))[:5]:
        copy(file, tmp_path)
    await apply_migrations(empty, [tmp_path])
    connection = await asyncpg.connect(empty.dsn.get_secret_value())
    try:
        await connection.execute(STORED)
        await apply_migrations(empty)
        (row,) = await connection.fetch("SELECT * FROM current_notes")
        assert (row["statement"], row["model_reading"]) == (None, "They pay 40 dollars")
        assert (row["standing"], row["vouchers"], row["statements"]) == ("unproven", "[]", "proven")
    finally:
        await connection.close()


async def test_what_older_code_stores_is_put_off_until_newer_code_runs(
    empty: PostgresSettings,
) -> None:
    await apply_migrations(empty)
    connection = await asyncpg.connect(empty.dsn.get_secret_value())
    try:
        # A conflict is tried again; whatever else is wrong with a row makes a dead letter.
        for statement in STORED.split(";"):
            if "INTO notes" in statement or "INTO rejected_notes" in statement:
                with pytest.raises(asyncpg.SerializationError, match="belong to a draft"):
                    await connection.execute(statement)
    finally:
        await connection.close()


EARLIER_INTERVIEW = """
INSERT INTO transcripts (transcript_id, revision, study_id, title, format, content_sha256, study,
                         segment_count, chunk_count, ingested_at)
VALUES (gen_random_uuid(), 1, $1, 'x', 'srt', '', $2, 0, 0, now() + $3 * interval '1 second')
"""


async def test_studies_that_had_interviews_are_registered_with_the_strictest_of_their_policies(
    empty: PostgresSettings, tmp_path: Path
) -> None:
    asked = {"name": "A", "language": "en", "themes": [{"id": "a", "name": "A"}], "questions": []}
    mild = {"personal_data": "allow", "doubtful_speakers": "accept", "statements": "all"}
    later = [{"id": "b", "name": "B"}]
    studies: dict[str, list[dict[str, Any]]] = {
        "mild": [asked | mild, asked | mild | {"themes": later, "models": ["m"]}],
        "mixed": [asked | mild, asked | {"personal_data": "mask", "statements": "quotes"}],
        "silent": [asked | mild, asked],
        "strict": [asked | {"personal_data": "reject"}, asked | {"personal_data": "mask"}],
        "odd": [{}],
    }
    for file in sorted(MIGRATIONS.glob("*.sql"))[:21]:
        copy(file, tmp_path)
    await apply_migrations(empty, [tmp_path])
    connection = await asyncpg.connect(empty.dsn.get_secret_value())
    try:
        for study_id, submitted in studies.items():
            for number, study in enumerate(submitted):
                await connection.execute(EARLIER_INTERVIEW, study_id, json.dumps(study), number)
        await connection.execute(
            "INSERT INTO studies (study_id, doubtful_speakers, statements, registered_by) "
            "VALUES ('strict', 'accept', 'all', 'ada')"
        )
        await apply_migrations(empty)
        rows = await connection.fetch("SELECT * FROM studies")
        found = {
            row["study_id"]: (row["personal_data"], row["doubtful_speakers"], row["statements"])
            for row in rows
        }
        assert found == {
            "mild": ("allow", "accept", "all"),
            "mixed": ("mask", "refuse", "quotes"),
            "silent": (None, "refuse", "proven"),
            "strict": (None, "accept", "all"),
        }
        assert {row["study_id"] for row in rows if row["is_self_registered"]} == {
            *("mild", "mixed", "silent")
        }
        inputs = await connection.fetchval(
            "SELECT inputs FROM study_versions WHERE study_id = 'mild'"
        )
        assert StudyInputs.model_validate_json(inputs).themes[0].id == "b"
        models = await connection.fetchval("SELECT models FROM studies WHERE study_id = 'mild'")
        assert models == ["m"]
    finally:
        await connection.close()
