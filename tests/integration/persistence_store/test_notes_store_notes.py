import asyncio
import json

import pytest

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence
from contracts.transcript import Role, Segment
from database.errors import DatabaseLimitError, DatabaseUnavailableError
from database.pool import Database
from grounding.evidence import copy_evidence, resolve_citations
from persistence.domain import UngroundedWriteError, UnstorableEventError
from persistence.store import NotesStore
from support.interviews import (
    STUDY,
    TRANSCRIPT,
    chunk,
    evidence,
    ingested,
    note,
    refused,
    validated,
)
from support.persisting import stored_notes
from support.postgres import TestServer
from transcripts import split_into_chunks


@pytest.fixture
async def store(fresh_database: Database) -> NotesStore:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    return store


async def statements(database: Database) -> list[str]:
    rows = await database.fetch("SELECT statement FROM notes ORDER BY chunk_id, position")
    return [row["statement"] for row in rows]


async def test_stores_notes_with_all_that_belongs_to_them(
    store: NotesStore, fresh_database: Database
) -> None:
    first = note("They pay 40 dollars", evidence("We pay 40 dollars 🙂"), evidence("cafe\u0301"))
    second = note("They would not recommend it", themes=("price", "trust"), questions=())
    stored = await stored_notes(store, validated(first, second, rejected=(refused(),)))

    assert stored.note_ids == (first.note_id, second.note_id)
    assert (stored.study_id, stored.rejected_count) == ("billing", 1)
    assert await statements(fresh_database) == [first.statement, second.statement]
    cited = await fresh_database.fetchrow(
        "SELECT * FROM evidence WHERE note_id = $1 AND position = 2", first.note_id
    )
    assert cited is not None
    assert (cited["quote"], cited["speaker"], cited["start_ms"]) == ("cafe\u0301", "Bo", 1_000)
    themes = await fresh_database.fetch("SELECT note_id, theme_id FROM note_themes ORDER BY 2")
    assert [row["theme_id"] for row in themes] == ["price", "price", "trust"]
    assert await fresh_database.fetchval("SELECT count(*) FROM note_questions") == 1
    draft = await fresh_database.fetchrow("SELECT draft, failures FROM rejected_notes")
    assert draft is not None
    assert json.loads(draft["draft"])["statement"] == "Everybody loves it"
    assert json.loads(draft["failures"])[0]["check"] == "quote_not_found"


async def test_marks_the_chunk_as_stored_with_what_it_cost(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated())
    rows = await fresh_database.fetch("SELECT * FROM chunks ORDER BY index")
    assert [row["stored_at"] is None for row in rows] == [False, True]
    assert (rows[0]["model"], rows[0]["input_tokens"], rows[0]["output_tokens"]) == (
        "simulator",
        100,
        20,
    )


async def test_a_quote_across_the_cut_of_a_long_turn_is_stored_as_one_of_the_whole_turn(
    fresh_database: Database,
) -> None:
    text = " ".join(f"We paid {n} pounds 🙂 for it." for n in range(60))
    turn = Segment(number=1, speaker="Bo", role=Role.PARTICIPANT, text=text)
    chunks = split_into_chunks([turn], max_characters=600)
    refs = [
        chunk(1, one.index).model_copy(update={"first_segment": 1, "last_segment": 1})
        for one in chunks
    ]
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(segments=(turn,), chunks=tuple(refs)))
    part = chunks[1].segments[0]
    shown = ChunkReady(
        chunk_id=refs[1].chunk_id,
        transcript_id=TRANSCRIPT,
        revision=1,
        index=2,
        chunk_count=len(chunks),
        title="Interview 1",
        study=STUDY,
        context=chunks[1].context,
        segments=chunks[1].segments,
    )
    number = int(part.text.split()[2])
    cited = DraftEvidence(
        segment=1, first_words=f"We paid {number - 1}", last_words=f"{number} pounds for it"
    )
    (found,) = resolve_citations([cited], shown).found
    across = copy_evidence(found)
    assert across.start < part.text_offset < across.start + across.length
    await stored_notes(store, validated(note("They paid", across), index=2))
    row = await fresh_database.fetchrow("SELECT start_char, length, quote FROM evidence")
    assert row is not None
    assert text[row["start_char"] : row["start_char"] + row["length"]] == row["quote"]


async def test_a_chunk_without_notes_is_stored_too(store: NotesStore) -> None:
    stored = await stored_notes(store, validated())
    assert stored.note_ids == ()


async def test_a_redelivery_changes_nothing(store: NotesStore, fresh_database: Database) -> None:
    event = validated(note("They pay 40 dollars"), rejected=(refused(),))
    first = await store.store_notes(event)
    stored_at = await fresh_database.fetchval("SELECT max(stored_at) FROM chunks")
    assert await store.store_notes(event) == first
    assert await fresh_database.fetchval("SELECT max(stored_at) FROM chunks") == stored_at
    assert await fresh_database.fetchval("SELECT count(*) FROM evidence") == 1


async def test_the_first_outcome_of_a_chunk_wins(
    store: NotesStore, fresh_database: Database
) -> None:
    first = await store.store_notes(validated(note("They pay 40 dollars")))
    later = validated(note("Another draft"), rejected=(refused(),), attempt=2)
    assert await store.store_notes(later) == first
    assert await statements(fresh_database) == ["They pay 40 dollars"]
    assert await fresh_database.fetchval("SELECT count(*) FROM rejected_notes") == 0


async def test_different_drafts_of_one_chunk_at_once_end_as_one_of_them(
    store: NotesStore, fresh_database: Database
) -> None:
    events = [validated(note(f"Draft {number}"), attempt=number) for number in range(1, 9)]
    outcomes = await asyncio.gather(*map(store.store_notes, events))
    assert len({outcome.note_ids for outcome in outcomes if outcome}) == 1
    assert len(await statements(fresh_database)) == 1


async def test_chunks_of_one_transcript_are_stored_at_the_same_time(
    store: NotesStore, fresh_database: Database
) -> None:
    await asyncio.gather(
        store.store_notes(validated(note("From the first"), index=1)),
        store.store_notes(validated(note("From the second"), index=2)),
    )
    assert sorted(await statements(fresh_database)) == ["From the first", "From the second"]


async def test_the_same_note_twice_in_one_draftedis_one_note(store: NotesStore) -> None:
    twice = note("They pay 40 dollars")
    other = note("They would not recommend it")
    stored = await stored_notes(store, validated(twice, other, twice))
    assert stored.note_ids == (twice.note_id, other.note_id)


@pytest.mark.parametrize(
    "changes",
    [
        {"quote": "I would recommend it now"},
        {"start": 0},
        {"length": 3},
        {"speaker": "Ada"},
        {"role": "interviewer"},
        {"segment": 1},
        {"segment": 99},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_evidence_that_is_not_in_the_transcript_is_refused_whole(
    store: NotesStore, fresh_database: Database, changes: dict[str, object]
) -> None:
    values = evidence().model_dump() | changes
    false = type(evidence())(**values)
    event = validated(note("They pay 40 dollars"), note("False", false), rejected=(refused(),))
    with pytest.raises(UngroundedWriteError) as refusal:
        await store.store_notes(event)
    assert "recommend" not in str(refusal.value)
    assert await statements(fresh_database) == []
    assert await fresh_database.fetchval("SELECT count(stored_at) FROM chunks") == 0


async def test_a_chunk_of_another_revision_is_refused(store: NotesStore) -> None:
    event = validated(note("They pay 40 dollars")).model_copy(update={"revision": 2})
    with pytest.raises(UnstorableEventError, match="another transcript or revision"):
        await store.store_notes(event)


async def test_a_number_postgres_cannot_hold_is_the_message_s_fault(store: NotesStore) -> None:
    with pytest.raises(UnstorableEventError):
        await store.store_notes(validated(note("Far away", evidence(segment=2**40))))


async def test_a_label_that_no_index_can_hold_is_the_message_s_fault(store: NotesStore) -> None:
    label = "".join(
        chr(0x4E00 + (n * 7919) % 20_000) for n in range(9_000)
    )  # nothing compresses it
    with pytest.raises(DatabaseLimitError):
        await store.store_notes(validated(note("Filed under much", themes=(label,))))
    assert (await stored_notes(store, validated(note("Filed under little")))).note_ids


async def test_a_zero_character_of_the_model_is_replaced(
    store: NotesStore, fresh_database: Database
) -> None:
    # No event can have it any more; a draft that an older version kept may.
    odd = note("Odd").model_copy(update={"statement": "Odd\0"})
    drafted = refused().draft.model_copy(update={"statement": "Odder\0"})
    odder = refused().model_copy(update={"draft": drafted})
    await store.store_notes(validated(odd, rejected=(odder,)))
    assert await statements(fresh_database) == ["Odd\ufffd"]
    draft = await fresh_database.fetchval("SELECT draft ->> 'statement' FROM rejected_notes")
    assert draft == "Odder\ufffd"


async def test_waits_out_a_server_that_is_stopped(
    postgres: TestServer, store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated(note("Before"), index=1))
    postgres.stop()
    after = validated(note("After"), index=2)
    with pytest.raises(DatabaseUnavailableError):
        await store.store_notes(after)
    postgres.start()
    assert (await stored_notes(store, after)).note_ids == (note("After").note_id,)
    assert await fresh_database.fetchval("SELECT count(*) FROM notes") == 2


async def test_notes_of_an_older_revision_are_superseded_once_a_newer_one_is_ingested(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated(note("Old")))
    current = "SELECT model_reading FROM current_notes"
    assert [row["model_reading"] for row in await fresh_database.fetch(current)] == ["Old"]
    await store.store_transcript(ingested(revision=2))
    assert await fresh_database.fetch(current) == []
    await store.store_notes(validated(note("New"), revision=2))
    assert [row["model_reading"] for row in await fresh_database.fetch(current)] == ["New"]
    assert sorted(await statements(fresh_database)) == ["New", "Old"]


async def test_erasing_a_transcript_leaves_nothing_of_it(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated(note("They pay 40 dollars"), rejected=(refused(),)))
    await fresh_database.execute("DELETE FROM transcripts WHERE transcript_id = $1", TRANSCRIPT)
    for table in ("segments", "chunks", "notes", "evidence", "note_themes", "rejected_notes"):
        assert await fresh_database.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_knows_its_chunk_by_id(store: NotesStore) -> None:
    assert (await stored_notes(store, validated())).chunk_id == chunk().chunk_id
