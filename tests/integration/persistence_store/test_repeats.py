"""Repeats are found by an index and compared while no transaction is open."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from uuid import UUID

import asyncpg
import pytest

from contracts.events import NotesValidated
from contracts.notes import Note
from database.pool import Database
from grounding import find_first_equivalent
from persistence import repeats
from persistence.repeats import MAX_COMPARED_NOTES
from persistence.store import NotesStore
from support.interviews import evidence, ingested, note, validated
from support.persisting import stored_notes
from support.waiting import until

FIRST = note("They pay 40 dollars")
ROUNDS = 15


@pytest.fixture
async def store(fresh_database: Database) -> NotesStore:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    return store


def numbered_note(number: int, statement: str) -> Note:
    """A note with an id of its own, whatever other notes there are."""
    return note(statement).model_copy(update={"note_id": UUID(int=number)})


async def repeated(database: Database) -> dict[UUID, UUID]:
    """Notes that repeat another, with that one."""
    rows = await database.fetch("SELECT note_id, same_as FROM notes WHERE same_as IS NOT NULL")
    return {row["note_id"]: row["same_as"] for row in rows}


class CountingComparison:
    """Compares as ``find_first_equivalent`` does, and counts the statements it compares with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.compared: list[int] = []
        monkeypatch.setattr(repeats, "find_first_equivalent", self)

    def __call__(self, statement: str, earlier: Iterable[str]) -> int | None:
        known = list(earlier)
        self.compared.append(len(known))
        return find_first_equivalent(statement, known)


async def test_statements_of_other_words_are_not_compared_however_many_there_are(
    store: NotesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparing = CountingComparison(monkeypatch)
    many = [numbered_note(n, f"They pay for thing{'x' * n}") for n in range(1, 400)]
    await store.store_notes(validated(*many, index=1))
    await store.store_notes(validated(FIRST, index=2))
    assert comparing.compared == []


async def test_five_notes_beside_fifteen_hundred_take_hardly_any_of_the_event_loop(
    store: NotesStore,
) -> None:
    await store.store_notes(validated(FIRST, index=2, final=False))  # loads what it takes
    earlier = [numbered_note(n, f"They pay for thing{'x' * n}") for n in range(1, 1_501)]
    await store.store_notes(validated(*earlier, index=1))
    few = [numbered_note(10_000 + n, f"They pay for thing{'y' * n}") for n in range(5)]
    before = time.thread_time()  # of the event loop's thread, whatever else the machine does
    await store.store_notes(validated(*few, index=2, attempt=2))
    # It was 1.9 s when each was compared with every earlier one.
    assert time.thread_time() - before < 0.2


async def test_of_many_statements_that_differ_in_numbers_alone_a_few_are_compared(
    store: NotesStore, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [numbered_note(n, f"They pay {n} dollars") for n in range(100, 160)]
    comparing = CountingComparison(monkeypatch)
    await store.store_notes(validated(*many, index=1))
    await store.store_notes(validated(numbered_note(1, "They pay 105 dollars."), index=2))
    assert max(comparing.compared) == MAX_COMPARED_NOTES
    assert await repeated(fresh_database) == {UUID(int=1): UUID(int=105)}


async def test_texts_are_compared_while_no_transaction_is_open_and_the_event_loop_is_free(
    store: NotesStore, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.store_notes(validated(FIRST, index=1))
    loop = asyncio.get_running_loop()
    in_transaction = """
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND (xact_start IS NOT NULL OR state <> 'idle')
    """
    seen: list[int] = []

    def compare(statement: str, earlier: Iterable[str]) -> int | None:
        # An answer comes only if the event loop is at work meanwhile.
        asking = asyncio.run_coroutine_threadsafe(fresh_database.fetchval(in_transaction), loop)
        seen.append(asking.result(timeout=10))
        return find_first_equivalent(statement, earlier)

    monkeypatch.setattr(repeats, "find_first_equivalent", compare)
    again = note("They pay forty dollars", evidence("We pay 40 dollars"))
    await store.store_notes(validated(again, index=2))
    assert seen == [0]
    assert await repeated(fresh_database) == {again.note_id: FIRST.note_id}


async def test_of_the_same_notes_at_once_one_is_the_first_and_all_others_are_as_that_one(
    store: NotesStore, fresh_database: Database
) -> None:
    statements = ("They pay 40 dollars", "They pay forty dollars", "They pay 40 dollars!")
    chunks = ((1, 1), (1, 2), (2, 1), (2, 2))
    for number in range(ROUNDS):
        await fresh_database.execute("DELETE FROM notes")
        await fresh_database.execute("DELETE FROM search_documents")
        await fresh_database.execute("DELETE FROM drafts")
        await fresh_database.execute(
            "UPDATE chunks SET stored_at = NULL, attempt = NULL, model = NULL, "
            "model_fingerprint = NULL, prompt_version = NULL, input_tokens = NULL, "
            "output_tokens = NULL"
        )
        drafts = [
            validated(
                numbered_note(10 * place + 1, statements[(number + place) % 3]),
                numbered_note(10 * place + 2, f"They pay {place} pounds"),
                index=index,
                attempt=attempt,
                final=False,
            )
            for place, (attempt, index) in enumerate(chunks, start=1)
        ]
        await asyncio.gather(*map(store.store_notes, drafts))
        same = await repeated(fresh_database)
        assert len(same) == len(chunks) - 1
        (first,) = set(same.values())
        assert first not in same  # no note is the same as one that is the same as another


async def test_notes_that_older_code_stored_are_found_too(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated(FIRST, note("They would not recommend it"), index=1))
    await forget_meanings(fresh_database)
    again = note("They pay forty dollars", evidence("We pay 40 dollars"))
    await store.store_notes(validated(again, index=2))
    assert await repeated(fresh_database) == {again.note_id: FIRST.note_id}
    assert await fresh_database.fetchval("SELECT count(*) FROM notes WHERE meaning IS NULL") == 0


async def test_a_meaning_is_filled_in_once_and_nothing_else_of_a_note_ever_changes(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated(FIRST))
    for change in ("meaning = 'other'", "meaning = NULL", "statement = 'other'"):
        with pytest.raises(asyncpg.CheckViolationError, match="never changed"):
            await fresh_database.execute(f"UPDATE notes SET {change}")
    await forget_meanings(fresh_database)
    with pytest.raises(asyncpg.CheckViolationError, match="never changed"):
        await fresh_database.execute("UPDATE notes SET meaning = 'other', statement = 'other'")
    await fresh_database.execute("UPDATE notes SET meaning = 'other'")


async def forget_meanings(database: Database) -> None:
    """Leave notes as older code does, which knows nothing of meanings."""
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE notes DISABLE TRIGGER notes_are_immutable")
        await connection.execute("UPDATE notes SET meaning = NULL")
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await connection.execute("ALTER TABLE notes ENABLE TRIGGER notes_are_immutable")


async def test_drafts_that_are_given_up_while_others_are_compared_do_not_add_to_the_work(
    store: NotesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparing, go_on = CountingComparison(monkeypatch), threading.Event()
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    await store.store_notes(validated(FIRST, index=1))

    def compare(statement: str, earlier: Iterable[str]) -> int | None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(timeout=20)
        return comparing(statement, earlier)

    monkeypatch.setattr(repeats, "find_first_equivalent", compare)

    def draft(attempt: int) -> NotesValidated:
        return validated(
            numbered_note(attempt, "They pay forty dollars"), index=2, attempt=attempt, final=False
        )

    first, *given_up = [asyncio.create_task(store.store_notes(draft(n))) for n in range(1, 7)]
    await begun.wait()
    waiting = store._comparing._thread._work_queue
    await until(lambda: waiting.qsize() == len(given_up))
    for task in given_up:
        task.cancel()
    await asyncio.wait(given_up)
    go_on.set()
    await first
    assert comparing.compared == [1]
    assert await stored_notes(store, draft(7))
    assert comparing.compared == [1, 1]
