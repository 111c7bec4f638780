"""FastStream's producer over ours: idempotent, ``acks=all``, in batches."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.structs import RecordMetadata

from messaging.broker.internals import (
    AioKafkaFastProducer,
    KafkaPublishCommand,
    build_codec_and_parsers,
)
from messaging.broker.results import encode_published_message
from messaging.producer.accumulator import build_delivery_callback
from messaging.producer.publisher import Publisher

UNKNOWN: Final = -1
"""Offset and timestamp in what tells of a sent record: batches are acknowledged as a whole."""


class ReliableProducer(AioKafkaFastProducer):
    """FastStream producer for messages that no handler publishes; uses ``acks=all``.

    Args:
        config: FastStream's settings of the broker, which decide how a message is encoded.
    """

    def __init__(self, config: Any) -> None:
        self._config = config
        # FastStream asks for these where it answers requests, which Kafka has not.
        self.codec, self._parser, self._decoder = build_codec_and_parsers()
        self._publisher: Publisher | None = None
        self._connected: asyncio.Event | None = None

    def attach(self, publisher: Publisher | None) -> None:
        """Send by this publisher from now on; None while there is none."""
        self._publisher = publisher
        if self._connected is None:
            self._connected = asyncio.Event()
        if publisher is None:
            self._connected.clear()
        else:
            self._connected.set()

    @property
    def publisher(self) -> Publisher:
        """The publisher that is attached.

        Raises:
            RuntimeError: none is.
        """
        if self._publisher is None:
            raise RuntimeError("the broker is not connected")
        return self._publisher

    async def connect(self, *_: Any, **__: Any) -> None:
        """Do nothing: the broker attaches a publisher once it has one."""

    async def disconnect(self) -> None:
        """Forget the publisher; the broker closes it."""
        self._publisher = self._connected = None

    def __bool__(self) -> bool:
        return self._publisher is not None

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent."""
        return self._publisher is None

    async def flush(self) -> None:
        """Do nothing: publishing waits for the acknowledgement."""

    async def publish(self, cmd: KafkaPublishCommand) -> Any:
        """Send a message; wait for the acknowledgement, unless ``no_confirm`` is set.

        While the broker cannot be reached, this waits: for as long as the caller lets it.
        """
        record = await encode_published_message(self._config, cmd)
        publisher = await self._when_connected()
        report: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await publisher.send((record,), build_delivery_callback(report))
        partition = UNKNOWN if record.partition is None else record.partition
        place = TopicPartition(record.topic, partition)
        if cmd.no_confirm:
            return report
        await report
        return RecordMetadata(record.topic, partition, place, UNKNOWN, UNKNOWN, 0, UNKNOWN)

    async def publish_batch(self, cmd: KafkaPublishCommand) -> Any:
        """Send several messages, in order; wait until all are acknowledged."""
        publisher = await self._when_connected()
        records = []
        for position, body in enumerate(cmd.batch_bodies):
            one = KafkaPublishCommand(
                body,
                topic=cmd.destination,
                key=cmd.key_for(position),
                headers=cmd.headers,
                partition=cmd.partition,
                correlation_id=cmd.correlation_id,
                _publish_type=cmd.publish_type,
            )
            records.append(await encode_published_message(self._config, one))
        await publisher.publish(records)

    async def _when_connected(self) -> Publisher:
        if self._connected is None:
            raise RuntimeError("start the broker, or connect it, before anything is published")
        while self._publisher is None:
            await self._connected.wait()
        return self._publisher
