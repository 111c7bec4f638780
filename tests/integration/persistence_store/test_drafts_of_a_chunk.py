"""A chunk may have notes of several drafts: good ones are stored while another draft is made."""

from __future__ import annotations

import asyncio
import json

import pytest

from contracts.notes import CheckFailure
from contracts.transcript import Role
from database.pool import Database
from persistence.store import NotesStore
from support.interviews import evidence, ingested, note, refused, validated
from support.persisting import stored_notes

FIRST = note("They pay 40 dollars")
SECOND = note("They would not recommend it")


@pytest.fixture
async def store(fresh_database: Database) -> NotesStore:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    return store


async def is_complete(database: Database) -> bool:
    return bool(await database.fetchval("SELECT stored_at IS NOT NULL FROM chunks WHERE index = 1"))


async def test_good_notes_are_stored_while_another_draft_is_awaited(
    store: NotesStore, fresh_database: Database
) -> None:
    stored = await stored_notes(store, validated(FIRST, rejected=(refused(),), final=False))
    assert (stored.note_ids, stored.rejected_count, stored.complete) == (
        (FIRST.note_id,),
        1,
        False,
    )
    assert not await is_complete(fresh_database)
    stored = await stored_notes(store, validated(SECOND, attempt=2, rejected=(refused(),)))
    assert (stored.note_ids, stored.rejected_count, stored.complete) == (
        (FIRST.note_id, SECOND.note_id),
        2,
        True,
    )
    assert await is_complete(fresh_database)


async def test_each_note_tells_which_draft_and_model_it_is_of(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated(FIRST, final=False, model="small"))
    await store.store_notes(validated(SECOND, attempt=2, model="large"))
    rows = await fresh_database.fetch(
        "SELECT statement, model FROM notes JOIN drafts USING (chunk_id, attempt) ORDER BY attempt"
    )
    assert [tuple(row) for row in rows] == [(FIRST.statement, "small"), (SECOND.statement, "large")]


async def test_a_draft_that_leaves_the_chunk_open_may_come_late_and_twice(
    store: NotesStore, fresh_database: Database
) -> None:
    late = validated(FIRST, rejected=(refused(),), final=False)
    await store.store_notes(validated(SECOND, attempt=2))
    for _ in range(2):
        stored = await stored_notes(store, late)
    assert stored.note_ids == (FIRST.note_id, SECOND.note_id)
    assert stored.complete
    assert await fresh_database.fetchval("SELECT count(*) FROM rejected_notes") == 1
    assert await fresh_database.fetchval("SELECT attempt FROM chunks WHERE index = 1") == 2


async def test_a_later_draft_of_a_complete_chunk_changes_nothing(store: NotesStore) -> None:
    first = await store.store_notes(validated(FIRST))
    assert await store.store_notes(validated(SECOND, attempt=2, final=False)) == first


async def test_a_draft_that_is_judged_again_by_other_standards_completes_its_chunk(
    store: NotesStore, fresh_database: Database
) -> None:
    left_open = validated(FIRST, attempt=2, rejected=(refused("One"), refused("Two")), final=False)
    replayed = validated(FIRST, SECOND, attempt=2, rejected=(refused("Two"),))
    await store.store_notes(left_open)
    for event in (replayed, replayed, left_open):
        stored = await stored_notes(store, event)
        assert (stored.note_ids, stored.rejected_count, stored.complete) == (
            (FIRST.note_id, SECOND.note_id),
            1,
            True,
        )
    assert await is_complete(fresh_database)
    kept = await fresh_database.fetchval("SELECT draft ->> 'statement' FROM rejected_notes")
    assert kept == "Two"


async def test_a_note_that_the_next_draft_repeats_is_one_note_under_all_its_themes(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated(FIRST, final=False))
    again = FIRST.model_copy(update={"themes": ("trust", "price"), "questions": ()})
    stored = await stored_notes(store, validated(again, attempt=2))
    assert stored.note_ids == (FIRST.note_id,)
    themes = await fresh_database.fetch("SELECT theme_id FROM note_themes ORDER BY theme_id")
    assert [row["theme_id"] for row in themes] == ["price", "trust"]


async def test_a_note_that_says_the_same_elsewhere_is_the_same_as_the_first(
    store: NotesStore, fresh_database: Database
) -> None:
    again = note("They pay forty dollars.", evidence("We pay 40 dollars"))
    await store.store_notes(validated(FIRST, index=1))
    await store.store_notes(validated(again, SECOND, index=2))
    rows = await fresh_database.fetch(
        "SELECT note_id, same_as FROM notes WHERE same_as IS NOT NULL"
    )
    assert [tuple(row) for row in rows] == [(again.note_id, FIRST.note_id)]
    current = await fresh_database.fetch("SELECT note_id FROM current_notes")
    assert {row["note_id"] for row in current} == {FIRST.note_id, SECOND.note_id}
    assert await fresh_database.fetchval("SELECT count(*) FROM evidence") == 3


async def test_the_same_words_of_another_speaker_are_another_finding(
    store: NotesStore, fresh_database: Database
) -> None:
    of_ada = evidence("pay", segment=1, start=12, speaker="Ada", role=Role.INTERVIEWER)
    await store.store_notes(validated(FIRST, note("They pay 40 dollars!", of_ada)))
    assert await fresh_database.fetchval("SELECT count(*) FROM current_notes") == 2


@pytest.mark.parametrize(
    ("quote", "shown"), [("I would not recommend it", 2), ("We pay 40 dollars", 1)]
)
async def test_masked_notes_are_the_same_only_if_they_cite_the_same_words(
    store: NotesStore, fresh_database: Database, quote: str, shown: int
) -> None:
    first, again = (
        note(statement, evidence(cited, masked_quote="[PERSON]"))
        for statement, cited in (
            ("[PERSON] pays 40 dollars", "We pay 40 dollars"),
            ("[PERSON] pays 40 dollars.", quote),
        )
    )
    await store.store_notes(validated(first, index=1))
    await store.store_notes(validated(again, index=2))
    assert await fresh_database.fetchval("SELECT count(*) FROM current_notes") == shown


async def test_the_same_note_from_two_chunks_at_once_is_told_once(
    store: NotesStore, fresh_database: Database
) -> None:
    again = note("They pay forty dollars", evidence("We pay 40 dollars"))
    await asyncio.gather(
        store.store_notes(validated(FIRST, index=1)), store.store_notes(validated(again, index=2))
    )
    assert await fresh_database.fetchval("SELECT count(*) FROM current_notes") == 1


async def test_flags_and_masked_quotes_are_kept(
    store: NotesStore, fresh_database: Database
) -> None:
    flag = CheckFailure(check="tense_differs", reason="…", claim="pay", evidence="paid")
    masked = evidence("We pay 40 dollars", masked_quote="We pay [MONEY]")
    await store.store_notes(validated(note("They pay 40 dollars", masked, flags=(flag,))))
    row = await fresh_database.fetchrow(
        "SELECT flags, masked_quote FROM notes JOIN evidence USING (note_id)"
    )
    assert row is not None
    assert json.loads(row["flags"]) == [flag.model_dump()]
    assert row["masked_quote"] == "We pay [MONEY]"


async def test_each_refused_note_has_an_id_of_its_own_that_a_redelivery_does_not_change(
    store: NotesStore, fresh_database: Database
) -> None:
    event = validated(rejected=(refused("One"), refused("Two")), final=False)
    await store.store_notes(event)
    before = await fresh_database.fetch("SELECT rejected_id FROM rejected_notes ORDER BY position")
    await store.store_notes(event)
    after = await fresh_database.fetch("SELECT rejected_id FROM rejected_notes ORDER BY position")
    assert len({row["rejected_id"] for row in before}) == 2
    assert before == after
