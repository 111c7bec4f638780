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

from contracts.errors import BadMessageError, ErrorCode, OutageError
from contracts.events import Event
from contracts.topics import topic_of
from messaging.codec import encode
from messaging.delivery import Headers
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
        self._unacknowledged: dict[object, float] = {}

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
        oldest = next(iter(self._unacknowledged.values()), None)
        if oldest is None or asyncio.get_running_loop().time() - oldest < ACKNOWLEDGED_WITHIN_S:
            return ""
        return f"{ErrorCode.KAFKA_UNAVAILABLE}: the broker does not acknowledge what is sent"

    async def publish(self, events: Iterable[Event], *, parent: str | None = None) -> None:
        """Send events, each to its own topic, in order; wait until all are acknowledged.

        Args:
            events: what to send.
            parent: the ``traceparent`` of the message that caused them.

        Raises:
            TooLargeToSendError: one is larger than its topic takes.
            KafkaUnavailableError: the broker does not acknowledge.
        """
        pending = []
        for event in events:
            topic = self._kafka.topic(topic_of(type(event)).name)
            key, value, headers = encode(event, source=self._source, parent=parent)
            pending.append(await self._send(topic, key, value, headers))
        await self._acknowledged(pending)

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
        sent = await self._send(self._kafka.topic(topic), key, value, headers)
        await self._acknowledged([sent])

    async def _send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> asyncio.Future[Any]:
        if self._spent:
            await self._renew()
        try:
            if key is None and value is None:
                return await self._send_nothing(topic, headers)
            future: asyncio.Future[Any] = await self._producer.send(
                topic, value=value, key=key, headers=list(headers)
            )
        except MessageSizeTooLargeError as error:
            raise TooLargeToSendError(f"the record is too large for {topic}") from error
        except KafkaError as error:
            raise KafkaUnavailableError(_cause(error)) from error
        return future

    async def _send_nothing(self, topic: str, headers: Headers) -> asyncio.Future[Any]:
        # Kafka takes a record without key and value, aiokafka's `send` does not; a batch may.
        partitions = await self._producer.partitions_for(topic)
        batch = self._producer.create_batch()
        batch.append(key=None, value=None, timestamp=None, headers=list(headers))
        batch.close()
        future: asyncio.Future[Any] = await self._producer.send_batch(
            batch, topic, partition=min(partitions)
        )
        return future

    async def _acknowledged(self, pending: Sequence[asyncio.Future[Any]]) -> None:
        sent = object()
        self._unacknowledged[sent] = asyncio.get_running_loop().time()
        try:
            results = await asyncio.gather(*pending, return_exceptions=True)
        finally:
            del self._unacknowledged[sent]
        for result in results:
            if isinstance(result, KafkaError) and not result.retriable:
                self._spent = True
            if isinstance(result, MessageSizeTooLargeError | RecordListTooLargeError):
                raise TooLargeToSendError("the record is too large for its topic") from result
            if isinstance(result, KafkaError):
                raise KafkaUnavailableError(_cause(result)) from result
            if isinstance(result, BaseException):
                raise result

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


def _cause(error: KafkaError) -> str:
    if isinstance(error, TopicAuthorizationFailedError):
        return "the broker does not allow writing to the topic; check its access rules"
    return f"the broker does not answer ({type(error).__name__}); check KAFKA_BOOTSTRAP_SERVERS"
