"""Fetches the messages that stub letters stand for from where they were read first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts import headers as h
from contracts.errors import BadMessageError, ErrorCode, OnrecordError
from contracts.topic_access import KafkaOperation
from contracts.topics import MESSAGE_TOPICS
from messaging import KafkaSettings, KafkaUnavailableError, Record
from messaging.consumer.batch_reader import BatchDigestRecorder
from messaging.consumer.oversize import DigestScope, OversizeValue
from messaging.dead_letters.stubs import DeadLetterStub, compute_record_digest
from messaging.delivery import (
    Headers,
    convert_consumer_record,
    get_header_number,
    get_header_text,
)
from messaging.kafka.access_checks import explain_denial, require_topic_access
from messaging.kafka.aiokafka_internals import get_network_client

FETCH_WAIT_MS: Final = 100
"""How long the broker holds back a fetch that finds nothing, in milliseconds."""

_UNKNOWN: Final = -1


class OriginalGoneError(OnrecordError):
    """Raised when a truncated dead letter's original message is no longer in its topic."""


class OriginalTooLargeError(BadMessageError):
    """Raised when a truncated dead letter's original message exceeds the size limit."""

    code = ErrorCode.TOO_LARGE


class OriginalPosition(NamedTuple):
    """Topic, partition and offset of a dead letter's original message."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition} at offset {self.offset}"


class OriginalMessageReader:
    """Reader that fetches the original messages of dead letters from their source topics.

    Args:
        kafka: how to reach the broker.
        timeout_s: longest wait for the broker, in seconds.
    """

    def __init__(self, kafka: KafkaSettings, timeout_s: float) -> None:
        self._kafka = kafka
        self._timeout_s = timeout_s
        self._one_at_a_time = asyncio.Lock()
        self._consumer: Any = None

    async def close(self) -> None:
        """Stop the consumer, if there is one."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def read(self, service: str, added: Headers, stub: DeadLetterStub) -> Record:
        """Return the whole message that a stub stands for.

        Args:
            service: which service set it aside.
            added: the headers that were added to the letter.
            stub: the stub letter's headers.

        Raises:
            OriginalGoneError: it is not there, or what is there is another one.
            OriginalTooLargeError: it cannot be read, as it is larger than is allowed.
            KafkaUnavailableError: the broker does not answer.
        """
        place = _place_in(added)
        if place is None or place.topic not in _read_by(service):
            raise OriginalGoneError("it is a stub without the place of its message")
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._timeout_s):
                    with BatchDigestRecorder(place.offset) as digests:
                        found = await self._fetch(place)
            except (TimeoutError, KafkaError) as error:
                with suppress(KafkaError):
                    await self.close()
                if isinstance(error, KafkaError) and (denied := explain_denial(self._kafka, error)):
                    raise denied from error
                raise KafkaUnavailableError(f"cannot read {place.topic}: no answer") from error
        await asyncio.to_thread(_require_same, place, found, stub, digests.found)
        return found

    async def _fetch(self, place: OriginalPosition) -> Record:
        partition = TopicPartition(self._kafka.topic(place.topic), place.partition)
        consumer = await self._started()
        # The client's ``topics()`` has no partitions; of one that is not there, it would wait for
        # the offsets.
        cluster = await get_network_client(consumer).fetch_all_metadata()
        if place.partition not in (cluster.partitions_for_topic(partition.topic) or ()):
            # A topic that may not be read is not listed either.
            needed = {partition.topic: (KafkaOperation.READ,)}
            await require_topic_access(self._kafka, get_network_client(consumer), needed)
            raise OriginalGoneError(f"its message is gone: there is no {place} any more")
        first = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        if not first <= place.offset < end:
            raise OriginalGoneError(
                f"its message is gone: {place.topic}/{place.partition} has offsets {first} to "
                f"{end - 1} now, and it was at {place.offset}"
            )
        consumer.assign([partition])
        consumer.seek(partition, place.offset)
        received = await self._next(consumer, partition, end)
        if received is None or received.offset != place.offset:
            raise OriginalGoneError(f"its message is gone: {place} there is none any more")
        consumer.assign([])
        return convert_consumer_record(received, place.topic)

    async def _started(self) -> Any:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                **self._kafka.client_options(),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=FETCH_WAIT_MS,
                max_partition_fetch_bytes=1,  # the broker sends one batch at least
            )
            await self._consumer.start()
        return self._consumer

    @staticmethod
    async def _next(consumer: Any, partition: TopicPartition, end: int) -> Any | None:
        while await consumer.position(partition) < end:
            batches: dict[TopicPartition, Sequence[Any]] = await consumer.getmany(
                partition, timeout_ms=1_000, max_records=1
            )
            if records := batches.get(partition):
                return records[0]
        return None


def _require_same(
    place: OriginalPosition, found: Record, stub: DeadLetterStub, batches: set[str]
) -> None:
    """Check what was read against the stub's headers.

    Args:
        place: where it was read.
        found: what was read.
        stub: what it has to be.
        batches: the digests of the batches that it may have come in.
    """
    oversize = found.value if isinstance(found.value, OversizeValue) else None
    if stub.kind is DigestScope.BATCH:
        same = stub.sha256 in batches
    else:  # of one that is not read whole, there is no telling
        same = oversize is not None or compute_record_digest(found) == stub.sha256
    if not same:
        raise OriginalGoneError(f"its message is gone: another one is in {place}")
    if oversize is not None:
        raise OriginalTooLargeError(
            f"its message is still too large to be replayed: {oversize.known.complaint}"
        )


def _place_in(added: Headers) -> OriginalPosition | None:
    topic = get_header_text(added, h.DLQ_TOPIC)
    partition = get_header_number(added, h.DLQ_PARTITION, _UNKNOWN)
    offset = get_header_number(added, h.DLQ_OFFSET, _UNKNOWN)
    return (
        OriginalPosition(topic, partition, offset)
        if topic and _UNKNOWN not in (partition, offset)
        else None
    )


def _read_by(service: str) -> set[str]:
    """Return a service's topics; nothing else is read for it, whatever a letter's headers name."""
    return {topic.name for topic in MESSAGE_TOPICS if service in topic.consumers}
