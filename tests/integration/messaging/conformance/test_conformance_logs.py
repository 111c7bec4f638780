"""A commit is held against the log: nothing is skipped when the log moved, and people are told."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete

from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import Record
from messaging.consumer import offset_metadata
from messaging.consumer.offset_metadata import LogIdentity
from messaging.kafka.admin import create_topics, open_admin_client
from support.apache_kafka import ApacheKafka
from support.broker import PROBE, QUICK, RestartableBroker
from support.stages import Stage
from support.waiting import until
from telemetry.metrics import LOG_FAULTS, TOPICS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.RESTARTS)

OLD: Final = 60
NEW: Final = 120
"""More than were committed of the old log."""


class Handled:
    """A stage that counts what it has handled, and never ends with some."""

    def __init__(self, *never: bytes) -> None:
        self.stage = Stage(PROBE)
        self.values: Counter[bytes | None] = Counter()

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            if record.value in never:
                await asyncio.Event().wait()
            self.values[record.value] += 1

    def has(self, values: list[bytes]) -> bool:
        """Whether all of these, and no others, have been handled."""
        return set(self.values) == set(values)


def old() -> list[bytes]:
    return [b"old %d" % number for number in range(OLD)]


def new(number: int = NEW) -> list[bytes]:
    return [b"new %d" % number for number in range(number)]


def source(backend: Brokered, number: int = 0) -> TopicPartition:
    return TopicPartition(backend.kafka.topic("chunks-ready"), number)


def faults(backend: Brokered, fault: str) -> float:
    TOPICS.register(source(backend).topic)  # as the stage does, once it is there
    return float(LOG_FAULTS.labels(source(backend).topic, fault)._value.get())


async def handle_the_old(backend: Brokered) -> OffsetAndMetadata:
    """Have a stage handle and commit the old records; the commit."""
    await backend.send("chunks-ready", *old())
    handled = Handled()
    async with backend.running(handled.stage):
        await backend.is_committed("chunks-ready", OLD)
    return await commit_of(backend)


async def commit_of(backend: Brokered) -> OffsetAndMetadata:
    async with open_admin_client(backend.kafka) as admin:
        commits = await admin.list_consumer_group_offsets(backend.kafka.topic(PROBE))
    return commits[source(backend)]


async def set_commit(backend: Brokered, offset: int, metadata: str) -> None:
    """Commit for the group, as tools do that copy or translate offsets."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=backend.kafka.bootstrap_servers,
        group_id=backend.kafka.topic(PROBE),
        enable_auto_commit=False,
    )
    consumer.assign([source(backend)])
    await consumer.start()
    try:
        await consumer.commit({source(backend): OffsetAndMetadata(offset, metadata)})
    finally:
        await consumer.stop()


async def create_anew(backend: Brokered) -> None:
    name = source(backend).topic
    async with open_admin_client(backend.kafka) as admin:
        await admin.delete_topics([name])

        async def gone() -> bool:
            return name not in await admin.list_topics()

        await until(gone)
    await create_topics(backend.kafka, [replace(CHUNKS_READY, partitions=1)])


@proves("promise 1")
@needs(Ability.LOG_IDENTITY)
async def test_a_topic_that_was_created_anew_is_handled_from_its_beginning(
    backend: Brokered,
) -> None:
    commit = await handle_the_old(backend)
    await create_anew(backend)
    # The broker forgets commits with their topic, and tools that restore groups bring them back.
    await set_commit(backend, *commit)
    await backend.send("chunks-ready", *new())
    handled = Handled()
    with structlog.testing.capture_logs() as logs:
        async with backend.running(handled.stage):
            await until(lambda: handled.has(new()), within_s=40)
    assert [one["fault"] for one in logs if one["event"] == "log_fault"] == ["recreated"]
    assert set(handled.values.values()) == {1}


@pytest.mark.long
@proves("promise 1")
@needs(Ability.LOG_IDENTITY)
async def test_a_topic_created_anew_under_a_running_stage_is_handled_from_its_beginning(
    backend: Brokered,
) -> None:
    await backend.send("chunks-ready", *old())
    handled = Handled()
    async with backend.running(handled.stage):
        await backend.is_committed("chunks-ready", OLD)
        await create_anew(backend)
        await backend.send("chunks-ready", *new())
        await until(lambda: handled.has([*old(), *new()]), within_s=40)


@pytest.mark.long
@pytest.mark.broker_files
@proves("promise 1")
@needs(Ability.LOG_IDENTITY, Ability.BROKER_RESTARTS)
@pytest.mark.parametrize(
    ("number", "fault"),
    [(NEW, "truncated"), pytest.param(OLD // 3, "lost", marks=pytest.mark.long)],
)
async def test_a_log_that_was_lost_under_the_commit_is_handled_from_its_beginning(
    own_backend: Brokered, own_broker: RestartableBroker, number: int, fault: str
) -> None:
    assert isinstance(own_broker, ApacheKafka)
    await handle_the_old(own_backend)
    own_broker.stop()
    place = source(own_backend)
    shutil.rmtree(own_broker.folder / "data" / f"{place.topic}-{place.partition}")
    own_broker.start()
    await own_backend.send("chunks-ready", *new(number))
    handled, before = Handled(), faults(own_backend, fault)
    with structlog.testing.capture_logs() as logs:
        async with own_backend.running(handled.stage):
            await until(lambda: handled.has(new(number)), within_s=40)
    told = [one for one in logs if one["event"] == "log_fault"]
    assert [(one["place"], one["fault"]) for one in told] == [
        (f"{place.topic}-{place.partition}", fault)
    ]
    assert faults(own_backend, fault) == before + 1


@proves("promise 1")
async def test_records_that_were_deleted_unhandled_are_an_error_and_counted(
    backend: Brokered,
) -> None:
    await handle_the_old(backend)
    await backend.send("chunks-ready", *new(20))
    async with open_admin_client(backend.kafka) as admin:
        await admin._client.force_metadata_update()
        await admin.delete_records({source(backend): RecordsToDelete(OLD + 15)})
    handled, before = Handled(), faults(backend, "deleted")
    with structlog.testing.capture_logs() as logs:
        async with backend.running(handled.stage):
            await until(lambda: handled.has(new(20)[15:]), within_s=40)
            await backend.is_committed("chunks-ready", OLD + 20)
    assert [one["fault"] for one in logs if one["event"] == "log_fault"] == ["deleted"]
    assert faults(backend, "deleted") == before + 1


@proves("promise 1", "promise 6")
async def test_records_deleted_under_a_running_stage_are_an_error_and_counted(
    backend: Brokered,
) -> None:
    """They are those behind what it has fetched, which is no more than 1 MiB at a time."""
    number, kept_from = 20, 15
    values = [b"%02d" % one + b"x" * 200_000 for one in range(number)]
    await backend.send_many("chunks-ready", values)
    stage, release, handled = Stage(PROBE), asyncio.Event(), Counter[int]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        handled[record.offset] += 1
        await release.wait()

    narrow = QUICK.model_copy(update={"max_in_flight": 1, "read_ahead_bytes": 400_000})
    before = faults(backend, "deleted")
    with structlog.testing.capture_logs() as logs:
        async with backend.running(stage, narrow) as running:
            await until(lambda: bool(handled), within_s=40)
            consumption = running.consumption
            async with open_admin_client(backend.kafka) as admin:
                await admin._client.force_metadata_update()
                await admin.delete_records({source(backend): RecordsToDelete(kept_from)})
            release.set()
            await backend.is_committed("chunks-ready", number)
            assert running.consumption is consumption, "the others in flight went on"
    told = [one for one in logs if one["event"] == "log_fault"]
    assert [(one["fault"], one["begins_at"]) for one in told] == [("deleted", kept_from)]
    assert faults(backend, "deleted") == before + 1
    assert set(handled) == {*range(told[0]["read_to"]), *range(kept_from, number)}
    assert set(handled.values()) == {1}


@proves("promise 1", "promise 6")
@needs(Ability.LOG_IDENTITY)
@pytest.mark.parametrize("cluster", ["", "other"])
async def test_what_is_told_as_finished_is_not_believed_after_offsets_were_translated(
    backend: Brokered, cluster: str
) -> None:
    """MirrorMaker 2 writes a group's offsets for another cluster, with the metadata as it was."""
    await backend.send("chunks-ready", *new(10))
    log = LogIdentity(cluster, "topic") if cluster else LogIdentity()
    told_for = 2 if cluster else 5
    metadata = offset_metadata.encode_commit_metadata(
        told_for, [range(told_for + 1, told_for + 4)], log
    )
    await set_commit(backend, 2, metadata)
    handled = Handled()
    async with backend.running(handled.stage):
        await backend.is_committed("chunks-ready", 10)
    assert set(handled.values) == set(new(10)[2:])


@asynccontextmanager
async def transactions(backend: Brokered) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(
        bootstrap_servers=backend.kafka.bootstrap_servers,
        transactional_id=f"{backend.kafka.topic_prefix}writer",
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@proves("promise 1")
@needs(Ability.LOG_IDENTITY)
async def test_aborted_transactions_are_not_handled_and_the_commit_reaches_the_end(
    backend: Brokered,
) -> None:
    async with transactions(backend) as producer:
        for values, aborted in ([b"1", b"2"], False), ([b"x", b"y"], True), ([b"3"], False):
            await producer.begin_transaction()
            for value in values:
                await producer.send_and_wait(source(backend).topic, value, partition=0)
            await (producer.abort_transaction if aborted else producer.commit_transaction)()
    handled = Handled()
    async with backend.running(handled.stage):
        await until(lambda: handled.has([b"1", b"2", b"3"]))
        # Five records, and the markers that end three transactions.
        await backend.is_committed("chunks-ready", 8)


@pytest.mark.long
@proves("promise 1")
async def test_a_partition_that_was_added_is_noticed_soon(backend: Brokered) -> None:
    handled = Handled()
    async with backend.running(handled.stage) as running:
        async with open_admin_client(backend.kafka) as admin:
            await admin.create_partitions({source(backend).topic: NewPartitions(total_count=2)})
        consumption = running.consumption
        assert consumption is not None
        added = source(backend, 1)
        await until(lambda: added in consumption.client.assignment(), within_s=25)


@pytest.mark.long
@pytest.mark.broker_files
@proves("promise 1")
@needs(Ability.LOG_IDENTITY, Ability.BROKER_RESTARTS)
async def test_a_corrupt_batch_is_named_and_the_other_partitions_go_on(
    own_backend: Brokered, own_broker: RestartableBroker
) -> None:
    assert isinstance(own_broker, ApacheKafka)
    name = source(own_backend).topic
    async with open_admin_client(own_backend.kafka) as admin:
        await admin.create_partitions({name: NewPartitions(total_count=2)})
    await write(own_backend, 0, b"good", b"damaged", b"behind")
    await write(own_backend, 1, b"one", b"two")
    own_broker.stop()
    damage(own_broker, f"{name}-0", b"damaged")
    own_broker.start()
    handled = Handled()
    async with own_backend.running(handled.stage) as running:
        await until(lambda: handled.has([b"good", b"one", b"two"]), within_s=40)
        await until(lambda: "corrupt" in running.health.reason, within_s=40)
        assert f"offset 1 of {name}-0" in running.health.reason
        consumption = running.consumption
        await write(own_backend, 1, b"three")
        await until(lambda: b"three" in handled.values, within_s=40)
        assert running.consumption is consumption, "the client was not remade"
        # As the reason says: give it up.
        async with open_admin_client(own_backend.kafka) as admin:
            await admin._client.force_metadata_update()
            await admin.delete_records({source(own_backend): RecordsToDelete(2)})
        await until(lambda: b"behind" in handled.values, within_s=40)
        await until(lambda: running.health.ready, within_s=40)
    assert set(handled.values.values()) == {1}


async def write(backend: Brokered, partition: int, *values: bytes) -> None:
    """Write records, each in a batch of its own."""
    producer = AIOKafkaProducer(bootstrap_servers=backend.kafka.bootstrap_servers)
    await producer.start()

    async def knows_the_partition() -> bool:
        await producer.client.force_metadata_update()
        return partition in await producer.partitions_for(source(backend).topic)

    try:
        await until(knows_the_partition)
        for value in values:
            await producer.send_and_wait(source(backend).topic, value, partition=partition)
    finally:
        await producer.stop()


def damage(broker: ApacheKafka, partition: str, value: bytes) -> None:
    """Change a record on the broker's disk."""
    (segment,) = (broker.folder / "data" / partition).glob("*.log")
    data = segment.read_bytes()
    assert data.count(value) == 1
    segment.write_bytes(data.replace(value, value[::-1]))
