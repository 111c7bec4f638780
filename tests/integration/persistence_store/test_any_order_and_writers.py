"""The same events give the same rows, in whatever order, however often, by however many writers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.events import Event, NotesValidated, TranscriptIngested
from contracts.ids import derive_chunk_id, derive_id, derive_transcript_id
from contracts.notes import Note
from contracts.transcript import Role
from database.pool import Database, open_database
from database.settings import PostgresSettings
from persistence.store import NotesStore
from support.interviews import (
    STUDY,
    TURNS,
    VOUCHED,
    evidence,
    ingested,
    note,
    refused,
    sha,
    validated,
)
from support.stored_rows import CLEARED, Delivery, deliver, handle_all, read_rows

ALONE, TAKEN_BACK, ERASED, CORRECTED = (
    derive_transcript_id("billing", name) for name in ("alone", "taken back", "erased", "corrected")
)
REFRESH: Final = 1_000_000_001
CLAIMED: Final = "INSERT INTO transcript_owners VALUES ($1, 'billing', 'a test', $2)"
CUT_SHORT: Final = 0.15
"""Share of the deliveries that are given up half way, as by a crash, and come again."""


def chunk_id(transcript: UUID, revision: int, index: int) -> UUID:
    return derive_chunk_id(transcript, revision, sha("a"), index)


def interview(transcript: UUID, revision: int, chunks: int, **changes: Any) -> TranscriptIngested:
    made = ingested(revision)
    refs = tuple(
        made.chunks[0].model_copy(
            update={"chunk_id": chunk_id(transcript, revision, index), "index": index}
        )
        for index in range(1, chunks + 1)
    )
    return made.model_copy(update={"transcript_id": transcript, "chunks": refs, **changes})


def said(transcript: UUID, place: object, statement: str, **changes: Any) -> Note:
    """A note with an id of its own place, so that repeats are notes beside each other."""
    made = note(statement, evidence(), **changes)
    return made.model_copy(update={"note_id": derive_id("note", transcript, place, statement)})


def drafts(transcript: UUID, revision: int, chunks: int) -> Iterator[NotesValidated]:
    """Drafts of all chunks; of the first a draft that left it open and one that completes it."""
    for index in range(1, chunks + 1):
        here = (revision, index)
        made = validated(
            said(transcript, here, f"They pay {index} dollars", **VOUCHED),
            said(transcript, here, "They leave for the price"),  # in each chunk
            said(transcript, (here, "again"), "They leave for the price.", themes=("trust",)),
            rejected=(refused(),),
        ).model_copy(
            update={
                "transcript_id": transcript,
                "revision": revision,
                "chunk_id": chunk_id(transcript, revision, index),
            }
        )
        if index > 1:
            yield made
            continue
        yield made.model_copy(update={"final": False})
        more = said(transcript, (here, 2), "They leave for the price!", questions=())
        yield made.model_copy(update={"attempt": 2, "notes": (more,), "rejected": ()})


def of(transcript: UUID, revision: int, chunks: int, **changes: Any) -> list[Event]:
    return [
        interview(transcript, revision, chunks, **changes), *drafts(transcript, revision, chunks)
    ]  # fmt: skip


RENAMED: Final = tuple(
    turn.model_copy(update={"speaker": "Zoe"}) if turn.role is Role.INTERVIEWER else turn
    for turn in TURNS
)
BASE: Final = of(CORRECTED, 1, 2)
EVENTS: Final = [
    *of(ALONE, 1, 3),
    *of(ALONE, 2, 2, content_sha256=sha("b")),
    *of(ALONE, REFRESH, 1, study=STUDY.model_copy(update={"version": 2})),
    *of(TAKEN_BACK, 1, 2),
    *of(TAKEN_BACK, 2, 1, content_sha256=sha("b")),
    *of(ERASED, 1, 2),
    *BASE,
    *of(CORRECTED, 2, 2, title="Corrected", segments=RENAMED),
]
CURRENT: Final = {ALONE: REFRESH, TAKEN_BACK: 1, CORRECTED: 2}


async def prepare(database: Database) -> None:
    """As ingestion and control leave it: interviews are claimed, and one is to be corrected."""
    await database.execute(CLEARED)
    for transcript, revision in ((ALONE, 2), (TAKEN_BACK, 2), (ERASED, 1), (CORRECTED, 1)):
        await database.execute(CLAIMED, transcript, revision)
    await database.execute(
        "INSERT INTO refreshes VALUES ($1, $2, 2, 'billing', 2, 'a test')", ALONE, REFRESH
    )
    store = NotesStore(database)
    for event in BASE:
        await deliver(event)(store)
    claimed = await database.fetchval(
        "SELECT outcome FROM claim_correction($1, 'billing', 1, 'Corrected', 'a test', '{1}',"
        " '{Zoe}', '{interviewer}')",
        CORRECTED,
    )
    assert claimed == "claimed"


def take_back(database: Database) -> Delivery:
    async def act(_: NotesStore) -> None:
        await database.execute("SELECT withdraw_revision($1, 2)", TAKEN_BACK)

    return act


def erase(database: Database) -> Delivery:
    async def act(_: NotesStore) -> None:
        async with database.transaction() as connection:
            await connection.execute(
                "INSERT INTO erasures (erasure_id, kind, study_id, requested_by)"
                " VALUES ($1, 'transcript', 'billing', 'a test') ON CONFLICT DO NOTHING",
                ERASED,
            )
            await connection.execute(
                "INSERT INTO erased_transcripts (transcript_id, erasure_id) VALUES ($1, $1)"
                " ON CONFLICT DO NOTHING",
                ERASED,
            )
            await connection.execute("SELECT erase_transcript($1, '{}')", ERASED)

    return act


def cut_short(delivery: Delivery, after_s: float) -> Delivery:
    """The same, given up after a time: of what it was doing, all is stored or nothing."""

    async def act(store: NotesStore) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(after_s):
                await delivery(store)

    return act


def in_some_order(
    deliveries: Sequence[Delivery], times: Sequence[int], seed: int
) -> list[Delivery]:
    chance = Random(seed)
    all_of_them = [one for one, count in zip(deliveries, times, strict=True) for _ in range(count)]
    halves = [
        cut_short(chance.choice(all_of_them), chance.random() / 50)
        for _ in range(int(len(all_of_them) * CUT_SHORT))
    ]
    mixed = [*all_of_them, *halves]
    chance.shuffle(mixed)
    return mixed


NUMBER: Final = len(EVENTS) + 2


def a_plan() -> st.SearchStrategy[tuple[list[int], int, int]]:
    """How often each comes, the seed of their order, and the number of writers."""
    times = st.lists(st.integers(1, 5), min_size=NUMBER, max_size=NUMBER)
    return st.tuples(times, st.integers(0, 2**32), st.integers(1, 4))


async def store_in_order(database: Database) -> dict[str, list[Any]]:
    """The rows that the events give one after the other, each once."""
    await prepare(database)
    everything = [*map(deliver, EVENTS), take_back(database), erase(database)]
    for one in everything:
        await one(NotesStore(database))
    return await read_rows(database)


def test_the_same_events_give_the_same_rows(postgres_settings: PostgresSettings) -> None:
    expected: dict[str, list[Any]] = {}

    async def run(times: list[int], seed: int, writers: int) -> None:
        async with open_database(postgres_settings) as database:
            if not expected:
                expected.update(await store_in_order(database))
                check(expected)
            await prepare(database)
            stores = [NotesStore(database) for _ in range(writers)]
            deliveries = [*map(deliver, EVENTS), take_back(database), erase(database)]
            await handle_all(stores, in_some_order(deliveries, times, seed))
            found = await read_rows(database)
        assert {table: rows for table, rows in found.items() if rows != expected[table]} == {}

    @given(plan=a_plan())
    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        # A smaller plan that fails is seldom found: which writer comes first is the machine's.
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    def hold(plan: tuple[list[int], int, int]) -> None:
        asyncio.run(run(*plan))

    hold()


def check(rows: dict[str, list[Any]]) -> None:
    """That the rows are all that the events say, computed without the store."""
    kept = [
        one for one in EVENTS if isinstance(one, NotesValidated) and one.transcript_id != ERASED
    ]
    assert len(rows["notes"]) == len({one.note_id for event in kept for one in event.notes})
    assert len(rows["rejected_notes"]) == sum(len(event.rejected) for event in kept)
    assert len(rows["drafts"]) == len(kept)
    assert rows["pending_drafts"] == []
    assert not any('"stored": false' in one for one in rows["chunks"])
    assert sorted(rows["current_transcripts"]) == sorted(
        f'["{transcript}", {revision}]' for transcript, revision in CURRENT.items()
    )
    assert not any(str(ERASED) in one for name in ("notes", "segments") for one in rows[name])
    # Of each revision, all that leave for the price are one finding.
    assert max(one.count(",") + 1 for one in rows["the same"]) == 7


@pytest.mark.parametrize("writers", [1, 4])
async def test_an_order_that_only_this_test_knows(fresh_database: Database, writers: int) -> None:
    """Backwards, which is the worst order: everything waits for what comes last."""
    expected = await store_in_order(fresh_database)
    await prepare(fresh_database)
    everything = [*map(deliver, EVENTS), take_back(fresh_database), erase(fresh_database)]
    stores = [NotesStore(fresh_database) for _ in range(writers)]
    await handle_all(stores, everything[::-1], at_once=1)
    assert await read_rows(fresh_database) == expected
