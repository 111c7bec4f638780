"""Readers read the studies that are granted to them; rows of others do not exist for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from database.migrate import apply_migrations
from database.pool import Connection, Database, open_database
from database.settings import PostgresSettings
from persistence.store import NotesStore
from read_model.notes import NoteFilter
from read_model.queries import ReadModelQueries
from support.interviews import VOUCHED, evidence, ingested, note, refused, validated
from support.postgres import TestServer
from support.rights import acting_as, may

DATABASE: Final = "of_studies"
LOGINS: Final = ("keeper", "ann", "ben", "carl", "shop", "clerk")
EVERYWHERE: Final = (
    "transcripts", "segments", "speakers", "chunks", "drafts", "notes", "evidence", "note_themes",
    "note_questions", "rejected_notes", "submissions", "dead_letters", "current_notes",
    "shown_evidence", "shown_speakers", "exact_evidence", "exact_speakers", "reading_reports",
)  # fmt: skip
LETTER: Final = """
INSERT INTO dead_letters (letter_id, service, dlq_topic, dlq_partition, dlq_offset, consumer_group,
    error_code, error_type, error_message, attempts, timeouts, failed_at, fingerprint, subject,
    headers, size_bytes)
SELECT gen_random_uuid(), 'guardrail', 't', 0, row_number() OVER (), 'g', 'c', 'e', 'm', 1, 0,
       now(), 'f', chunk_id::text, '{}', 1
  FROM chunks
"""
COPIES: Final = """
INSERT INTO transcripts (transcript_id, revision, study_id, title, format, content_sha256, study,
                         segment_count, chunk_count)
SELECT gen_random_uuid(), 1, 'secret', 'Interview of another study', format, content_sha256, study,
       segment_count, chunk_count FROM transcripts WHERE study_id = 'billing';
INSERT INTO segments
SELECT twin.transcript_id, turn.revision, number, speaker, role, text, start_ms, end_ms
  FROM segments AS turn JOIN transcripts AS twin ON twin.study_id = 'secret';
INSERT INTO speakers
SELECT twin.transcript_id, voice.revision, speaker, pseudonym
  FROM speakers AS voice JOIN transcripts AS twin ON twin.study_id = 'secret';
INSERT INTO reading_reports
SELECT twin.transcript_id, reading.revision, report
  FROM reading_reports AS reading JOIN transcripts AS twin ON twin.study_id = 'secret';
INSERT INTO chunks (chunk_id, transcript_id, revision, index, first_segment, last_segment)
SELECT gen_random_uuid(), transcript_id, 1, 1, 1, 2 FROM transcripts WHERE study_id = 'secret';
INSERT INTO drafts SELECT chunks.chunk_id, 1, true, now(), 'm', 'f', 'p', 1, 1, false
  FROM chunks JOIN transcripts USING (transcript_id) WHERE study_id = 'secret';
INSERT INTO rejected_notes SELECT chunk_id, 1, '{}', '[]', 1, gen_random_uuid()
  FROM chunks JOIN transcripts USING (transcript_id) WHERE study_id = 'secret';
INSERT INTO notes (note_id, chunk_id, transcript_id, revision, study_id, position, statement,
                   attempt)
SELECT gen_random_uuid(), chunk_id, transcript_id, 1, 'secret', 1, 'They hide it', 1
  FROM chunks JOIN transcripts USING (transcript_id) WHERE study_id = 'secret';
INSERT INTO evidence (note_id, position, transcript_id, revision, segment, start_char, length,
                      quote, speaker, role)
SELECT note_id, 1, transcript_id, 1, number, 0, char_length(text), text, speaker, role
  FROM notes JOIN segments USING (transcript_id) WHERE study_id = 'secret' AND number = 1;
INSERT INTO note_themes SELECT note_id, 'price' FROM notes WHERE study_id = 'secret';
INSERT INTO note_questions SELECT note_id, 'why' FROM notes WHERE study_id = 'secret';
"""
SUBMISSION: Final = """
INSERT INTO submissions (topic, partition, record_offset, transcript_id, revision, submitted_at)
SELECT 't', 0, row_number() OVER (), transcript_id, revision, now() FROM transcripts
"""


@pytest.fixture
async def keeper(postgres: TestServer, postgres_template: str) -> AsyncIterator[PostgresSettings]:
    """A database with two studies, whose owner is no superuser; ann, ben and carl read it.

    Ann and ben are of the shop, which reads the study of billing, ben as an evidence reader. Carl
    is a reader to whom nothing is granted, clerk a login like control's.
    """
    del postgres_template  # which has made the groups
    await postgres.arun(
        *(f"CREATE ROLE {name} LOGIN PASSWORD 'throw-away'" for name in LOGINS),
        "GRANT onrecord_reader, shop TO ann",
        "GRANT onrecord_evidence_reader, shop TO ben",
        "GRANT onrecord_reader TO carl",
        "GRANT onrecord_control, onrecord_evidence_reader TO clerk",
        f"CREATE DATABASE {DATABASE} OWNER keeper",
    )
    uri = urlsplit(postgres.address(DATABASE))
    place = uri.netloc.rpartition("@")[2]
    owner = PostgresSettings(
        dsn=SecretStr(uri._replace(netloc=f"keeper:throw-away@{place}").geturl())
    )
    try:
        await apply_migrations(owner)
        async with open_database(owner) as database:
            await _fill(database)
        yield owner
    finally:
        await postgres.arun(
            f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)",
            *(f"DROP ROLE {name}" for name in LOGINS),
        )


async def _fill(database: Database) -> None:
    store = NotesStore(database)
    await store.store_transcript(ingested())
    await store.store_notes(
        validated(note("They pay", evidence(), **VOUCHED), rejected=(refused(),))
    )
    await database.execute(COPIES)
    await database.execute("DELETE FROM study_grants WHERE role_name = 'onrecord_reader'")
    await database.execute("INSERT INTO study_grants VALUES ('shop', 'billing')")
    await database.execute(LETTER)
    await database.execute(SUBMISSION)


@pytest.fixture
async def connection(keeper: PostgresSettings, postgres: TestServer) -> AsyncIterator[Connection]:
    opened = await asyncpg.connect(postgres.address(DATABASE))
    yield opened
    await opened.close()


async def counts(connection: Connection, role: str) -> dict[str, int | None]:
    """How many rows of each table and view a role sees; None where it may not look."""
    found: dict[str, int | None] = {}
    for name in EVERYWHERE:
        try:
            async with acting_as(connection, role):
                found[name] = await connection.fetchval(f"SELECT count(*) FROM {name}")
        except asyncpg.InsufficientPrivilegeError:
            found[name] = None
    return found


async def test_readers_see_the_rows_of_their_studies_alone(connection: Connection) -> None:
    everything = await counts(connection, "keeper")
    for role in ("ann", "ben"):
        seen = await counts(connection, role)
        mine = {name: rows for name, rows in seen.items() if rows is not None}
        assert len(mine) == (len(EVERYWHERE) if role == "ben" else 11)
        assert all(0 < rows < (everything[name] or 0) for name, rows in mine.items()), mine


async def test_readers_without_a_study_see_nothing(connection: Connection) -> None:
    assert set((await counts(connection, "carl")).values()) == {0, None}


async def test_services_and_the_owner_see_all_studies(connection: Connection) -> None:
    everything = await counts(connection, await connection.fetchval("SELECT current_user"))
    assert all(everything.values())
    assert await counts(connection, "keeper") == everything
    assert await counts(connection, "clerk") == everything  # as control's login is
    for role in ("onrecord_persistence", "onrecord_control", "onrecord_operator"):
        seen = await counts(connection, role)
        mine = {name: rows for name, rows in seen.items() if rows is not None}
        assert len(mine) > 3
        assert mine.items() <= everything.items()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT quote::int FROM exact_evidence",
        "SELECT quote FROM exact_evidence WHERE quote::int = 0",
        "SELECT FROM shown_evidence WHERE quote::int = 0",
        "SELECT FROM current_notes WHERE coalesce(statement, model_reading)::int = 0",
        "SELECT FROM segments WHERE text::int = 0",
    ],
)
async def test_errors_do_not_quote_other_studies(connection: Connection, query: str) -> None:
    await connection.execute("DELETE FROM study_grants WHERE role_name = 'shop'")
    async with acting_as(connection, "ben"):
        await connection.execute(query)


async def test_services_pay_nothing_for_policies(connection: Connection) -> None:
    query = "EXPLAIN SELECT FROM notes JOIN evidence USING (note_id) WHERE study_id = 'billing'"
    for role, pays in (("onrecord_persistence", False), ("ben", True)):
        async with acting_as(connection, role):
            plan = "\n".join(row[0] for row in await connection.fetch(query))
        assert ("SubPlan" in plan or "InitPlan" in plan) == pays, plan


async def test_a_reader_cannot_grant_a_study(connection: Connection) -> None:
    for statement in (
        "INSERT INTO study_grants VALUES ('carl', NULL)",
        "DELETE FROM study_grants",
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON notes USING (true)",
    ):
        assert not await may(connection, "carl", statement)
    async with acting_as(connection, "ben"):
        await connection.execute("SET row_security = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute("SELECT FROM notes")


async def test_the_pages_of_readers_have_their_studies_alone(
    keeper: PostgresSettings, postgres: TestServer
) -> None:
    uri = urlsplit(postgres.address(DATABASE))
    place = uri.netloc.rpartition("@")[2]
    for name, expected in (("ann", {"billing"}), ("carl", set())):
        dsn = SecretStr(uri._replace(netloc=f"{name}:throw-away@{place}").geturl())
        async with open_database(PostgresSettings(dsn=dsn)) as database:
            reading = ReadModelQueries(database)
            notes, total = await reading.notes(NoteFilter())
            assert {one.study_id for one in notes} == expected
            assert total == len(notes)
            assert bool(await reading.speakers(None)) == bool(expected)


async def test_all_readers_read_all_studies_until_somebody_says_otherwise(
    fresh_database: Database,
) -> None:
    granted = await fresh_database.fetch("SELECT role_name, study_id FROM study_grants")
    assert {tuple(row) for row in granted} == {
        ("onrecord_reader", None),
        ("onrecord_control", None),
    }


async def test_what_would_not_hold_is_refused(fresh_database: Database) -> None:
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="superuser"):
        await fresh_database.execute("INSERT INTO study_grants VALUES ('ann', 'billing')")
