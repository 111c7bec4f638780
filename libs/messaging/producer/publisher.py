"""An idempotent producer of events and raw records, with ``acks=all``."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from contracts.encoded import unwrap_event_class
from contracts.errors import BadMessageError, ErrorCode
from contracts.events import Event
from contracts.topic_access import KafkaOperation
from contracts.topics import get_event_topic
from messaging.codec import encode_event
from messaging.delivery import NO_CONTEXT, Headers, PropagatedContext
from messaging.kafka import header_names
from messaging.kafka.access_checks import require_topic_access
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.limits import compute_max_headers_size
from messaging.producer.accumulator import (
    DeliveryCallback,
    RecordAccumulator,
    RecordBatch,
    RecordHeaders,
    build_delivery_callback,
)
from messaging.producer.delivery_reports import DeliveryReports, build_countdown_callback
from messaging.producer.outgoing import Outgoing, OutgoingRecord
from messaging.producer.partitioner import choose_partition
from messaging.producer.replaceable_producer import (
    BATCH_BYTES,
    CLOSED_ERROR,
    ReplaceableProducer,
    build_send_error,
)
from messaging.producer.topic_partitions import KnownPartitions
from messaging.settings import KafkaSettings

RECORD_OVERHEAD_BYTES: Final = 1024
"""More than a record and its batch take beside key, value and headers."""

EVENT_HEADERS_BYTES: Final = 2048
"""More than an event's headers take, without its key, its interview's id and its deadline."""

ACKNOWLEDGEMENT_TIMEOUT_S: Final = 10.0
"""How long an acknowledgement may take before the broker counts as unavailable, in seconds."""

FLUSH_S: Final = 5.0
"""How long closing waits for records to be acknowledged by a broker that may be down."""


class RecordTooLargeError(BadMessageError):
    """Raised when a record exceeds the topic's or the client's size limit."""

    code = ErrorCode.TOO_LARGE


class RecordLocation(NamedTuple):
    """Location of a sent record: topic, partition and offset.

    The offset is None if the broker had the record from an earlier try and does not say where.
    """

    topic: str
    partition: int
    offset: int | None


class Publisher:
    """Publisher that sends records with an idempotent Kafka producer and ``acks=all``.

    Args:
        kafka: how to reach the broker.
        source: CloudEvents ``source`` of the events, such as ``/onrecord/ingestion``.
    """

    def __init__(self, kafka: KafkaSettings, *, source: str) -> None:
        self._kafka = kafka
        self._source = source
        self._accumulator = RecordAccumulator(self._submit, self._new_batch)
        self._producer = ReplaceableProducer(kafka)
        self._partitions = KnownPartitions()
        self._one_record_batches: set[str] = set()
        self._topics: dict[type[Event], str] = {}
        self._last_response_at = 0.0

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaUnavailableError: no broker answers.
        """
        await self._producer.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send what is buffered, as far as the broker takes it soon, and disconnect."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._accumulator.flush()
        self._accumulator.abandon(CLOSED_ERROR)
        await self._producer.stop()

    def name(self, topic: str) -> str:
        """Return a topic's name on the broker: the prefix, then its declared name."""
        return self._kafka.topic(topic)

    @property
    def trouble(self) -> str:
        """The reason for people if an acknowledgement is overdue; empty otherwise.

        An idempotent producer goes on sending a batch until it is taken, so a broker that is
        gone shows as silence, not as an error.
        """
        if not self._accumulator.unacknowledged:
            return ""
        if asyncio.get_running_loop().time() - self._last_response_at < ACKNOWLEDGEMENT_TIMEOUT_S:
            return ""
        return f"{ErrorCode.KAFKA_UNAVAILABLE}: the broker does not acknowledge what is sent"

    async def send(
        self,
        events: Sequence[Outgoing],
        callback: DeliveryCallback,
        *,
        cause: PropagatedContext = NO_CONTEXT,
    ) -> None:
        """Send events, each to its own topic, in order; do not wait for the broker.

        Args:
            events: what to send; at least one. A record is sent as it is.
            callback: called once, when the broker has acknowledged all, or with the first error.
            cause: lineage of the message that caused them: its trace and deadline are passed on.

        Raises:
            RecordTooLargeError: one is larger than the client takes.
            KafkaUnavailableError: the topic's partitions cannot be fetched.
        """
        if len(events) > 1:
            callback = build_countdown_callback(len(events), callback)
        for event in events:
            if isinstance(event, OutgoingRecord):
                await self._append_record(event, callback)
                continue
            topic = self._topic(unwrap_event_class(event))
            key, value, headers = encode_event(event, source=self._source, cause=cause)
            # What of an event's headers has no fixed length.
            more = len(cause.deadline or b"") + len(cause.replay_options or b"")
            bound = EVENT_HEADERS_BYTES + 3 * len(key) + more
            await self._append(topic, key, value, headers, callback, headers_bound=bound)

    async def publish(
        self, events: Iterable[Outgoing], *, cause: PropagatedContext = NO_CONTEXT
    ) -> None:
        """Send events, each to its own topic, in order; wait until all are acknowledged.

        Args:
            events: what to send.
            cause: lineage of the message that caused them: its trace and deadline are passed on.

        Raises:
            RecordTooLargeError: one is larger than its topic takes.
            KafkaUnavailableError: the broker does not acknowledge.
        """
        delivered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if events := tuple(events):
            await self.send(events, build_delivery_callback(delivered), cause=cause)
            await delivered

    async def publish_alone(self, event: Event, headers: Headers = ()) -> RecordLocation:
        """Send an event in a batch of its own, and wait until the broker has it.

        Args:
            event: what to send.
            headers: sent beside those that every event has.

        Returns:
            Where the broker has it.

        Raises:
            RecordTooLargeError: it is larger than its topic takes.
            KafkaUnavailableError: the broker does not acknowledge.
        """
        delivered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        key, value, own = encode_event(event, source=self._source)
        topic, batch = self._topic(unwrap_event_class(event)), self._new_batch()
        sent = [*own, *((name, content or b"") for name, content in headers)]
        callback = build_delivery_callback(delivered)
        partition = await self._append(topic, key, value, sent, callback, alone=batch)
        await delivered
        return RecordLocation(topic, partition, batch.base_offset)

    async def forward(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> None:
        """Send a record as it is and wait until it is acknowledged.

        Args:
            topic: its name without prefix.
            key: raw bytes or None.
            value: raw bytes or None.
            headers: in order.

        Raises:
            RecordTooLargeError: it is larger than the topic takes.
            KafkaUnavailableError: the broker does not acknowledge.
        """
        await (await self.forward_soon(topic, key, value, headers))

    async def forward_soon(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> asyncio.Future[None]:
        """Send a record as it is; return a future of its acknowledgement."""
        delivered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        callback = build_delivery_callback(delivered)
        await self._append_raw(self._kafka.topic(topic), key, value, headers, callback)
        return delivered

    async def forward_all(
        self,
        topic: str,
        records: Iterable[tuple[bytes | None, bytes | None, Headers]],
    ) -> asyncio.Future[list[Exception | None]]:
        """Send many records as they are, in order; do not wait for the broker.

        Args:
            topic: its name without prefix.
            records: key, value and headers of each.

        Returns:
            A future of all delivery reports: for each record None, or the error.

        Raises:
            KafkaUnavailableError: the topic's partitions cannot be fetched.
        """
        reports = DeliveryReports()
        to = self._kafka.topic(topic)
        for key, value, headers in records:
            callback = reports.next_callback()
            try:
                await self._append_raw(to, key, value, headers, callback)
            except RecordTooLargeError as error:
                callback(error)
        return reports.close()

    async def find_missing_topics(self, topics: Collection[str]) -> frozenset[str]:
        """Return those of some topics that do not exist, by what the broker says now.

        A record for a topic that does not exist waits for it, as the client never gives it up. If
        one of these was deleted after it was written to, the producer is replaced, so that what
        waits for it fails.

        Args:
            topics: their names without prefix.

        Raises:
            AccessRuleMissingError: one may exist, but the broker does not let us write to it.
            KafkaUnavailableError: the broker does not answer.
        """
        try:
            async with asyncio.timeout(ACKNOWLEDGEMENT_TIMEOUT_S):
                # All topics: brokers that create topics by themselves create those asked for.
                cluster = await self._producer.fetch_all_metadata()
                found = {one: cluster.partitions_for_topic(self.name(one)) or () for one in topics}
                await self._heed_changes({self.name(one): found[one] for one in topics})
                missing = frozenset(topic for topic, partitions in found.items() if not partitions)
                await require_topic_access(
                    self._kafka,
                    self._producer.client,
                    {self.name(topic): (KafkaOperation.WRITE,) for topic in missing},
                )
        except (TimeoutError, KafkaError) as error:
            raise KafkaUnavailableError("the broker does not list its topics") from error
        return missing

    async def _heed_changes(self, found: Mapping[str, Collection[int]]) -> None:
        changed = [one for one in found if self._partitions.forget_if_changed(one, found[one])]
        if not all(found[one] for one in changed):
            # A topic that is created again refuses the producer's next sequence number.
            self._producer.mark_spent()
        if any(found[one] for one in changed):
            await self._producer.client.force_metadata_update()
        await self._producer.replace_if_spent()

    async def _append_record(self, record: OutgoingRecord, callback: DeliveryCallback) -> None:
        headers = tuple(record.headers)
        to, key, value, where = record.topic, record.key, record.value, record.partition
        await self._append_raw(to, key, value, headers, callback, partition=where)

    async def _append_raw(  # noqa: PLR0913 - a record has these parts
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        callback: DeliveryCallback,
        *,
        partition: int | None = None,
    ) -> None:
        alone, raw = None, list(headers)
        if not header_names.can_aiokafka_encode_headers(headers):
            # aiokafka's compiled builder raises for header names that are not UTF-8.
            alone = RecordBatch(header_names.SingleRecordBatchBuilder(BATCH_BYTES))
            raw = header_names.to_raw_header_names(headers)
        await self._append(topic, key, value, raw, callback, alone=alone, partition=partition)

    def _topic(self, event: type[Event]) -> str:
        topic = self._topics.get(event)
        if topic is None:
            topic = self._topics[event] = self._kafka.topic(get_event_topic(event).name)
        return topic

    async def _append(  # noqa: PLR0913 - a record has these parts
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: RecordHeaders,
        callback: DeliveryCallback,
        *,
        alone: RecordBatch | None = None,
        partition: int | None = None,
        headers_bound: int | None = None,
    ) -> int:
        """Queue a record; return the partition that it goes to."""
        size = len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
        most = self._kafka.max_batch_bytes
        # Their exact size takes longer than the other checks, and matters to few records.
        is_small = headers_bound is not None and size + headers_bound <= most
        if not is_small and size + compute_max_headers_size(headers) > most:
            raise RecordTooLargeError(
                f"the record for {topic} is larger than KAFKA_MAX_BATCH_BYTES allows"
            )
        partitions = self._partitions.get(topic) or await self._fetch_partitions(topic)
        if not self._accumulator.unacknowledged:
            self._last_response_at = asyncio.get_running_loop().time()
        to = topic, choose_partition(key, partitions) if partition is None else partition
        if alone is None and topic in self._one_record_batches:
            alone = self._new_batch()
        self._accumulator.append(to, key, value, headers, callback, alone=alone)
        return to[1]

    async def _fetch_partitions(self, topic: str) -> list[int]:
        partitions = await self._producer.fetch_partitions(topic)
        self._partitions.record(topic, partitions)
        return partitions

    def _new_batch(self) -> RecordBatch:
        return RecordBatch(self._producer.create_batch())

    async def _submit(self, to: tuple[str, int], batch: RecordBatch) -> Exception | None:
        topic, partition = to
        try:
            await self._producer.replace_if_spent()
            # Cached by the client: asked for again, as partitions may have been added meanwhile.
            if partition not in await self._fetch_partitions(topic):
                self._partitions.require_new_partition(topic, partition)
            result = await self._producer.send_batch(batch.builder, topic, partition)
        except Exception as refused:  # noqa: BLE001 - reported to the records' callbacks
            result = refused
        error = result if isinstance(result, BaseException) else None
        if not isinstance(result, BaseException):
            batch.base_offset = result
        self._last_response_at = asyncio.get_running_loop().time()
        return self._convert_error(error, topic, len(batch.callbacks)) if error else None

    def _convert_error(self, error: BaseException, topic: str, records: int) -> Exception:
        if isinstance(error, KafkaError) and not error.retriable:
            self._producer.mark_spent()
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            if records == 1:
                return RecordTooLargeError(f"the record is too large for {topic}")
            # Which record it was is unknown; sent one by one, only the too large one fails.
            self._one_record_batches.add(topic)
        if isinstance(error, KafkaError):
            return build_send_error(self._kafka, error, topic)
        return error if isinstance(error, Exception) else CLOSED_ERROR
