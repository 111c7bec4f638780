"""Sends events and raw records; returns only when the broker has them on all replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from contracts.encoded import event_class
from contracts.errors import BadMessageError, ErrorCode
from contracts.events import Event
from contracts.topics import topic_of
from messaging.codec import encode
from messaging.delivery import NO_LINEAGE, Headers, Lineage
from messaging.kafka import header_names
from messaging.kafka.connection_errors import KafkaUnavailableError, unreachable
from messaging.limits import size_of_headers
from messaging.producer.accumulator import Acknowledged, Batch, Outbox, RecordHeaders, told_of
from messaging.producer.delivery_reports import Answers
from messaging.producer.partitioner import choose
from messaging.settings import KafkaSettings

RECORD_OVERHEAD_BYTES: Final = 1024
"""More than a record and its batch take beside key, value and headers."""

BATCH_BYTES: Final = 256 * 1024
"""Less than any topic takes, so that a record that is too large for its topic travels alone."""

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""A broker that takes longer is said to be in trouble, in seconds."""

FLUSH_S: Final = 5.0
"""How long closing waits for records to be acknowledged by a broker that may be down."""


class TooLargeToSendError(BadMessageError):
    """The broker does not take a record of this size on this topic."""

    code = ErrorCode.TOO_LARGE


_GAVE_UP: Final = KafkaUnavailableError("the client gave up sending; it is being closed")


class Publisher:
    """An idempotent producer with ``acks=all``.

    Args:
        kafka: how to reach the broker.
        source: CloudEvents ``source`` of what is sent, such as ``/onrecord/ingestion``.
    """

    def __init__(self, kafka: KafkaSettings, *, source: str) -> None:
        self._kafka = kafka
        self._source = source
        self._outbox = Outbox(self._submit, self._new_batch)
        self._producer = AIOKafkaProducer(**self._options())
        self._gone = asyncio.get_running_loop().create_future()
        self._spent = self._closing = False
        self._renewing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._one_by_one: set[str] = set()
        self._partitions: dict[str, list[int]] = {}
        self._topics: dict[type[Event], str] = {}
        self._heard_at = 0.0

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
            raise await unreachable(self._kafka) from error
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
                await self._outbox.flush()
        self._closing = True
        self._outbox.abandon(_GAVE_UP)
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._producer.stop()
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)

    @property
    def trouble(self) -> str:
        """What to tell people if the broker has owed an acknowledgement for long; else empty.

        An idempotent producer goes on sending a batch until it is taken, so a broker that is
        gone shows as silence, not as an error.
        """
        if not self._outbox.owed:
            return ""
        if asyncio.get_running_loop().time() - self._heard_at < ACKNOWLEDGED_WITHIN_S:
            return ""
        return f"{ErrorCode.KAFKA_UNAVAILABLE}: the broker does not acknowledge what is sent"

    async def send(
        self,
        events: Sequence[Event],
        acknowledged: Acknowledged,
        *,
        cause: Lineage = NO_LINEAGE,
    ) -> None:
        """Send events, each to its own topic, in order; do not wait for the broker.

        Args:
            events: what to send; at least one.
            acknowledged: called once, when the broker has all of them, or with the first error.
            cause: of the message that caused them; trace and deadline are carried on.

        Raises:
            TooLargeToSendError: one is larger than the client takes.
            KafkaUnavailableError: the broker cannot be asked.
        """
        if len(events) > 1:
            acknowledged = _all(len(events), acknowledged)
        for event in events:
            topic = self._topic(event_class(event))
            key, value, headers = encode(event, source=self._source, cause=cause)
            await self._put(topic, key, value, headers, acknowledged)

    async def publish(self, events: Iterable[Event], *, cause: Lineage = NO_LINEAGE) -> None:
        """Send events, each to its own topic, in order; wait until all are acknowledged.

        Args:
            events: what to send.
            cause: of the message that caused them; trace and deadline are carried on.

        Raises:
            TooLargeToSendError: one is larger than its topic takes.
            KafkaUnavailableError: the broker does not acknowledge.
        """
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if events := tuple(events):
            await self.send(events, told_of(told), cause=cause)
            await told

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
            TooLargeToSendError: it is larger than the topic takes.
            KafkaUnavailableError: the broker does not acknowledge.
        """
        await (await self.forward_soon(topic, key, value, headers))

    async def forward_soon(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> asyncio.Future[None]:
        """As ``forward``, but do not wait: the future tells of the acknowledgement."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._put_raw(self._kafka.topic(topic), key, value, headers, told_of(told))
        return told

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
            What tells, once all are answered, of each: None if the broker has it, or why not.

        Raises:
            KafkaUnavailableError: the broker cannot be asked.
        """
        answers = Answers()
        to = self._kafka.topic(topic)
        for key, value, headers in records:
            told = answers.one_more()
            try:
                await self._put_raw(to, key, value, headers, told)
            except TooLargeToSendError as error:
                told(error)
        return answers.complete()

    async def _put_raw(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        acknowledged: Acknowledged,
    ) -> None:
        alone, raw = None, list(headers)
        if not header_names.is_writable(headers):
            # aiokafka's own builder does not take such names.
            alone = Batch(header_names.RawBatch(BATCH_BYTES))
            raw = header_names.raw(headers)
        await self._put(topic, key, value, raw, acknowledged, alone=alone)

    def _topic(self, event: type[Event]) -> str:
        topic = self._topics.get(event)
        if topic is None:
            topic = self._topics[event] = self._kafka.topic(topic_of(event).name)
        return topic

    async def _put(  # noqa: PLR0913 - a record has these parts
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: RecordHeaders,
        acknowledged: Acknowledged,
        *,
        alone: Batch | None = None,
    ) -> None:
        size = len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
        size += size_of_headers(headers)
        if size > self._kafka.max_batch_bytes:
            raise TooLargeToSendError(
                f"the record for {topic} is larger than KAFKA_MAX_BATCH_BYTES allows"
            )
        partitions = self._partitions.get(topic) or await self._ask_partitions(topic)
        if not self._outbox.owed:
            self._heard_at = asyncio.get_running_loop().time()
        to = topic, choose(key, partitions)
        if alone is None and topic in self._one_by_one:
            alone = self._new_batch()
        self._outbox.put(to, key, value, headers, acknowledged, alone=alone)

    async def _ask_partitions(self, topic: str) -> list[int]:
        asking = asyncio.ensure_future(self._producer.partitions_for(topic))
        try:
            # A producer that has been replaced may never answer.
            await asyncio.wait((asking, self._gone), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise KafkaUnavailableError(str(_GAVE_UP))
            partitions = sorted(asking.result())
        except KafkaError as error:
            raise KafkaUnavailableError(_cause(error)) from error
        finally:
            asking.cancel()
        self._partitions[topic] = partitions
        return partitions

    def _new_batch(self) -> Batch:
        return Batch(self._producer.create_batch())

    async def _submit(self, to: tuple[str, int], batch: Batch) -> Exception | None:
        topic, partition = to
        sent: asyncio.Future[Any] | None = None
        try:
            if self._spent and not self._closing:
                await self._renew()
            gone = self._gone
            await self._ask_partitions(topic)  # known already, but there may be more by now
            sent = await self._producer.send_batch(batch.builder, topic, partition=partition)
            await asyncio.wait((sent, gone), return_when=asyncio.FIRST_COMPLETED)
            error = sent.exception() if sent.done() else _GAVE_UP
        except Exception as refused:  # noqa: BLE001 - whoever waits for the records is told
            error = refused
        finally:
            if sent is not None:
                sent.cancel()
        self._heard_at = asyncio.get_running_loop().time()
        return self._failure(error, topic, len(batch.told)) if error else None

    def _failure(self, error: BaseException, topic: str, records: int) -> Exception:
        if isinstance(error, KafkaError) and not error.retriable:
            self._spent = True
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            if records == 1:
                return TooLargeToSendError(f"the record is too large for {topic}")
            # Which of them it was shows when each is sent again.
            self._one_by_one.add(topic)
        if isinstance(error, KafkaError):
            return KafkaUnavailableError(_cause(error))
        return error if isinstance(error, Exception) else _GAVE_UP

    async def _renew(self) -> None:
        # aiokafka 0.14 counts a refused batch in the partition's sequence, so that the broker
        # refuses every later one as out of order (ran): only a new producer id mends that.
        async with self._renewing:
            if not self._spent:
                return
            worn, self._producer = self._producer, AIOKafkaProducer(**self._options())
            retiring = asyncio.create_task(self._retire(worn, self._gone))
            self._gone = asyncio.get_running_loop().create_future()
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)
            await self.__aenter__()
            self._spent = False

    @staticmethod
    async def _retire(worn: AIOKafkaProducer, gone: asyncio.Future[None]) -> None:
        stopping = asyncio.create_task(worn.stop())
        try:
            await asyncio.wait((stopping,), timeout=FLUSH_S)
            gone.set_result(None)
            await stopping  # which ends by itself, at the latest when the broker is back
        finally:
            stopping.cancel()


def _all(number: int, acknowledged: Acknowledged) -> Acknowledged:
    """Told of ``number`` records, tells of them as one: with the first error, if any."""
    left = number
    first: Exception | None = None

    def tell(error: Exception | None) -> None:
        nonlocal left, first
        left -= 1
        first = first or error
        if not left:
            acknowledged(first)

    return tell


def _cause(error: KafkaError) -> str:
    if isinstance(error, TopicAuthorizationFailedError):
        return "the broker does not allow writing to the topic; check its access rules"
    return f"the broker does not answer ({type(error).__name__}); check KAFKA_BOOTSTRAP_SERVERS"
