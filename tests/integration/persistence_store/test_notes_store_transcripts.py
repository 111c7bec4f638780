import asyncio
import json

import asyncpg
import pytest

from database.pool import Database
from persistence.domain import RevisionConflictError, UnstorableEventError
from persistence.store import NotesStore
from support.interviews import REPORT, STUDY, TURNS, ingested, sha


@pytest.fixture
def store(fresh_database: Database) -> NotesStore:
    return NotesStore(fresh_database)


async def counted(database: Database) -> tuple[int, ...]:
    tables = ("transcripts", "segments", "chunks")
    return tuple([await database.fetchval(f"SELECT count(*) FROM {one}") for one in tables])


async def test_stores_turns_as_they_were_spoken(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_transcript(ingested())
    rows = await fresh_database.fetch("SELECT * FROM segments ORDER BY number")
    assert [row["text"] for row in rows] == [turn.text for turn in TURNS]
    assert [row["speaker"] for row in rows] == ["Ada", "Bo"]
    assert [row["end_ms"] for row in rows] == [None, 9_000]
    about = await fresh_database.fetchrow("SELECT * FROM transcripts")
    assert about is not None
    assert (about["segment_count"], about["chunk_count"], about["format"]) == (2, 2, "webvtt")
    assert json.loads(about["study"]) == STUDY.model_dump(mode="json")


async def test_stores_how_an_interview_was_read(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_transcript(ingested())
    await store.store_transcript(ingested(reading_report=None))
    await store.store_transcript(ingested(2, reading_report=None))  # as older events are
    rows = await fresh_database.fetch("SELECT * FROM reading_reports")
    assert [(row["revision"], json.loads(row["report"])) for row in rows] == [
        (1, REPORT.model_dump(mode="json"))
    ]
    with pytest.raises(asyncpg.CheckViolationError, match="never changed"):
        await fresh_database.execute("UPDATE reading_reports SET report = '{}'")


async def test_a_redelivered_transcript_changes_nothing(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_transcript(ingested())
    await store.store_transcript(ingested(title="Renamed"))
    assert await counted(fresh_database) == (1, 2, 2)
    assert await fresh_database.fetchval("SELECT title FROM transcripts") == "Interview 1"


async def test_the_same_transcript_many_times_at_once_is_stored_once(
    store: NotesStore, fresh_database: Database
) -> None:
    await asyncio.gather(*(store.store_transcript(ingested()) for _ in range(8)))
    assert await counted(fresh_database) == (1, 2, 2)


async def test_other_content_under_a_taken_revision_is_a_conflict(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_transcript(ingested())
    with pytest.raises(RevisionConflictError, match="submit the changed interview as a new rev"):
        await store.store_transcript(ingested(content_sha256=sha("b")))
    assert await counted(fresh_database) == (1, 2, 2)


async def test_of_two_contents_at_once_one_is_stored_and_one_is_a_conflict(
    store: NotesStore,
) -> None:
    outcomes = await asyncio.gather(
        store.store_transcript(ingested()),
        store.store_transcript(ingested(content_sha256=sha("b"))),
        return_exceptions=True,
    )
    assert {type(one) for one in outcomes} == {tuple, RevisionConflictError}


async def test_a_text_postgres_cannot_hold_is_the_message_s_fault(
    store: NotesStore, fresh_database: Database
) -> None:
    odd = TURNS[0].model_copy(update={"text": "What\0?"})
    with pytest.raises(UnstorableEventError) as refusal:
        await store.store_transcript(ingested(segments=(odd,)))
    assert "What" not in str(refusal.value)
    assert await counted(fresh_database) == (0, 0, 0)


async def test_a_long_interview_is_stored_in_one_go(
    store: NotesStore, fresh_database: Database
) -> None:
    turns = tuple(
        TURNS[1].model_copy(update={"number": number, "text": f"turn {number} " + "word " * 40})
        for number in range(1, 5_001)
    )
    await store.store_transcript(ingested(segments=turns))
    assert await counted(fresh_database) == (1, 5_000, 2)
