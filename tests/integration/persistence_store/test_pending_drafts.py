"""Drafts that wait: a huge interview's hold up no other's, and no other event takes their place."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from contracts.errors import BadMessageError
from contracts.events import NotesStored, NotesValidated
from contracts.ids import derive_id
from database.pool import Database
from persistence.store import NotesStore
from support.interviews import TRANSCRIPT, evidence, ingested, note, validated
from support.many_interviews import interview
from support.waiting import until

GOOD = validated(note("They would not recommend it"))
KEPT_AT = ("notes-validated", 0, 3)
OTHER_PLACE = ("notes-validated", 1, 8)
FALSE = evidence().model_copy(update={"quote": "I would recommend it now"})
IMPOSTORS = {
    "other_transcript": GOOD.model_copy(update={"transcript_id": UUID(int=5)}),
    "false_quote": validated(note("False", FALSE)),
}
"""Events of the same chunk, attempt and finality as the good draft."""


@pytest.fixture
def store(fresh_database: Database) -> NotesStore:
    return NotesStore(fresh_database)


async def pending(database: Database, transcript_id: UUID) -> int:
    query = "SELECT count(*) FROM pending_drafts WHERE transcript_id = $1"
    return int(await database.fetchval(query, transcript_id))


async def test_small_interviews_are_joined_while_a_huge_one_is(
    store: NotesStore, fresh_database: Database
) -> None:
    huge, *small = interview(0, 300), *(interview(number, 1) for number in range(1, 4))
    for one in (huge, *small):
        await asyncio.gather(*map(store.store_notes, one.drafts))
    chunks = len(huge.drafts)
    huge_id = huge.ingested.transcript_id

    async def has_begun() -> bool:
        return await pending(fresh_database, huge_id) < chunks

    joining = asyncio.create_task(store.store_transcript(huge.ingested))
    await until(has_begun, within_s=30)
    for one in small:
        (stored,) = await store.store_transcript(one.ingested)
        assert isinstance(stored, NotesStored)
        assert stored.chunk_id == one.drafts[0].chunk_id
    assert await pending(fresh_database, huge_id) > chunks // 3
    assert len(await joining) == chunks
    assert await pending(fresh_database, huge_id) == 0


async def stored_without_join(database: Database) -> None:
    """Store the interview as a handler has it before it joins the drafts that wait."""
    await database.execute("ALTER TABLE pending_drafts RENAME TO unseen")
    await database.execute("CREATE TABLE pending_drafts (LIKE unseen)")
    await NotesStore(database).store_transcript(ingested())
    await database.execute("DROP TABLE pending_drafts")
    await database.execute("ALTER TABLE unseen RENAME TO pending_drafts")


@pytest.mark.parametrize("impostor", IMPOSTORS.values(), ids=IMPOSTORS)
async def test_a_bad_event_of_the_same_chunk_and_attempt_takes_no_kept_draft_with_it(
    store: NotesStore, fresh_database: Database, impostor: NotesValidated
) -> None:
    assert await store.store_notes(GOOD, KEPT_AT) is None
    await stored_without_join(fresh_database)
    with pytest.raises(BadMessageError):
        await store.store_notes(impostor, OTHER_PLACE)
    assert await pending(fresh_database, TRANSCRIPT) == 1
    (stored,) = await store.store_transcript(ingested())
    assert isinstance(stored, NotesStored)
    assert stored.note_ids == (GOOD.notes[0].note_id,)


async def test_events_without_a_place_are_told_apart_by_their_content(
    store: NotesStore, fresh_database: Database
) -> None:
    assert await store.store_notes(GOOD) is None
    await stored_without_join(fresh_database)
    with pytest.raises(BadMessageError):
        await store.store_notes(IMPOSTORS["false_quote"])
    assert await pending(fresh_database, TRANSCRIPT) == 1


@pytest.mark.parametrize("place", [KEPT_AT, OTHER_PLACE], ids=["again", "sent_back"])
async def test_a_bad_draft_waits_no_longer_once_its_own_message_fails(
    store: NotesStore, fresh_database: Database, place: tuple[str, int, int]
) -> None:
    bad = IMPOSTORS["false_quote"]
    assert await store.store_notes(bad, KEPT_AT) is None
    await stored_without_join(fresh_database)
    with pytest.raises(BadMessageError):
        await store.store_notes(bad, place)
    assert await pending(fresh_database, TRANSCRIPT) == 0


async def test_a_draft_is_not_dropped_because_another_interviews_waits_under_its_chunk(
    store: NotesStore, fresh_database: Database
) -> None:
    stranger = derive_id("transcript", "stranger")
    claims_the_chunk = GOOD.model_copy(update={"transcript_id": stranger})
    assert await store.store_notes(claims_the_chunk, OTHER_PLACE) is None
    with pytest.raises(BadMessageError, match="another interview"):
        await store.store_notes(GOOD, KEPT_AT)
    assert await pending(fresh_database, stranger) == 1
