"""Reads the DLQs again, so that the index has every letter that they have.

A letter that is new to the index is open. One that is known stays what it is, but for where its
record is: what was gone from its DLQ, and expired for that, is open again.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import DLQ_TOPICS
from control.letters.indexing import build_letter_rows
from control.letters.reader import AT_A_TIME, open_dlq_consumer
from control.letters.store import DeadLetterStore
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.delivery import convert_consumer_record
from messaging.kafka.aiokafka_internals import get_network_client

TIMEOUT_S: Final = 10.0
"""Longest that the broker is waited for, in seconds."""

BUDGET_S: Final = 5.0
"""Seconds after which a request ends, with where to go on."""


class DlqPosition(NamedTuple):
    """Position in the DLQs (topic, partition, offset) from which reading them again goes on."""

    topic: str
    partition: int
    offset: int


class ReindexedRecords(NamedTuple):
    """Result of reading the DLQs again: records read, new dead letters, and where to go on.

    Attributes:
        read: how many records.
        new: how many of their letters the index did not have.
        next: from where to go on; None if that was all.
    """

    read: int
    new: int
    next: DlqPosition | None


async def reindex_dlqs(
    store: DeadLetterStore,
    kafka: KafkaSettings,
    *,
    begin: DlqPosition | None = None,
    budget_s: float = BUDGET_S,
) -> ReindexedRecords:
    """Read the DLQs again into the index for some seconds; return counts, and where to go on.

    Args:
        store: the index.
        kafka: where the DLQs are.
        begin: where the one before ended; at the beginning if None.
        budget_s: after how many seconds it ends.

    Raises:
        KafkaUnavailableError, DatabaseUnavailableError: try again later, from the same place.
    """
    until = time.monotonic() + budget_s
    read = new = 0
    async with open_dlq_consumer(kafka) as consumer:
        try:
            for place, offset, end in await _list_places(consumer, kafka, begin):
                consumer.assign([place])
                consumer.seek(place, offset)
                topic = place.topic.removeprefix(kafka.topic_prefix)
                while (position := await _position(consumer, place)) < end:
                    if time.monotonic() > until:
                        goes_on = DlqPosition(topic, place.partition, position)
                        return ReindexedRecords(read, new, goes_on)
                    some = await consumer.getmany(place, timeout_ms=1_000, max_records=AT_A_TIME)
                    records = [convert_consumer_record(one, topic) for one in some.get(place, ())]
                    read += len(records)
                    new += sum(await store.indexer.index(await build_letter_rows(records)))
        except (TimeoutError, KafkaError) as error:
            raise KafkaUnavailableError(f"the DLQs cannot be read: {error!r}") from error
    return ReindexedRecords(read, new, None)


async def _list_places(
    consumer: Any, kafka: KafkaSettings, begin: DlqPosition | None
) -> list[tuple[TopicPartition, int, int]]:
    """List the partitions that are there from a place on, with their first and last offsets."""
    async with asyncio.timeout(TIMEOUT_S):
        # The client's ``topics()`` has no partitions.
        cluster = await get_network_client(consumer).fetch_all_metadata()
        places = sorted(
            TopicPartition(kafka.topic(topic.name), partition)
            for topic in DLQ_TOPICS
            for partition in cluster.partitions_for_topic(kafka.topic(topic.name)) or ()
        )
        if not places:
            return []
        begins = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
    found = []
    for place in places:
        first = begins[place]
        if begin is not None:
            asked = TopicPartition(kafka.topic(begin.topic), begin.partition)
            if place < asked:
                continue
            if place == asked:
                first = max(first, begin.offset)
        found.append((place, first, ends[place]))
    return found


async def _position(consumer: Any, place: TopicPartition) -> int:
    async with asyncio.timeout(TIMEOUT_S):
        return int(await consumer.position(place))
