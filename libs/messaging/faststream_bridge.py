"""Mounts a stage's handlers on a FastStream broker: the one module that touches FastStream.

With ``faststream.kafka.TestKafkaBroker`` the handlers of a service run in memory, topics and
events included, without a broker. Hosted in a FastStream application they get its delivery
semantics, not ours: no retry topics, no dead letters, no commit that waits for what is unfinished.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from contracts.encoded import event_class
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
    options = kafka.client_options()
    broker = KafkaBroker(options["bootstrap_servers"], security=_security(kafka, options))
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


def _security(kafka: KafkaSettings, options: dict[str, Any]) -> BaseSecurity | None:
    context = options.get("ssl_context")
    if not kafka.logs_in:
        return BaseSecurity(ssl_context=context) if context else None
    login = _LOGINS[kafka.sasl_mechanism]
    return login(options["sasl_plain_username"], options["sasl_plain_password"], context)


_LOGINS: Final[dict[str, Callable[..., BaseSecurity]]] = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


def _consumer(
    broker: KafkaBroker, stage: Stage, route: Route, event: type[Event], kafka: KafkaSettings
) -> Callable[..., Awaitable[None]]:
    async def consume(_body: bytes, message: KafkaMessage) -> None:
        received: Any = message.raw_message
        subject, lineage = decode(received.value, received.headers, event)
        origin = Origin(route.topic, received.partition, received.offset)
        for caused in await route.handle(subject, Delivery(origin=origin)):
            key, body, headers = encode(caused, source=f"/onrecord/{stage.service}", cause=lineage)
            topic = kafka.topic(topic_of(event_class(caused)).name)
            told = {name: value.decode() for name, value in headers}
            await broker.publish(body, topic, key=key, headers=told)
        await message.ack()

    return consume


async def _as_it_is(message: KafkaMessage) -> bytes:
    return bytes(message.body)
