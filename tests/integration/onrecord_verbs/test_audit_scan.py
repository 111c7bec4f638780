"""What the audit reads from the broker, whatever became of its topics."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

from audit import run_audit
from audit.broker import ScanResult, open_backlog_scanner
from audit.facts import AuditFacts, DatedDeadLetter, SubmissionState
from audit.reconciliation import reconcile_submissions
from contracts import headers as h
from contracts.errors import BadMessageError
from contracts.topics import (
    ALL_TOPICS,
    CHUNKS_READY,
    EVENT_TOPICS,
    PIPELINE,
    RETRY_DELAYS_S,
    TRANSCRIPTS_SUBMITTED,
    build_dlq_topic,
    build_retry_topic,
)
from control.domain import IndexedSubmission
from control.letters.indexing import build_indexed_dead_letter
from control.letters.store import DeadLetterStore
from database.pool import Database
from messaging import Delivery, MessageOrigin, Record
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Headers, append_headers, split_headers
from messaging.kafka.admin import create_topics, open_admin_client
from support.apache_kafka import JVM_THAT_STARTS_FAST, own_kafka
from support.broker import Bench, bench_on
from support.missing import require_kafka_jars
from support.waiting import until

SUBMITTED = "transcripts-submitted"
KEY = str(UUID(int=1)).encode()


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, [replace(topic, partitions=1) for topic in ALL_TOPICS])


async def scan(bench: Bench) -> ScanResult:
    async with open_backlog_scanner(bench.kafka) as scanner:
        return await scanner.scan()


def topics_of(service: str) -> set[str]:
    """All topics in which a message of a service may be."""
    sources = {topic.name for topic in EVENT_TOPICS if service in topic.consumers}
    retries = {build_retry_topic(service, tier).name for tier in range(len(RETRY_DELAYS_S))}
    return sources | retries | {build_dlq_topic(service).name}


async def commit(bench: Bench, service: str, topic: str, offset: int) -> None:
    place = TopicPartition(bench.kafka.topic(topic), 0)
    options = bench.kafka.client_options()
    consumer = AIOKafkaConsumer(
        **options, group_id=bench.kafka.topic(service), enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([place])
        await consumer.commit({place: OffsetAndMetadata(offset, "")})
    finally:
        await consumer.stop()


@pytest.mark.long
async def test_records_that_were_deleted_before_they_were_read_are_told(bench: Bench) -> None:
    await bench.send(SUBMITTED, *[b"%d" % number for number in range(5)], key=KEY)
    await commit(bench, "ingestion", SUBMITTED, 2)
    place = TopicPartition(bench.kafka.topic(SUBMITTED), 0)
    async with open_admin_client(bench.kafka) as admin:
        await admin.delete_records({place: RecordsToDelete(4)}, timeout_ms=10_000)
    found = await scan(bench)
    assert found.deleted == {("ingestion", SUBMITTED): 2}
    assert [(one.place, one.subject) for one in found.unread] == [((SUBMITTED, 0, 4), "")]
    assert found.received["ingestion"] == {(SUBMITTED, 0): 5}
    balance = reconcile_submissions(AuditFacts(received=found.received, deleted=found.deleted))
    assert not balance.balances
    await commit(bench, "ingestion", SUBMITTED, 5)
    assert (await scan(bench)).deleted == {}


async def test_a_topic_that_was_deleted_does_not_keep_the_audit_from_looking(bench: Bench) -> None:
    await bench.send(SUBMITTED, b"{}", key=KEY)
    name = bench.kafka.topic("guardrail-dlq")
    async with open_admin_client(bench.kafka) as admin:
        await admin.delete_topics([name])

        async def is_gone() -> bool:
            return name not in await admin.list_topics()

        await until(is_gone)
    found = await scan(bench)
    assert len(found.unread) == len(found.submissions) == 1
    assert found.missing_topics == (name,)


async def test_every_topic_that_the_audit_reads_is_named_when_it_is_missing(broker: str) -> None:
    bench = await bench_on(broker, [TRANSCRIPTS_SUBMITTED])
    found = await scan(bench)
    read = {topic for service in PIPELINE for topic in topics_of(service)}
    assert {*found.missing_topics} == {*map(bench.kafka.topic, read - {SUBMITTED})}
    async with open_admin_client(bench.kafka) as admin:
        existing = [
            one for one in await admin.list_topics() if one.startswith(bench.kafka.topic(""))
        ]
    assert existing == [bench.kafka.topic(SUBMITTED)], "looking for a topic does not make it"


def set_aside(service: str, origin: MessageOrigin, key: bytes | None, value: bytes) -> Headers:
    """The headers of a message that a service has set aside."""
    failure = describe_failure(BadMessageError("why"), service)
    content = digest_record(key, value, ())
    added = build_dead_letter_headers(
        failure,
        Delivery(origin, attempts=1),
        content,
        service=service,
        group=service,
        at=datetime(2026, 1, 3, tzinfo=UTC),
    )
    return append_headers((), added)


async def test_an_unindexed_letter_counts_where_its_message_was_unless_it_is_forged(
    bench: Bench,
) -> None:
    place, key, value = ("chunks-ready", 0, 4), KEY, f'{{"chunk_id": "{UUID(int=1)}"}}'.encode()
    headers = set_aside("enrichment", MessageOrigin(*place, 5_000), key, value)
    original, added = split_headers(headers)
    forged = tuple((name, b"x" if name == h.LETTER_ID else told) for name, told in added)
    for sent in (append_headers(original, forged), headers):
        await bench.send("enrichment-dlq", value, key=key, headers=sent)
    assert [(one.place, one.subject, one.sent_at) for one in (await scan(bench)).letters] == [
        (("enrichment-dlq", 0, 0), "", None),
        (place, str(UUID(int=1)), 5_000),
    ]


async def test_a_letter_of_a_topic_that_was_made_anew_is_not_counted_with_the_new_one_s(
    bench: Bench, fresh_database: Database
) -> None:
    store, name, number = DeadLetterStore(fresh_database), "chunks-ready", 4

    async def write() -> list[MessageOrigin]:
        await bench.send(name, *(b"%d" % one for one in range(number)), key=KEY)
        records = await bench.records(name, number)
        await commit(bench, "enrichment", name, number)
        return [MessageOrigin(name, 0, one.offset, one.timestamp) for one in records]

    async def dies(origin: MessageOrigin, dlq_offset: int) -> None:
        headers = set_aside("enrichment", origin, KEY, b"x")
        record = Record("enrichment-dlq", 0, dlq_offset, KEY, b"x", headers, 1_000)
        await store.index_letter(build_indexed_dead_letter(record))

    async def counts() -> tuple[int, int, int]:
        async with open_backlog_scanner(bench.kafka) as scanner:
            balance = await run_audit(scanner, fresh_database)
        (found,) = [one for one in balance.services if one.service == "enrichment"]
        return found.received, found.handled, found.dead

    for place, origin in enumerate(await write()):
        await dies(origin, place)
    assert await counts() == (number, 0, number)
    async with open_admin_client(bench.kafka) as admin:
        await admin.delete_topics([bench.kafka.topic(name)])

        async def is_gone() -> bool:
            return bench.kafka.topic(name) not in await admin.list_topics()

        await until(is_gone)
    await create_topics(bench.kafka, [replace(CHUNKS_READY, partitions=1)])
    origins = await write()
    assert await counts() == (number, number, 0)
    await dies(origins[2], number)
    assert await counts() == (number, number - 1, 1)


class ControlHasNotReadTheDlq:
    """A scan that finds a dead letter which control has not indexed yet."""

    def __init__(self, letter: DatedDeadLetter) -> None:
        self._letter = letter

    async def scan(self) -> ScanResult:
        return ScanResult(unread=(), letters=(self._letter,), submissions=(), received={})

    async def find_partitions_of_recreated_topics(self, _: object) -> dict[tuple[str, int], int]:
        return {}


async def test_a_letter_at_the_place_of_an_older_one_is_seen_before_control_indexed_it(
    fresh_database: Database,
) -> None:
    store = DeadLetterStore(fresh_database)
    place, (old, new) = (SUBMITTED, 0, 0), (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))
    origin = MessageOrigin(*place, int(old.timestamp() * 1000))
    headers = set_aside("ingestion", origin, None, b"{")
    record = Record("ingestion-dlq", 0, 0, None, b"{", headers, 1_000)
    letter = build_indexed_dead_letter(record)
    await store.index_letter(letter)
    await store.discard(letter.letter_id, "its topic was deleted")
    await store.index_submission(
        IndexedSubmission(topic=SUBMITTED, partition=0, offset=0, submitted_at=new)
    )
    sent_ms = int(new.timestamp() * 1000)
    found = DatedDeadLetter("ingestion", place, "", discarded=False, sent_at=sent_ms)
    scanner: Any = ControlHasNotReadTheDlq(found)
    balance = await run_audit(scanner, fresh_database)
    assert balance.unreadable.states[SubmissionState.DEAD] == 1
    assert balance.balances


@pytest.mark.long
async def test_a_broker_that_has_just_started_has_coordinators_only_after_a_while() -> None:
    require_kafka_jars()
    # The groups' topic has more partitions than this broker creates at once.
    settings = ("offsets.topic.num.partitions=200",)
    with own_kafka(settings=settings, jvm=JVM_THAT_STARTS_FAST) as kafka:
        bench = await bench_on(kafka.servers, [TRANSCRIPTS_SUBMITTED])
        assert (await scan(bench)).unread == ()
