"""An aiokafka producer that is replaced by a new one once the broker would refuse its records.

aiokafka 0.14 counts a refused batch in the partition's sequence numbers, so that the broker refuses
every later batch as out of order (ran): only a new producer, with a new producer id, mends that.
Whoever sends marks the producer as spent and replaces it before the next batch::

    send_batch ──▶ error, not retriable ──▶ mark_spent ──▶ replace_if_spent ──▶ send_batch
                                                                 │
                    the old producer is stopped beside it ◀──────┘
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from contracts.topic_access import KafkaOperation, KafkaResourceKind
from messaging.kafka.access_checks import build_denial_error
from messaging.kafka.aiokafka_internals import abort_producer
from messaging.kafka.connection_errors import KafkaUnavailableError, diagnose_connection
from messaging.kafka.topic_checks import describe_missing_topics
from messaging.producer.accumulator import BatchBuilderProtocol
from messaging.settings import KafkaSettings

BATCH_BYTES: Final = 256 * 1024
"""Less than any topic takes, so that a record that is too large for its topic travels alone."""

STOP_TIMEOUT_S: Final = 5.0
"""How long stopping waits for a broker that may be down, in seconds."""

METADATA_RETRY_S: Final = 0.1
"""Seconds between two requests for what topics there are."""

CLOSED_ERROR: Final = KafkaUnavailableError("the client gave up sending; it is being closed")
"""Error for records that a producer had not sent when it was stopped."""


class ReplaceableProducer:
    """Idempotent aiokafka producer with ``acks=all``, which can be replaced while in use.

    Args:
        kafka: how to reach the broker.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer = AIOKafkaProducer(**_build_options(kafka))
        self._stopped = asyncio.get_running_loop().create_future()
        self._is_spent = self._is_closing = False
        self._replacing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def client(self) -> Any:
        """The network client of the present producer."""
        return self._producer.client

    async def start(self) -> None:
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

    async def stop(self) -> None:
        """Disconnect, without waiting longer than ``STOP_TIMEOUT_S`` for the broker."""
        self._is_closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._stop_or_abort()
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)

    def mark_spent(self) -> None:
        """Have the producer replaced by the next ``replace_if_spent``."""
        self._is_spent = True

    async def replace_if_spent(self) -> None:
        """Replace the producer if it was marked as spent; what it has not sent fails.

        Raises:
            KafkaUnavailableError: no broker answers.
        """
        if not self._is_spent or self._is_closing:
            return
        async with self._replacing:
            if not self._is_spent:  # another task has replaced it meanwhile
                return
            old, self._producer = self._producer, AIOKafkaProducer(**_build_options(self._kafka))
            retiring = asyncio.create_task(_retire(old, self._stopped))
            self._stopped = asyncio.get_running_loop().create_future()
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)
            await self.start()
            self._is_spent = False

    def create_batch(self) -> BatchBuilderProtocol:
        """Return an empty batch with the producer's compression and size limit."""
        builder: BatchBuilderProtocol = self._producer.create_batch()
        return builder

    async def send_batch(
        self, builder: BatchBuilderProtocol, topic: str, partition: int
    ) -> BaseException | int | None:
        """Send a batch and wait for the broker's response.

        Args:
            builder: the batch.
            topic: its name on the broker.
            partition: the partition.

        Returns:
            The offset of its first record if the broker has acknowledged it, None if it had it
            from an earlier try; or the error.

        Raises:
            KafkaError: the client does not take the batch.
        """
        producer, stopped = self._producer, self._stopped
        sent = await producer.send_batch(builder, topic, partition=partition)
        try:
            await asyncio.wait((sent, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not sent.done():
                return CLOSED_ERROR
            error: BaseException | None = sent.exception()
            if error is not None:
                return error
        finally:
            sent.cancel()
        offset = int(sent.result().offset)
        return offset if offset >= 0 else None

    async def fetch_partitions(self, topic: str) -> list[int]:
        """Return the numbers of a topic's partitions, in order.

        Raises:
            KafkaUnavailableError: the topic does not exist, or the broker does not answer.
        """
        request = asyncio.ensure_future(self._producer.partitions_for(topic))
        try:
            # A request to a producer that was replaced meanwhile may never be answered.
            await asyncio.wait((request, self._stopped), return_when=asyncio.FIRST_COMPLETED)
            if not request.done():
                raise KafkaUnavailableError(str(CLOSED_ERROR))
            return sorted(request.result())
        except KafkaError as error:
            raise build_send_error(self._kafka, error, topic) from error
        finally:
            request.cancel()

    async def fetch_all_metadata(self) -> Any:
        """Return the metadata of all topics (aiokafka's ``ClusterMetadata``); retry without end."""
        while True:
            try:
                return await self.client.fetch_all_metadata()
            except KafkaError:  # unlike others, this request is not tried again by the client
                await asyncio.sleep(METADATA_RETRY_S)

    async def _stop_or_abort(self) -> None:
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S / 2):
                await self._producer.stop()
        except TimeoutError:
            await abort_producer(self._producer)


def build_send_error(kafka: KafkaSettings, error: KafkaError, topic: str) -> KafkaUnavailableError:
    """Build the error that explains why a record was not sent to a topic."""
    if isinstance(error, TopicAuthorizationFailedError):
        return build_denial_error(kafka, [(KafkaOperation.WRITE, KafkaResourceKind.TOPIC, topic)])
    if isinstance(error, UnknownTopicOrPartitionError):
        return KafkaUnavailableError(describe_missing_topics([topic]))
    return KafkaUnavailableError(
        f"the broker does not answer ({type(error).__name__}); check KAFKA_BOOTSTRAP_SERVERS"
    )


def _build_options(kafka: KafkaSettings) -> dict[str, Any]:
    return {
        **kafka.client_options(),
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": None if kafka.compression == "none" else kafka.compression,
        "max_request_size": kafka.max_batch_bytes,
        "max_batch_size": BATCH_BYTES,
    }


async def _retire(old: AIOKafkaProducer, stopped: asyncio.Future[None]) -> None:
    stopping = asyncio.create_task(old.stop())
    try:
        await asyncio.wait((stopping,), timeout=STOP_TIMEOUT_S)
        stopped.set_result(None)
        if not stopping.done():
            # What waits for a topic that is gone would never let it stop.
            await abort_producer(old)
    finally:
        stopping.cancel()
