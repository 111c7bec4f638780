"""Sends events and raw records; returns only when the broker has them on all replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.partitioner import DefaultPartitioner

from contracts.errors import BadMessageError, ErrorCode, OutageError
from contracts.events import Event
from contracts.topics import topic_of
from messaging import header_names
from messaging.codec import encode
from messaging.delivery import NO_LINEAGE, Headers, Lineage
from messaging.settings import KafkaSettings

MAX_REQUEST_BYTES: Final = 128 * 1024 * 1024
"""What the client refuses to send, in bytes before compression; the topics' own limits, which
hold after compression, are what decides."""

BATCH_BYTES: Final = 256 * 1024

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""A broker that takes longer is said to be in trouble, in seconds."""

FLUSH_S: Final = 5.0
"""How long closing waits for records to be acknowledged by a broker that may be down."""


class TooLargeToSendError(BadMessageError):
    """The broker does not take a record of this size on this topic."""

    code = ErrorCode.TOO_LARGE


class KafkaUnavailableError(OutageError):
    """The broker did not acknowledge a record."""

    code = ErrorCode.KAFKA_UNAVAILABLE


Acknowledged = Callable[[Exception | None], None]
"""Told that the broker has what was sent, or why not."""

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
        self._producer = AIOKafkaProducer(**self._options())
        self._spent = False
        self._renewing = asyncio.Lock()
        self._owed = 0
        self._heard_at = 0.0
        self._topics: dict[type[Event], str] = {}

    def _options(self) -> dict[str, Any]:
        compression = self._kafka.compression
        return {
            **self._kafka.client_options(),
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": None if compression == "none" else compression,
            "max_request_size": MAX_REQUEST_BYTES,
            "max_batch_size": BATCH_BYTES,
        }

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaUnavailableError: no broker answers.
        """
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise KafkaUnavailableError(_cause(error)) from error
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
                await self._producer.stop()

    @property
    def trouble(self) -> str:
        """What to tell people if the broker has owed an acknowledgement for long; else empty.

        An idempotent producer goes on sending a batch until it is taken, so a broker that is
        gone shows as silence, not as an error.
        """
        if not self._owed:
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
        pending = []
        for event in events:
            topic = self._topic(type(event))
            key, value, headers = encode(event, source=self._source, cause=cause)
            pending.append(await self._send(topic, key, value, headers))
        if len(pending) == 1:
            pending[0].add_done_callback(partial(self._one_acknowledged, acknowledged))
        else:
            together = asyncio.gather(*pending, return_exceptions=True)
            together.add_done_callback(partial(self._all_acknowledged, acknowledged))

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
            await self.send(events, partial(_tell, told), cause=cause)
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
        as_batch = (key is None and value is None) or not header_names.is_writable(headers)
        sent = await self._send(
            self._kafka.topic(topic), key, value, list(headers), as_batch=as_batch
        )
        sent.add_done_callback(partial(self._one_acknowledged, partial(_tell, told)))
        return told

    def _topic(self, event: type[Event]) -> str:
        topic = self._topics.get(event)
        if topic is None:
            topic = self._topics[event] = self._kafka.topic(topic_of(event).name)
        return topic

    async def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
        *,
        as_batch: bool = False,
    ) -> asyncio.Future[Any]:
        if self._spent:
            await self._renew()
        try:
            future: asyncio.Future[Any]
            if as_batch:
                future = await self._send_as_batch(topic, key, value, headers)
            else:
                future = await self._producer.send(topic, value=value, key=key, headers=headers)
        except MessageSizeTooLargeError as error:
            raise TooLargeToSendError(f"the record is too large for {topic}") from error
        except KafkaError as error:
            raise KafkaUnavailableError(_cause(error)) from error
        if not self._owed:
            self._heard_at = asyncio.get_running_loop().time()
        self._owed += 1
        return future

    async def _send_as_batch(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> asyncio.Future[Any]:
        """Send what Kafka takes but aiokafka's ``send`` does not.

        That is a record without key and value, and header names that are not UTF-8.
        """
        partitions = sorted(await self._producer.partitions_for(topic))
        batch = self._producer.create_batch()
        if not header_names.is_writable(headers):
            batch, headers = header_names.RawBatch(MAX_REQUEST_BYTES), header_names.raw(headers)
        batch.append(key=key, value=value, timestamp=None, headers=headers)
        batch.close()
        partition = DefaultPartitioner()(key, partitions, partitions) if key else partitions[0]
        future: asyncio.Future[Any] = await self._producer.send_batch(
            batch, topic, partition=partition
        )
        return future

    def _one_acknowledged(self, then: Acknowledged, sent: asyncio.Future[Any]) -> None:
        self._owed -= 1
        self._heard_at = sent.get_loop().time()
        then(self._failure(sent.exception()) if not sent.cancelled() else _GAVE_UP)

    def _all_acknowledged(self, then: Acknowledged, sent: asyncio.Future[list[Any]]) -> None:
        results = sent.result()
        self._owed -= len(results)
        self._heard_at = sent.get_loop().time()
        errors = [self._failure(one) for one in results if isinstance(one, BaseException)]
        then(errors[0] if errors else None)

    def _failure(self, error: BaseException | None) -> Exception | None:
        if error is None:
            return None
        if isinstance(error, KafkaError) and not error.retriable:
            self._spent = True
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            return TooLargeToSendError("the record is too large for its topic")
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
            try:
                await self.__aenter__()
                self._spent = False
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_S):
                        await worn.stop()


def _tell(told: asyncio.Future[None], error: Exception | None) -> None:
    if told.done():
        return  # nobody waits any more
    if error is None:
        told.set_result(None)
    else:
        told.set_exception(error)


def _cause(error: KafkaError) -> str:
    if isinstance(error, TopicAuthorizationFailedError):
        return "the broker does not allow writing to the topic; check its access rules"
    return f"the broker does not answer ({type(error).__name__}); check KAFKA_BOOTSTRAP_SERVERS"
