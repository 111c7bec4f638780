"""An idempotent producer of events and raw records, with ``acks=all``."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from contracts.encoded import get_event_class
from contracts.errors import BadMessageError, ErrorCode
from contracts.events import Event
from contracts.topics import get_event_topic
from messaging.codec import encode_event
from messaging.delivery import NO_CONTEXT, Headers, PropagatedContext
from messaging.kafka import header_names
from messaging.kafka.aiokafka_internals import abort_producer
from messaging.kafka.connection_errors import KafkaUnavailableError, diagnose_connection
from messaging.kafka.topic_checks import describe_missing_topics
from messaging.limits import compute_headers_size
from messaging.producer.accumulator import (
    DeliveryCallback,
    RecordAccumulator,
    RecordBatch,
    RecordHeaders,
    build_delivery_callback,
)
from messaging.producer.delivery_reports import DeliveryReports
from messaging.producer.outgoing import Outgoing, OutgoingRecord
from messaging.producer.partitioner import choose_partition
from messaging.settings import KafkaSettings

RECORD_OVERHEAD_BYTES: Final = 1024
"""More than a record and its batch take beside key, value and headers."""

EVENT_HEADERS_BYTES: Final = 2048
"""More than an event's headers take, without its key, its interview's id and its deadline."""

BATCH_BYTES: Final = 256 * 1024
"""Less than any topic takes, so that a record that is too large for its topic travels alone."""

ACKNOWLEDGEMENT_TIMEOUT_S: Final = 10.0
"""How long an acknowledgement may take before the broker counts as unavailable, in seconds."""

METADATA_RETRY_S: Final = 0.1
"""Seconds between two requests for what topics there are."""

FLUSH_S: Final = 5.0
"""How long closing waits for records to be acknowledged by a broker that may be down."""


class RecordTooLargeError(BadMessageError):
    """Raised when a record exceeds the topic's or the client's size limit."""

    code = ErrorCode.TOO_LARGE


_CLOSED: Final = KafkaUnavailableError("the client gave up sending; it is being closed")


class Publisher:
    """Publisher of records: an idempotent Kafka producer with ``acks=all``.

    Args:
        kafka: how to reach the broker.
        source: CloudEvents ``source`` of the events, such as ``/onrecord/ingestion``.
    """

    def __init__(self, kafka: KafkaSettings, *, source: str) -> None:
        self._kafka = kafka
        self._source = source
        self._accumulator = RecordAccumulator(self._submit, self._new_batch)
        self._producer = AIOKafkaProducer(**self._options())
        self._retired = asyncio.get_running_loop().create_future()
        self._is_spent = self._closing = False
        self._replacing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._one_record_batches: set[str] = set()
        self._partitions: dict[str, list[int]] = {}
        self._most_partitions: Counter[str] = Counter()
        self._topics: dict[type[Event], str] = {}
        self._last_response_at = 0.0

    def _options(self) -> dict[str, Any]:
        compression = self._kafka.compression
        return {
            **self._kafka.client_options(),
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": None if compression == "none" else compression,
            "max_request_size": self._kafka.max_batch_bytes,
            "max_batch_size": BATCH_BYTES,
        }

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaUnavailableError: no broker answers.
        """
        started = False
        try:
            await self._producer.start()
            started = True
        except KafkaError as error:
            raise await diagnose_connection(self._kafka) from error
        finally:
            if not started:
                await self._producer.stop()
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
        self._closing = True
        self._accumulator.abandon(_CLOSED)
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._stop_producer()
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)

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
            callback = _combine(len(events), callback)
        for event in events:
            if isinstance(event, OutgoingRecord):
                await self._append_record(event, callback)
                continue
            topic = self._topic(get_event_class(event))
            key, value, headers = encode_event(event, source=self._source, cause=cause)
            # What of an event's headers has no fixed length.
            bound = EVENT_HEADERS_BYTES + 3 * len(key) + len(cause.deadline or b"")
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
            KafkaUnavailableError: the broker does not answer.
        """
        try:
            async with asyncio.timeout(ACKNOWLEDGEMENT_TIMEOUT_S):
                # All topics: brokers that create topics by themselves create those asked for.
                cluster = await self._fetch_all_metadata()
                found = {one: cluster.partitions_for_topic(self.name(one)) or () for one in topics}
                changed = [one for one in topics if self._has_changed(self.name(one), found[one])]
                if changed:
                    await self._producer.client.force_metadata_update()
            if self._is_spent and not self._closing:
                await self._replace_producer()
        except TimeoutError as error:
            raise KafkaUnavailableError("the broker does not list its topics") from error
        return frozenset(topic for topic, partitions in found.items() if not partitions)

    async def _fetch_all_metadata(self) -> Any:
        while True:
            try:
                return await self._producer.client.fetch_all_metadata()
            except KafkaError:  # unlike others, this request is not tried again by the client
                await asyncio.sleep(METADATA_RETRY_S)

    def _has_changed(self, name: str, partitions: Collection[int]) -> bool:
        """Return whether a topic that was written to has other partitions now, and forget them."""
        if name not in self._partitions or self._partitions[name] == sorted(partitions):
            return False
        del self._partitions[name]
        # A topic that is created again refuses the producer's next sequence number.
        self._is_spent |= not partitions
        return bool(partitions)

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
        if not header_names.can_aiokafka_write(headers):
            # aiokafka's compiled builder raises for header names that are not UTF-8.
            alone = RecordBatch(header_names.RawNameBatchBuilder(BATCH_BYTES))
            raw = header_names.to_raw_names(headers)
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
    ) -> None:
        size = len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
        most = self._kafka.max_batch_bytes
        # Their exact size takes longer than the other checks, and matters to few records.
        is_small = headers_bound is not None and size + headers_bound <= most
        if not is_small and size + compute_headers_size(headers) > most:
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

    async def _fetch_partitions(self, topic: str) -> list[int]:
        request = asyncio.ensure_future(self._producer.partitions_for(topic))
        try:
            # A request to a producer that was replaced meanwhile may never be answered.
            await asyncio.wait((request, self._retired), return_when=asyncio.FIRST_COMPLETED)
            if not request.done():
                raise KafkaUnavailableError(str(_CLOSED))
            partitions = sorted(request.result())
        except KafkaError as error:
            raise KafkaUnavailableError(_explain(error, topic)) from error
        finally:
            request.cancel()
        self._partitions[topic] = partitions
        self._most_partitions[topic] = max(len(partitions), self._most_partitions[topic])
        return partitions

    def _require_new_partition(self, topic: str, partition: int) -> None:
        """Refuse a partition that a topic had before it was made anew with fewer of them.

        Raises:
            KafkaUnavailableError: whoever sends the record again gets another partition.
        """
        if partition < self._most_partitions[topic]:
            raise KafkaUnavailableError(f"{topic} was created again with fewer partitions")

    def _new_batch(self) -> RecordBatch:
        return RecordBatch(self._producer.create_batch())

    async def _submit(self, to: tuple[str, int], batch: RecordBatch) -> Exception | None:
        topic, partition = to
        sent: asyncio.Future[Any] | None = None
        try:
            if self._is_spent and not self._closing:
                await self._replace_producer()
            retired = self._retired
            # Cached by the client: asked for again, as partitions may have been added meanwhile.
            if partition not in await self._fetch_partitions(topic):
                self._require_new_partition(topic, partition)
            sent = await self._producer.send_batch(batch.builder, topic, partition=partition)
            await asyncio.wait((sent, retired), return_when=asyncio.FIRST_COMPLETED)
            error = sent.exception() if sent.done() else _CLOSED
        except Exception as refused:  # noqa: BLE001 - reported to the records' callbacks
            error = refused
        finally:
            if sent is not None:
                sent.cancel()
        self._last_response_at = asyncio.get_running_loop().time()
        return self._failure(error, topic, len(batch.callbacks)) if error else None

    def _failure(self, error: BaseException, topic: str, records: int) -> Exception:
        if isinstance(error, KafkaError) and not error.retriable:
            self._is_spent = True
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            if records == 1:
                return RecordTooLargeError(f"the record is too large for {topic}")
            # Which record it was is unknown; sent one by one, only the too large one fails.
            self._one_record_batches.add(topic)
        if isinstance(error, KafkaError):
            return KafkaUnavailableError(_explain(error, topic))
        return error if isinstance(error, Exception) else _CLOSED

    async def _replace_producer(self) -> None:
        # aiokafka 0.14 counts a refused batch in the partition's sequence, so that the broker
        # refuses every later one as out of order (ran): only a new producer id mends that.
        async with self._replacing:
            if not self._is_spent:
                return
            old, self._producer = self._producer, AIOKafkaProducer(**self._options())
            retiring = asyncio.create_task(self._retire(old, self._retired))
            self._retired = asyncio.get_running_loop().create_future()
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)
            await self.__aenter__()
            self._is_spent = False

    async def _stop_producer(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_S / 2):
                await self._producer.stop()
        except TimeoutError:
            await abort_producer(self._producer)

    @staticmethod
    async def _retire(old: AIOKafkaProducer, retired: asyncio.Future[None]) -> None:
        stopping = asyncio.create_task(old.stop())
        try:
            await asyncio.wait((stopping,), timeout=FLUSH_S)
            retired.set_result(None)
            if not stopping.done():
                # What waits for a topic that is gone would never let it stop.
                await abort_producer(old)
        finally:
            stopping.cancel()


def _combine(number: int, callback: DeliveryCallback) -> DeliveryCallback:
    """Return a callback for ``number`` records that reports once, with the first error if any."""
    left = number
    first: Exception | None = None

    def report(error: Exception | None) -> None:
        nonlocal left, first
        left -= 1
        first = first or error
        if not left:
            callback(first)

    return report


def _explain(error: KafkaError, topic: str) -> str:
    if isinstance(error, TopicAuthorizationFailedError):
        return "the broker does not allow writing to the topic; check its access rules"
    if isinstance(error, UnknownTopicOrPartitionError):
        return describe_missing_topics([topic])
    return f"the broker does not answer ({type(error).__name__}); check KAFKA_BOOTSTRAP_SERVERS"
