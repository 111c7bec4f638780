"""Reads the DLQs again, so that the index has every letter that they have.

A letter that is new to the index is open. One that is known stays what it is, but for where its
record is: what was gone from its DLQ, and expired for that, is open again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import DLQ_TOPICS
from control.indexing import build_indexed_dead_letter
from control.reader import AT_A_TIME, FETCH_BYTES, FETCH_WAIT_MS
from control.store import DeadLetterStore
from messaging import KafkaSettings, KafkaUnavailableError, Record

TIMEOUT_S: Final = 10.0
"""Longest that the broker is waited for, in seconds."""

BUDGET_S: Final = 5.0
"""Seconds after which a request ends, with where to go on."""


class DlqPosition(NamedTuple):
    """Place in the DLQs, in their order, from which on they are to be read."""

    topic: str
    partition: int
    offset: int


class ReindexedRecords(NamedTuple):
    """What was read again.

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
    """Read the DLQs again, for a while; what is written to them meanwhile is left to control.

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
    consumer = AIOKafkaConsumer(
        **kafka.client_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    try:
        await consumer.start()
        for place, offset, end in await _list_places(consumer, kafka, begin):
            consumer.assign([place])
            consumer.seek(place, offset)
            topic = place.topic.removeprefix(kafka.topic_prefix)
            while (position := await _position(consumer, place)) < end:
                if time.monotonic() > until:
                    return ReindexedRecords(
                        read, new, DlqPosition(topic, place.partition, position)
                    )
                some = await consumer.getmany(place, timeout_ms=1_000, max_records=AT_A_TIME)
                records = [_build(topic, one) for one in some.get(place, ())]
                read += len(records)
                new += await _index(store, records)
    except (TimeoutError, KafkaError) as error:
        raise KafkaUnavailableError(f"the DLQs cannot be read: {error!r}") from error
    finally:
        await consumer.stop()
    return ReindexedRecords(read, new, None)


async def _list_places(
    consumer: Any, kafka: KafkaSettings, begin: DlqPosition | None
) -> list[tuple[TopicPartition, int, int]]:
    """List the partitions that are there from a place on, with their first and last offsets."""
    async with asyncio.timeout(TIMEOUT_S):
        # Private, as the client's ``topics()`` tells no partitions.
        cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001
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


def _build(topic: str, received: Any) -> Record:
    return Record(
        topic,
        received.partition,
        received.offset,
        received.key,
        received.value,
        tuple(received.headers),
        received.timestamp,
    )


async def _index(store: DeadLetterStore, records: Sequence[Record]) -> int:
    """Index records, those of one letter one after another: where it was read last counts."""
    new = 0
    waiting = [build_indexed_dead_letter(one) for one in records]
    while waiting:
        seen = {letter.letter_id: letter for letter in reversed(waiting)}
        first = [letter for letter in waiting if seen[letter.letter_id] is letter]
        waiting = [letter for letter in waiting if seen[letter.letter_id] is not letter]
        new += sum(await asyncio.gather(*(store.index_letter(letter) for letter in first)))
    return new
