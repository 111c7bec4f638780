"""Stub letters and large ones are replayed from where they are, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from contracts import headers as h
from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.errors import BadMessageError
from contracts.topics import (
    CHUNKS_READY,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    build_dlq_topic,
    build_retry_topic,
)
from control.letters.indexing import build_indexed_dead_letter
from control.letters.originals import OriginalGoneError, OriginalTooLargeError
from control.letters.reader import open_dead_letter_reader
from control.letters.store import DeadLetterStore
from control.replays.replayer import DeadLetterReplayer
from database.pool import Database
from messaging import Delivery, MessageOrigin, Publisher, Record
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Headers, append_headers, split_headers
from messaging.kafka.admin import open_admin_client
from messaging.limits import PULL_BYTES, WHOLE_BYTES
from support import bombs
from support.bombs import MIB
from support.broker import QUICK, Bench, bench_on
from support.stages import Stage

SERVICE = "enrichment"
DLQ, RETRY = build_dlq_topic(SERVICE).name, build_retry_topic(SERVICE, 0).name
TOPICS = (
    CHUNKS_READY,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    build_dlq_topic(SERVICE),
    *(build_retry_topic(SERVICE, tier) for tier in range(4)),
)
HEADERS: Headers = (("a", b"1"), ("raw", b"\xff"))
LARGE = b"it begins".ljust(WHOLE_BYTES, b"\0")


class Control(NamedTuple):
    """Control's index and replayer."""

    store: DeadLetterStore
    replayer: DeadLetterReplayer


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, TOPICS)


@pytest.fixture
def store(fresh_database: Database) -> DeadLetterStore:
    return DeadLetterStore(fresh_database)


def limited(bench: Bench, max_batch_bytes: int) -> Bench:
    return Bench(bench.kafka.model_copy(update={"max_batch_bytes": max_batch_bytes}))


@asynccontextmanager
async def control(bench: Bench, store: DeadLetterStore) -> AsyncIterator[Control]:
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(open_dead_letter_reader(bench.kafka, 10.0))
        publisher = await stack.enter_async_context(Publisher(bench.kafka, source="/test"))
        yield Control(store, DeadLetterReplayer(store, reader, publisher))


async def set_aside(bench: Bench, store: DeadLetterStore, *, letters: int = 1) -> list[UUID]:
    """Have the service refuse what is in its topic, and index the letters; their ids."""
    stage = Stage(SERVICE)

    @stage.on_raw(CHUNKS_READY)
    async def refuse(_: Record) -> None:
        raise BadMessageError("it is refused")

    settings = QUICK.model_copy(update={"max_message_bytes": MIB})
    async with bench.running(stage, settings):
        found = await bench.records(DLQ, letters)
    return [await index(store, one) for one in found]


async def index(store: DeadLetterStore, received: Any) -> UUID:
    letter = build_indexed_dead_letter(
        Record(
            DLQ,
            received.partition,
            received.offset,
            received.key,
            received.value,
            tuple(received.headers),
            received.timestamp,
        )
    )
    await store.index_letter(letter)
    return letter.letter_id


async def test_a_stub_is_replayed_as_the_whole_message_it_stands_for(
    bench: Bench, store: DeadLetterStore
) -> None:
    await bench.send("chunks-ready", LARGE, key=b"k", headers=HEADERS)
    (letter_id,) = await set_aside(bench, store)
    async with control(bench, store) as office:
        assert (await office.replayer.replay(letter_id)).state is DeadLetterState.REPLAYED
        (record,) = await bench.records(RETRY, 1)
    original, added = split_headers(record.headers)
    assert (record.key, record.value, original) == (b"k", LARGE, HEADERS)
    assert dict(added)[h.REPLAY_OF] == str(letter_id).encode()
    assert h.STUB not in dict(added)


async def test_a_stub_of_a_batch_is_replayed_when_the_limit_was_raised(
    bench: Bench, store: DeadLetterStore
) -> None:
    data = bombs.batch("zstd", bombs.one_record(3 * MIB, key=b"k", begins=b"it begins"))
    await bombs.send(bench.kafka, "chunks-ready", data)
    low, high = limited(bench, MIB), limited(bench, 4 * MIB)
    (letter_id,) = await set_aside(low, store)
    async with control(low, store) as office:
        with pytest.raises(OriginalTooLargeError, match="KAFKA_MAX_BATCH_BYTES"):
            await office.replayer.replay(letter_id)
        replays = await office.replayer.replay_many(DeadLetterFilter(code="too_large"), limit=10)
        assert "KAFKA_MAX_BATCH_BYTES" in replays.not_replayed[letter_id]
        assert (await store.letter(letter_id)).state is DeadLetterState.OPEN
    async with control(high, store) as office:
        await office.replayer.replay(letter_id)
        (record,) = await high.records(RETRY, 1)
    assert (record.key, record.value) == (b"k", b"it begins".ljust(3 * MIB, b"\0"))


async def test_a_stub_whose_message_is_gone_says_so_and_stays_open(
    bench: Bench, store: DeadLetterStore
) -> None:
    await bench.send("chunks-ready", LARGE, key=b"k")
    (letter_id,) = await set_aside(bench, store)
    (found,) = await bench.records("chunks-ready", 1)
    place = TopicPartition(bench.kafka.topic("chunks-ready"), found.partition)
    async with open_admin_client(bench.kafka) as admin:
        await admin.delete_records({place: RecordsToDelete(found.offset + 1)})
    async with control(bench, store) as office:
        with pytest.raises(OriginalGoneError, match="gone"):
            await office.replayer.replay(letter_id)
    assert (await store.letter(letter_id)).state is DeadLetterState.OPEN
    assert await bench.size(RETRY) == 0


@pytest.mark.parametrize(
    ("name", "told", "why"),
    [
        (h.STUB_SHA256, b"0" * 64, "another one"),
        (h.DLQ_TOPIC, b"enrichment-dlq", "without the place of its message"),
        (h.DLQ_TOPIC, b"transcripts-submitted", "without the place of its message"),
        (h.DLQ_OFFSET, b"7", "gone"),
        (h.DLQ_OFFSET, b"none", "without the place of its message"),
        (h.DLQ_PARTITION, b"99", "gone"),
    ],
)
async def test_a_stub_is_replayed_only_as_the_message_it_tells_of(
    bench: Bench, store: DeadLetterStore, name: str, told: bytes, why: str
) -> None:
    await bench.send("chunks-ready", LARGE, key=b"k")
    await set_aside(bench, store)
    (letter,) = await bench.records(DLQ, 1)
    original, added = split_headers(letter.headers)
    forged = tuple((one, told if one == name else value) for one, value in added)
    await bench.send(DLQ, letter.value, key=b"k", headers=append_headers(original, forged))
    letter_id = await index(store, (await bench.records(DLQ, 2))[1])
    async with control(bench, store) as office:
        with pytest.raises(OriginalGoneError, match=why):
            await office.replayer.replay(letter_id)


async def test_a_replay_of_many_holds_no_more_than_its_share_and_tells_of_each(
    bench: Bench, store: DeadLetterStore
) -> None:
    number, size = 60, 4 * MIB
    failure = describe_failure(BadMessageError("why"), SERVICE)
    ids = []
    async with Publisher(bench.kafka, source="/test") as publisher:
        for offset in range(number):
            value = b"%d" % offset + bytes(size)
            added = build_dead_letter_headers(
                failure,
                Delivery(MessageOrigin("chunks-ready", 0, offset), attempts=1),
                digest_record(b"k", value, HEADERS),
                service=SERVICE,
                group="g",
                at=build_indexed_dead_letter(Record(DLQ, 0, 0, None, None)).failed_at,
            )
            headers = append_headers(HEADERS, added)
            await publisher.forward(DLQ, b"k", value, headers)
            letter = build_indexed_dead_letter(Record(DLQ, 0, offset, b"k", value, headers, 1_000))
            await store.index_letter(letter)
            ids.append(letter.letter_id)
    async with control(bench, store) as office:
        tracemalloc.start()
        try:
            which = DeadLetterFilter(service=SERVICE, code="invalid_event")
            replays = await office.replayer.replay_many(which, limit=number)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert set(replays.replayed) == set(ids)
    assert peak < 6 * PULL_BYTES < number * size // 2
    assert await bench.size(RETRY) == number


async def test_a_large_letter_is_listed_small(store: DeadLetterStore) -> None:
    huge = bytes(60 * MIB)
    headers = append_headers(
        (("small", b"1"), ("huge", huge), ("x" * MIB, b"1")),
        ((h.ERROR_CODE, b"too_large"), (h.DLQ_MESSAGE, b"m" * MIB), (h.ERROR_TYPE, huge)),
    )
    await store.index_letter(
        build_indexed_dead_letter(Record(DLQ, 0, 0, b"k" * MIB, huge, headers, 1_000))
    )

    (letter,) = await store.letters()

    assert len(letter.model_dump_json()) < 64 * 1024
    assert letter.headers == (("small", b"1"), (h.ERROR_CODE, b"too_large"))
    assert letter.size_bytes == len(huge)
