"""The stage that stores, on a broker: a backlog in any order, with a crash in its midst."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import pytest

from contracts.events import Event, NotesStored
from contracts.topics import (
    NOTES_STORED,
    NOTES_VALIDATED,
    PERSISTENCE,
    RETRY_DELAYS_S,
    TRANSCRIPTS_INGESTED,
    build_dlq_topic,
    build_retry_topic,
)
from database.pool import Database, open_connection_pool
from database.settings import PostgresSettings
from messaging import Publisher
from persistence.handlers import router
from persistence.store import NotesStore
from support.broker import QUICK, Bench, bench_on
from support.many_interviews import Interview, interview, shuffled
from support.waiting import until

ASIDE: Final = (
    *(build_retry_topic(PERSISTENCE, tier) for tier in range(len(RETRY_DELAYS_S))),
    build_dlq_topic(PERSISTENCE),
)
INTERVIEWS: Final = [interview(number, 1 + number % 4) for number in range(12)]
DRAFTS: Final = [draft for one in INTERVIEWS for draft in one.drafts]
HANDLED: Final = "SELECT (SELECT count(*) FROM drafts) + (SELECT count(*) FROM pending_drafts)"
PATIENT: Final = QUICK.model_copy(update={"deadline_s": 60.0})
STORED: Final = "SELECT count(*) FROM chunks WHERE stored_at IS NOT NULL"


def interviews_first(interviews: Sequence[Interview]) -> list[Event]:
    return [*(one.ingested for one in interviews), *DRAFTS]


def notes_first(interviews: Sequence[Interview]) -> list[Event]:
    return [*DRAFTS, *(one.ingested for one in interviews)]


def in_any_order(interviews: Sequence[Interview]) -> list[Event]:
    return shuffled(interviews_first(interviews))


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, (TRANSCRIPTS_INGESTED, NOTES_VALIDATED, NOTES_STORED, *ASIDE))


async def reached(database: Database, query: str, number: int) -> None:
    async def check_pending_drafts() -> bool:
        return bool(await database.fetchval(query) >= number)

    await until(check_pending_drafts, within_s=60)


@pytest.mark.parametrize("order", [interviews_first, notes_first, in_any_order])
async def test_all_is_stored_without_a_retry_and_told_of_though_the_stage_is_killed(
    bench: Bench,
    fresh_database: Database,
    postgres_settings: PostgresSettings,
    order: Callable[[Sequence[Interview]], list[Event]],
) -> None:
    events = order(INTERVIEWS)
    async with Publisher(bench.kafka, source="/test") as publisher:
        await publisher.publish(events[: len(events) // 2])
        async with (
            await open_connection_pool(postgres_settings) as pool,
            bench.serving(PERSISTENCE, router, PATIENT, store=NotesStore(Database(pool))) as killed,
        ):
            await reached(fresh_database, HANDLED, 1)
            await killed.kill()
            pool.terminate()  # as PostgreSQL sees it
        await publisher.publish(events[len(events) // 2 :])
    async with bench.serving(PERSISTENCE, router, PATIENT, store=NotesStore(fresh_database)):
        await reached(fresh_database, STORED, len(DRAFTS))
        await bench.is_committed(NOTES_VALIDATED.name, len(DRAFTS), PERSISTENCE)
        await bench.is_committed(TRANSCRIPTS_INGESTED.name, len(INTERVIEWS), PERSISTENCE)

    assert await fresh_database.fetchval("SELECT count(*) FROM pending_drafts") == 0
    assert [await bench.size(topic.name) for topic in ASIDE] == [0] * len(ASIDE)
    records = await bench.records(NOTES_STORED.name, await bench.size(NOTES_STORED.name))
    stored_chunks = {NotesStored.model_validate_json(record.value).chunk_id for record in records}
    assert stored_chunks == {draft.chunk_id for draft in DRAFTS}
