"""Mounts a stage's handlers on a FastStream broker: the one module that touches FastStream.

With ``faststream.kafka.TestKafkaBroker`` the handlers of a service run in memory, topics and
events included, without a broker. Hosted in a FastStream application they get its delivery
semantics, not ours: no retry topics, no dead letters, no commit that waits for what is unfinished.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from contracts.events import Event
from contracts.topics import topic_of
from messaging.codec import decode, encode
from messaging.delivery import Delivery, Origin
from messaging.settings import KafkaSettings
from messaging.stage import Route, Stage


def broker_of(stage: Stage, kafka: KafkaSettings | None = None) -> KafkaBroker:
    """A FastStream broker with a subscriber for each event topic the stage reads.

    Args:
        stage: the handlers; those of raw records are left out.
        kafka: how to reach the broker, and the topics' prefix.

    Returns:
        The broker, not started. Handlers' events are published to their own topics with
        CloudEvents headers. A message is acknowledged by hand, after that.
    """
    kafka = kafka or KafkaSettings()
    broker = KafkaBroker(kafka.client_options()["bootstrap_servers"])
    for route in stage.routes:
        if route.event is not None:
            subscriber = broker.subscriber(
                kafka.topic(route.topic),
                group_id=kafka.topic(stage.service),
                auto_offset_reset="earliest",
                ack_policy=AckPolicy.MANUAL,
                decoder=_as_it_is,
            )
            subscriber(_consumer(broker, stage, route, route.event, kafka))
    return broker


def _consumer(
    broker: KafkaBroker, stage: Stage, route: Route, event: type[Event], kafka: KafkaSettings
) -> Callable[..., Awaitable[None]]:
    async def consume(_body: bytes, message: KafkaMessage) -> None:
        received: Any = message.raw_message
        subject, lineage = decode(received.value, received.headers, event)
        origin = Origin(route.topic, received.partition, received.offset)
        for caused in await route.handle(subject, Delivery(origin=origin)):
            key, body, headers = encode(caused, source=f"/onrecord/{stage.service}", cause=lineage)
            topic = kafka.topic(topic_of(type(caused)).name)
            told = {name: value.decode() for name, value in headers}
            await broker.publish(body, topic, key=key, headers=told)
        await message.ack()

    return consume


async def _as_it_is(message: KafkaMessage) -> bytes:
    return bytes(message.body)
