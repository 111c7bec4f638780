"""Drafts that arrive at once share transactions, and each still has what it has alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final
from uuid import UUID

import pytest

from contracts.events import NotesStored, NotesValidated
from contracts.ids import derive_id
from contracts.notes import Note
from database.errors import DatabaseConflictError, DatabaseUnavailableError
from database.pool import Database, open_database
from database.settings import PostgresSettings
from persistence import drafts as drafts_of_chunks
from persistence import groups, store
from persistence.domain import UngroundedWriteError, UnstorableEventError
from persistence.locks import derive_advisory_lock_key
from persistence.pending import NO_ORIGIN
from persistence.repeats import (
    LOCKS_AN_INTERVIEW,
    MAX_COMPARED_NOTES,
    ComparisonThread,
    prepare_repeat_finder,
)
from persistence.store import NotesStore
from rehearsal import Rehearsal, rehearsing
from support.interviews import evidence, ingested, note, refused, validated
from support.many_interviews import Interview, interview
from support.postgres_locks import is_somebody_waiting
from support.stored_rows import CLEARED, deliver, handle_all, read_rows
from support.waiting import until

FALSE: Final = evidence().model_copy(update={"quote": "I would recommend it now"})
GOOD_TIME_S: Final = 5.0
"""Longest that drafts of other interviews may take, on a busy machine; the lock's holder never ends
by itself, and PostgreSQL's own limit is longer."""


@pytest.fixture
def notes_store(fresh_database: Database) -> NotesStore:
    return NotesStore(fresh_database)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of drafts of each group that went to the database."""
    seen: list[int] = []
    real = groups.store_group

    async def counting(connection: Any, drafts: Sequence[Any]) -> Any:
        seen.append(len(drafts))
        return await real(connection, drafts)

    monkeypatch.setattr("persistence.store.store_group", counting)
    return seen


async def ingest(notes_store: NotesStore, *made: Interview) -> None:
    for one in made:
        await notes_store.store_transcript(one.ingested)


async def store_one_by_one(database: Database, made: Sequence[Interview]) -> dict[str, list[Any]]:
    """The rows that the drafts give one after the other; the database is empty again then."""
    alone = NotesStore(database)
    await ingest(alone, *made)
    for one in made:
        for draft in one.drafts:
            await alone.store_notes(draft)
    rows = await read_rows(database)
    await database.execute(CLEARED)
    return rows


async def test_drafts_that_arrive_at_once_go_in_few_groups_and_one_goes_at_once(
    fresh_database: Database, notes_store: NotesStore, sizes: list[int]
) -> None:
    made = [interview(number, 6) for number in range(5)]
    expected = await store_one_by_one(fresh_database, made)
    assert set(sizes) == {1}
    sizes.clear()
    await ingest(notes_store, *made)
    drafts = [draft for one in made for draft in one.drafts]
    stored = await asyncio.gather(*map(notes_store.store_notes, drafts))
    assert [one.chunk_id for one in stored if one] == [draft.chunk_id for draft in drafts]
    assert await read_rows(fresh_database) == expected
    assert max(sizes) > 5
    assert len(sizes) < len(drafts) / 2


async def test_a_group_is_bounded_in_drafts_and_in_characters(
    fresh_database: Database,
    notes_store: NotesStore,
    sizes: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = interview(1, 100)
    await ingest(notes_store, one)
    empty = [draft.model_copy(update={"notes": ()}) for draft in one.drafts[:80]]
    await asyncio.gather(*map(notes_store.store_notes, empty))
    assert sizes == [groups.MAX_DRAFTS, 80 - groups.MAX_DRAFTS]
    sizes.clear()
    monkeypatch.setattr(groups, "MAX_CHARACTERS", 5_000)
    await asyncio.gather(*map(notes_store.store_notes, one.drafts[80:]))
    assert 1 < max(sizes) < 10


async def test_a_bad_draft_fails_alone(fresh_database: Database, notes_store: NotesStore) -> None:
    made = [interview(number, 8) for number in range(3)]
    await ingest(notes_store, *made)
    drafts = [draft for one in made for draft in one.drafts]
    false = drafts[3].notes[0]
    false = false.model_copy(
        update={"evidence": (false.evidence[0].model_copy(update={"quote": "x" * 3}),)}
    )
    drafts[3] = drafts[3].model_copy(update={"notes": (false, *drafts[3].notes[1:])})
    drafts[10] = drafts[10].model_copy(update={"transcript_id": made[0].ingested.transcript_id})
    drafts[20] = drafts[20].model_copy(update={"model": "a\0b"})
    bad = {3: UngroundedWriteError, 10: UnstorableEventError, 20: UnstorableEventError}
    results = await asyncio.gather(*map(notes_store.store_notes, drafts), return_exceptions=True)
    for place, result in enumerate(results):
        assert type(result) is bad.get(place, NotesStored), (place, result)
    stored = await fresh_database.fetch("SELECT chunk_id FROM chunks WHERE stored_at IS NOT NULL")
    assert {row["chunk_id"] for row in stored} == {
        draft.chunk_id for place, draft in enumerate(drafts) if place not in bad
    }


async def test_drafts_of_one_chunk_are_stored_as_one_after_the_other(
    fresh_database: Database, notes_store: NotesStore
) -> None:
    await notes_store.store_transcript(ingested())
    open_one = validated(note("They pay 40 dollars"), rejected=(refused(),), final=False)
    last = validated(note("They would not recommend it"), attempt=2)
    other = validated(note("They eat at the café"), index=2)
    results = await asyncio.gather(
        *map(notes_store.store_notes, (open_one, last, other, last, open_one, other))
    )
    assert all(results)
    complete = [one for one in results if one and one.chunk_id == last.chunk_id and one.complete]
    assert complete
    rows = await fresh_database.fetch("SELECT attempt, final FROM drafts ORDER BY chunk_id, 1")
    assert len(rows) == 3
    again = await notes_store.store_notes(last)
    assert again is not None
    assert again.note_ids == (open_one.notes[0].note_id, last.notes[0].note_id)
    assert (again.rejected_count, again.complete) == (1, True)


async def test_the_same_note_of_two_chunks_at_once_is_one_note(
    fresh_database: Database, notes_store: NotesStore
) -> None:
    await notes_store.store_transcript(ingested())
    same = note("They pay 40 dollars")
    for index in (1, 2):
        results = await asyncio.gather(
            *(notes_store.store_notes(validated(same, index=one)) for one in (1, 2))
        )
        assert all(results), index
    assert await fresh_database.fetchval("SELECT count(*) FROM notes") == 1


async def test_erased_withdrawn_and_missing_interviews_are_as_they_are_alone(
    fresh_database: Database, notes_store: NotesStore
) -> None:
    erased, withdrawn, missing, *plain = (interview(number, 6) for number in range(6))
    await ingest(notes_store, erased, withdrawn, *plain)
    gone, back = erased.ingested.transcript_id, withdrawn.ingested.transcript_id
    await fresh_database.execute(
        "UPDATE transcripts SET withdrawn_at = now() WHERE transcript_id = $1", back
    )
    await fresh_database.execute(
        "INSERT INTO erasures (erasure_id, kind, study_id, requested_by)"
        " VALUES ($1, 'transcript', 'bench', 'a test')",
        gone,
    )
    await fresh_database.execute("INSERT INTO erased_transcripts VALUES ($1, $1)", gone)
    await fresh_database.execute("SELECT erase_transcript($1, '{}')", gone)
    made = (erased, withdrawn, missing, *plain)
    drafts = [one.drafts[chunk] for chunk in range(6) for one in made]
    results = await asyncio.gather(*map(notes_store.store_notes, drafts))
    absent = {gone, missing.ingested.transcript_id}
    for draft, result in zip(drafts, results, strict=True):
        assert (result is None) == (draft.transcript_id in absent)
    waiting = await fresh_database.fetch("SELECT DISTINCT transcript_id FROM pending_drafts")
    assert [row["transcript_id"] for row in waiting] == [missing.ingested.transcript_id]
    assert len(await notes_store.store_transcript(missing.ingested)) == 6
    assert await fresh_database.fetchval("SELECT count(*) FROM pending_drafts") == 0


async def test_notes_of_one_group_that_repeat_each_other_are_found(
    fresh_database: Database, notes_store: NotesStore, sizes: list[int]
) -> None:
    def numbered(number: int, statement: str) -> Note:
        return note(statement).model_copy(update={"note_id": UUID(int=number)})

    one = ingested()
    refs = tuple(
        one.chunks[0].model_copy(update={"chunk_id": derive_id("chunk", n), "index": n})
        for n in range(1, 41)
    )
    # By another replica: this one compares nothing ahead, and all go with the first group.
    await NotesStore(fresh_database).store_transcript(one.model_copy(update={"chunks": refs}))
    drafts = [
        validated(
            numbered(2 * n + 1, f"They pay {n % 8} dollars"),
            numbered(2 * n + 2, "They leave for the price" + "!" * (n % 3)),
        ).model_copy(update={"chunk_id": derive_id("chunk", n)})
        for n in range(1, 41)
    ]
    await asyncio.gather(*map(notes_store.store_notes, drafts))
    rows = await fresh_database.fetch(
        "SELECT coalesce(same_as, note_id) AS first, count(*) AS alike FROM notes GROUP BY 1"
    )
    assert sorted(row["alike"] for row in rows) == [5] * 8 + [40]
    assert sizes[0] == len(drafts)


HELD: Final = {
    "withdrawal": "SELECT pg_advisory_xact_lock(withdrawal_lock('{transcript}'))",
    "decision": "SELECT pg_advisory_xact_lock(note_decision_lock('{transcript}'))",
    "chunks": "SELECT FROM chunks WHERE transcript_id = '{transcript}' FOR UPDATE",
    "meanings": "SELECT pg_advisory_xact_lock({meanings} + n) FROM generate_series(0, {last}) AS n",
    "transcript": "SELECT FROM transcripts WHERE transcript_id = '{transcript}' FOR UPDATE",
}


@pytest.mark.parametrize("lock", HELD.values(), ids=HELD)
async def test_a_lock_on_one_interview_holds_up_no_other(
    fresh_database: Database, notes_store: NotesStore, lock: str
) -> None:
    held, *others = (interview(number, 12) for number in range(5))
    await ingest(notes_store, held, *others)
    transcript = held.ingested.transcript_id
    first = derive_advisory_lock_key("meanings", transcript, 1) & -LOCKS_AN_INTERVIEW
    statement = lock.format(transcript=transcript, meanings=first, last=LOCKS_AN_INTERVIEW - 1)
    mixed = [one.drafts[chunk] for chunk in range(12) for one in (held, *others)]
    async with fresh_database.transaction() as connection:
        await connection.execute(statement)
        tasks = {asyncio.create_task(notes_store.store_notes(one)): one for one in mixed}
        free = [task for task, one in tasks.items() if one.transcript_id != transcript]
        async with asyncio.timeout(GOOD_TIME_S):
            assert all(await asyncio.gather(*free))
        waiting = [task for task in tasks if task not in free]
        assert not any(task.done() for task in waiting)
    assert all(await asyncio.gather(*waiting))
    assert await fresh_database.fetchval("SELECT count(*) FROM drafts") == len(mixed)


async def test_drafts_of_an_interview_whose_lock_is_never_released_are_tried_again_later(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    impatient = postgres_settings.model_copy(update={"lock_timeout_s": 0.3})
    one = interview(1, 12)
    async with open_database(impatient) as database:
        notes_store = NotesStore(database)
        await ingest(notes_store, one)
        async with fresh_database.transaction() as connection:
            await connection.execute(HELD["chunks"].format(transcript=one.ingested.transcript_id))
            async with asyncio.timeout(GOOD_TIME_S):
                failed = await asyncio.gather(
                    *map(notes_store.store_notes, one.drafts), return_exceptions=True
                )
        assert {type(error) for error in failed} == {DatabaseConflictError}
        assert all(await asyncio.gather(*map(notes_store.store_notes, one.drafts)))


async def test_a_draft_that_is_given_up_is_stored_whole_or_not_and_others_are_stored(
    fresh_database: Database, notes_store: NotesStore
) -> None:
    made = [interview(number, 10) for number in range(2)]
    await ingest(notes_store, *made)
    transcript = made[0].ingested.transcript_id
    async with fresh_database.transaction() as connection:
        await connection.execute(HELD["withdrawal"].format(transcript=transcript))
        tasks = [asyncio.create_task(notes_store.store_notes(one)) for one in made[0].drafts]
        await until(lambda: is_somebody_waiting(fresh_database))
        for task in tasks[::2]:
            task.cancel()
        await asyncio.wait(tasks[::2], timeout=GOOD_TIME_S)
    assert all(await asyncio.gather(*tasks[1::2]))
    assert all(await asyncio.gather(*map(notes_store.store_notes, made[0].drafts)))


async def test_a_rehearsal_is_in_no_group(
    fresh_database: Database, notes_store: NotesStore
) -> None:
    one = interview(1, 6)
    await ingest(notes_store, one)
    rehearsal = Rehearsal()

    async def rehearse(draft: NotesValidated) -> NotesStored | None:
        with rehearsing(rehearsal):
            return await notes_store.store_notes(draft)

    rehearsed, *real = one.drafts
    try:
        results = await asyncio.gather(rehearse(rehearsed), *map(notes_store.store_notes, real))
    finally:
        await rehearsal.cleanup.aclose()
    assert all(results)
    rows = await fresh_database.fetch("SELECT chunk_id FROM drafts")
    assert {row["chunk_id"] for row in rows} == {draft.chunk_id for draft in real}


CUT: Final = """
SELECT count(pg_terminate_backend(pid))
  FROM (
        SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND xact_start IS NOT NULL AND query NOT LIKE '%pg_terminate%'
         ORDER BY random()
         LIMIT 1
       ) AS one
"""


@pytest.mark.long
@pytest.mark.parametrize("replicas", [1, 3])
async def test_two_hundred_drafts_with_connections_cut_are_stored_as_one_by_one(
    fresh_database: Database, postgres_settings: PostgresSettings, replicas: int
) -> None:
    made = [interview(number, 50) for number in range(4)]
    expected = await store_one_by_one(fresh_database, made)
    await ingest(NotesStore(fresh_database), *made)
    drafts = [one.drafts[chunk] for chunk in range(50) for one in made]
    cuts = 0
    pools = [open_database(postgres_settings) for _ in range(replicas)]
    databases = [await pool.__aenter__() for pool in pools]
    try:
        storing = asyncio.create_task(
            handle_all([NotesStore(one) for one in databases], map(deliver, drafts), at_once=64)
        )
        while not storing.done():
            if cuts < 20:
                cuts += await fresh_database.fetchval(CUT)
            await asyncio.sleep(0.02)
        retried = await storing
    finally:
        for pool in pools:
            await pool.__aexit__(None, None, None)
    assert await read_rows(fresh_database) == expected
    assert cuts > 2
    assert retried


async def test_an_outage_of_one_draft_is_no_other_drafts_outage(
    fresh_database: Database, notes_store: NotesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block of one interview cannot be read, and PostgreSQL answers for all others."""
    made = [interview(number, 4) for number in range(4)]
    await ingest(notes_store, *made)
    broken = made[1].drafts[2]
    real_group, real_alone = groups.store_group, drafts_of_chunks.lock_chunk

    async def store_group(connection: Any, drafts: Sequence[Any]) -> Any:
        if any(one.event.chunk_id == broken.chunk_id for one in drafts):
            raise DatabaseUnavailableError("could not read block 7")
        return await real_group(connection, drafts)

    async def lock_chunk(connection: Any, event: NotesValidated) -> Any:
        if event.chunk_id == broken.chunk_id:
            raise DatabaseUnavailableError("could not read block 7")
        return await real_alone(connection, event)

    monkeypatch.setattr(store, "store_group", store_group)
    monkeypatch.setattr(store, "lock_chunk", lock_chunk)
    drafts = [draft for one in made for draft in one.drafts]
    results = await asyncio.gather(*map(notes_store.store_notes, drafts), return_exceptions=True)
    for draft, result in zip(drafts, results, strict=True):
        expected = DatabaseUnavailableError if draft is broken else NotesStored
        assert type(result) is expected, result


async def test_a_note_is_compared_with_few_of_the_notes_in_flight() -> None:
    """However many drafts beside it have however many notes of its meaning."""
    said = [f"She paid {amount} euros for the ticket." for amount in range(20)]
    comparing = ComparisonThread()
    drafts = []
    for number in range(40):
        notes = [note(f"{one} {number}") for one in said]
        event = validated(notes=notes).model_copy(update={"chunk_id": derive_id("c", number)})
        repeats = await prepare_repeat_finder(event, comparing)
        drafts.append(groups.group_draft(event, NO_ORIGIN, repeats))
    in_flight = groups.NotesInFlight()
    with ExitStack() as having:
        for draft in drafts:
            having.enter_context(in_flight.having(draft))
        others = in_flight.get_others(drafts[0])
        meanings = set(drafts[0].repeats.meanings.values())
    assert 0 < len(others) <= MAX_COMPARED_NOTES * len(meanings)
    assert len(meanings) < len(said), "many notes have one meaning"
