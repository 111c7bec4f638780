"""What a handler publishes: encoded where it is published, sent when the handler has ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from contracts.encoded import unwrap_event_class
from contracts.events import Event
from messaging.broker.internals import (
    AckRecordingMessage,
    KafkaPublishCommand,
    ManagedPublisher,
    build_publish_command,
    encode_body_like_faststream,
)
from messaging.codec import encode_event
from messaging.delivery import NO_CONTEXT, PropagatedContext
from messaging.producer.outgoing import DISCARDED, Outgoing, OutgoingRecord


class UndeclaredEventError(TypeError):
    """Raised when a handler returns an event that none of its publishers declares."""


class HandlerResults:
    """Collector of the messages that a handler publishes while it processes one message.

    Args:
        config: FastStream's settings of the broker, which decide how a message is encoded.
        lineage: of the message that is handled: trace and deadline are carried on to its events.

    Attributes:
        lineage: the same.
        records: what is to be sent, in order.
        message: FastStream's message, once it is parsed.
    """

    def __init__(self, config: Any, lineage: PropagatedContext) -> None:
        self._config = config
        self.lineage = lineage
        self.records: list[Outgoing] = []
        self.message: AckRecordingMessage | None = None

    async def publish(self, cmd: KafkaPublishCommand) -> None:
        """Take one message of a publisher."""
        self.records.append(await encode_published_message(self._config, cmd))


async def encode_published_message(config: Any, cmd: KafkaPublishCommand) -> OutgoingRecord:
    """Encode a message published through FastStream as a Kafka record."""
    if cmd.body is None and cmd.key is not None:
        value, content_type = None, None  # a tombstone, as FastStream has it
    else:
        value, content_type = await encode_body_like_faststream(config, cmd.body)
    headers = {"content-type": content_type or "", **cmd.headers_to_publish()}
    return OutgoingRecord(
        topic=cmd.destination,
        key=cmd.key.encode() if isinstance(cmd.key, str) else cmd.key,
        value=value,
        headers=[(name, _header_bytes(text)) for name, text in headers.items()],
        partition=cmd.partition,
    )


def _header_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode()


def extract_events(body: Any) -> tuple[Event, ...] | None:
    """Return a handler's result as a tuple of events; None if it is something else."""
    if body is None:
        return ()
    if isinstance(body, Event):
        return (body,)
    if isinstance(body, str | bytes | dict) or not isinstance(body, Iterable):
        return None
    several: tuple[Event, ...] = DISCARDED if body is DISCARDED else tuple(body)
    return several if all(isinstance(one, Event) for one in several) else None


def build_event_command(
    event: Event,
    source: str,
    cause: PropagatedContext = NO_CONTEXT,
    more: dict[str, Any] | None = None,
) -> KafkaPublishCommand:
    """Build the command that tells FastStream to publish an event, with CloudEvents headers."""
    key, value, headers = encode_event(event, source=source, cause=cause)
    texts = {name: content.decode() for name, content in headers}
    return build_publish_command(value, key=key, headers=texts | (more or {}))


def get_declared_events(publishers: Iterable[ManagedPublisher]) -> frozenset[type[Event]]:
    """Return the event classes that a handler's publishers declare."""
    topics = (one.declared for one in publishers if one.declared is not None)
    return frozenset(topic.event for topic in topics)


def require_publishers(events: Iterable[Event], declared: Collection[type[Event]]) -> None:
    """Raise ``UndeclaredEventError`` if a handler has no publisher for an event it returned.

    Args:
        events: what it returned.
        declared: what its publishers are declared for.

    Raises:
        UndeclaredEventError: one that no publisher is for.
    """
    for event in events:
        if unwrap_event_class(event) not in declared:
            raise UndeclaredEventError(
                f"the handler returned {unwrap_event_class(event).__name__}, which none of its "
                "publishers is for"
            )
