"""Replays while the broker is away: letters are open again, and are put back later."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from contracts import headers as h
from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.topics import build_dlq_topic, build_retry_topic
from control.domain import IndexedDeadLetter
from control.letters.indexing import build_indexed_dead_letter
from control.letters.reader import open_dead_letter_reader
from control.letters.store import DeadLetterStore
from control.replays.replayer import DeadLetterReplayer
from database.pool import Database
from messaging import KafkaUnavailableError, Publisher, Record
from messaging.delivery import append_headers
from support.broker import RestartableBroker, bench_on

LETTERS = 30
HEADERS = append_headers((), ((h.DLQ_TOPIC, b"chunks-ready"), (h.DLQ_PARTITION, b"0")))


def letter(number: int) -> IndexedDeadLetter:
    return build_indexed_dead_letter(
        Record("enrichment-dlq", 0, number, b"k", b"%d" % number, HEADERS, 1_000)
    )


@pytest.mark.long
async def test_letters_are_open_while_the_broker_is_away_and_replayed_in_order_after(
    own_broker: RestartableBroker, fresh_database: Database
) -> None:
    topics = (build_dlq_topic("enrichment"), build_retry_topic("enrichment", 0))
    bench = await bench_on(own_broker.servers, topics)
    values = [b"%d" % number for number in range(LETTERS)]
    await bench.send("enrichment-dlq", *values, key=b"k", headers=HEADERS)
    store = DeadLetterStore(fresh_database)
    for number in range(LETTERS):
        await store.index_letter(letter(number))
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(open_dead_letter_reader(bench.kafka, 1.0))
        publisher = await stack.enter_async_context(Publisher(bench.kafka, source="/test"))
        replayer = DeadLetterReplayer(store, reader, publisher)
        await asyncio.to_thread(own_broker.stop)
        with pytest.raises(KafkaUnavailableError):
            await replayer.replay_many(DeadLetterFilter(), limit=LETTERS)
        assert {one.state for one in await store.letters()} == {DeadLetterState.OPEN}
        await asyncio.to_thread(own_broker.start)
        replays = await replayer.replay_many(DeadLetterFilter(), limit=LETTERS)
        await replayer.close()
    assert len(replays.replayed) == LETTERS
    records = await bench.records("enrichment-retry-0", LETTERS)
    assert [record.value for record in records] == values
