"""A chunk that a budget does not allow: set aside, and worked on once the budget is raised."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from contracts import headers as h
from contracts.control_api import DeadLetterFilter
from contracts.topics import (
    CHUNKS_READY,
    ENRICHMENT,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    build_dlq_topic,
    build_retry_topic,
)
from control.letters.indexing import build_indexed_dead_letter
from control.letters.reader import open_dead_letter_reader
from control.letters.store import DeadLetterStore
from control.replays.replayer import DeadLetterReplayer
from database.lazy import LazilyConnectedDatabase
from database.pool import Database, open_database
from database.settings import PostgresSettings
from enrichment.drafter import NoteDrafter
from enrichment.handlers import router
from enrichment.settings import EnrichmentSettings
from messaging import Publisher, Record
from model_client import ModelClient
from model_client.cache.response_cache import CacheSettings, ResponseCache
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import Ledger
from read_model.spending import SpendQueries
from support.broker import Bench, bench_on
from support.chunks import CHUNK
from support.simulator import Simulated, simulated

LETTERS: Final = build_dlq_topic(ENRICHMENT)
TOPICS: Final = (
    CHUNKS_READY,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    *(build_retry_topic(ENRICHMENT, tier) for tier in range(4)),
    LETTERS,
)
HURRY: Final[dict[str, Any]] = {
    "retry_delays_s": (0.2,),
    "commit_interval_s": 0.1,
    "drain_grace_s": 0.0,
}


@asynccontextmanager
async def enrichment(
    bench: Bench, model: Simulated, postgres: PostgresSettings
) -> AsyncIterator[None]:
    """The stage as its process builds it."""
    settings = model.settings(priced_as="gpt-4o-mini")
    async with (
        LazilyConnectedDatabase(postgres) as database,
        ResponseCache(database, CacheSettings()) as answers,
        Ledger(database, BudgetSettings()) as ledger,
        ModelClient(settings, cache=answers, ledger=ledger) as client,
        bench.serving(ENRICHMENT, router, EnrichmentSettings(**HURRY), drafter=NoteDrafter(client)),
    ):
        yield


async def set_budget(postgres: PostgresSettings, usd: str) -> None:
    async with open_database(postgres) as database:
        await SpendQueries(database).limit("study", CHUNK.study.study_id, Decimal(usd))


async def replay(bench: Bench, store: DeadLetterStore, letter: Any) -> None:
    """What control does: index the letter, and put back all that were over a budget."""
    record = Record(
        LETTERS.name, letter.partition, letter.offset, letter.key, letter.value, letter.headers, 0
    )
    await store.index_letter(build_indexed_dead_letter(record))
    async with (
        open_dead_letter_reader(bench.kafka, 1.0) as reader,
        Publisher(bench.kafka, source="/test") as publisher,
    ):
        replayer = DeadLetterReplayer(store, reader, publisher)
        over_budget = DeadLetterFilter(code="budget_exceeded")
        replays = await replayer.replay_many(over_budget, limit=10)
        await replayer.close()
    assert len(replays.replayed) == 1


async def test_a_chunk_over_budget_is_parked_and_drafted_once_the_budget_is_raised(
    broker: str,
    postgres_settings: PostgresSettings,
    fresh_database: Database,
) -> None:
    await set_budget(postgres_settings, "0.000001")
    bench = await bench_on(broker, [replace(topic, partitions=1) for topic in TOPICS])
    async with simulated() as model, enrichment(bench, model, postgres_settings):
        async with Publisher(bench.kafka, source="/test") as publisher:
            await publisher.publish([CHUNK])
        (letter,) = await bench.records(LETTERS.name, 1)
        headers = {name: value.decode() for name, value in letter.headers}
        assert headers[h.ERROR_CODE] == "budget_exceeded"
        assert "onrecord budgets set heating" in headers[h.DLQ_MESSAGE]
        assert await model.calls() == 0
        await set_budget(postgres_settings, "1")
        await replay(bench, DeadLetterStore(fresh_database), letter)
        await bench.records(NOTES_DRAFTED.name, 1)
        assert await model.calls() == 1
        assert await bench.size(LETTERS.name) == 1
    spent = await fresh_database.fetchval(
        "SELECT settled_usd FROM llm_spending WHERE scope = 'study' AND reserved_usd = 0"
    )
    assert 0 < spent < Decimal("0.01")
