"""The database itself refuses what the transcript does not bear out, whoever writes it."""

from typing import Any

import asyncpg
import pytest

from database.pool import Database
from persistence.store import NotesStore
from support.interviews import TRANSCRIPT, TURNS, evidence, ingested, note, validated

NOTE = note("They would not recommend it")

ADD_EVIDENCE = """
    INSERT INTO evidence (note_id, position, transcript_id, revision, segment, start_char, length,
                          quote, speaker, role)
    VALUES ($1, 9, $2, $3, $4, $5, $6, $7, $8, $9)
"""


@pytest.fixture
async def database(fresh_database: Database) -> Database:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_transcript(ingested(revision=2))
    await store.store_notes(validated(NOTE))
    return fresh_database


async def add(database: Database, revision: int = 1, **changes: Any) -> None:
    cited = evidence().model_copy(update=changes)
    await database.execute(
        ADD_EVIDENCE,
        NOTE.note_id,
        TRANSCRIPT,
        revision,
        cited.segment,
        cited.start,
        cited.length,
        cited.quote,
        cited.speaker,
        cited.role,
    )


async def test_takes_the_transcript_s_own_words(database: Database) -> None:
    await add(database)
    assert await database.fetchval("SELECT count(*) FROM evidence") == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"quote": "I would recommend it", "length": 20},
        {"quote": "i would not recommend it"},
        {"start": evidence().start - 1},
        {"speaker": "Ada"},
        {"role": "interviewer"},
        {"segment": 1},
    ],
)
async def test_refuses_a_raw_insert_of_a_false_quote(
    database: Database, changes: dict[str, Any]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await add(database, **changes)
    assert refusal.value.constraint_name == "evidence_is_exact"


async def test_refuses_a_quote_past_the_end_of_the_segment(database: Database) -> None:
    text = TURNS[1].text
    with pytest.raises(asyncpg.CheckViolationError):
        await add(database, start=len(text) - 3, length=10, quote=text[-3:])


async def test_refuses_evidence_from_another_revision_than_the_note_s(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await add(database, revision=2)
    assert refusal.value.constraint_name == "evidence_is_exact"


async def test_refuses_evidence_from_a_segment_that_is_not_there(database: Database) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError) as refusal:
        await add(database, segment=77)
    assert refusal.value.constraint_name == "evidence_cites_a_segment"


async def test_refuses_to_falsify_a_stored_quote(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await database.execute("UPDATE evidence SET quote = 'I would recommend it at all'")
    assert refusal.value.constraint_name == "evidence_is_exact"


async def test_a_temporary_table_cannot_stand_in_for_the_segments(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("CREATE TEMPORARY TABLE segments AS SELECT * FROM segments")
        await connection.execute("UPDATE segments SET text = replace(text, 'not ', '')")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE evidence SET quote = 'x', length = 1, start_char = 0")


@pytest.mark.parametrize("table", ["segments", "notes"])
async def test_refuses_to_change_what_evidence_hangs_on(database: Database, table: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=f"rows of {table} are never changed"):
        await database.execute(f"UPDATE {table} SET revision = revision")


async def test_refuses_a_note_without_evidence_when_it_is_committed(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await database.execute(
            "INSERT INTO notes (note_id, chunk_id, transcript_id, revision, study_id, attempt,"
            " position, statement) SELECT gen_random_uuid(), chunk_id, transcript_id, revision,"
            " study_id, attempt, 2, 'Bare' FROM notes"
        )
    assert refusal.value.constraint_name == "note_has_evidence"


async def test_refuses_to_take_a_note_s_last_evidence_away(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await database.execute("DELETE FROM evidence")
    assert refusal.value.constraint_name == "note_has_evidence"


async def test_a_note_goes_with_its_evidence(database: Database) -> None:
    await database.execute("DELETE FROM notes")
    assert await database.fetchval("SELECT count(*) FROM evidence") == 0
