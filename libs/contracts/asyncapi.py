"""AsyncAPI 3.0 document of the whole system: topics, their producers, consumers and messages.

Made from the declared topics, not from running handlers: it needs no broker, no service and no
framework, and is the same on every machine. An operation belongs to the service its tag names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from contracts.asyncapi_headers import build_event_header_schema, build_header_schemas
from contracts.json_schema import build_shared_definitions
from contracts.topics import (
    ALL_TOPICS,
    CONTROL,
    DLQ_TOPICS,
    PIPELINE,
    WAITING_DECISIONS,
    Topic,
)

VERSION: Final = "1.1.0"
"""Of the set of contracts: a new topic or field raises the second number, a removed topic the
first."""

BINDING_VERSION: Final = "0.5.0"
"""Of AsyncAPI's Kafka bindings."""

_SERVICES: Final = (*PIPELINE, CONTROL, "anyone")
_RAW: Final = "application/octet-stream"
_DEAD_LETTERS: Final = frozenset(topic.name for topic in DLQ_TOPICS)


def build_asyncapi_document() -> dict[str, Any]:
    """Build the AsyncAPI 3.0.0 document of all Kafka topics and events, as plain data."""
    sent = [(topic, service) for topic in ALL_TOPICS for service in topic.producers]
    received = [(topic, service) for topic in ALL_TOPICS for service in topic.consumers]
    return _document(sent, received, _SERVICES)


def build_service_document(
    service: str, *, sends: Iterable[Topic], receives: Iterable[Topic]
) -> dict[str, Any]:
    """Build the AsyncAPI document of one service: the topics that it reads and writes.

    Args:
        service: its name.
        sends: the topics that it writes to, as its application declares them.
        receives: the topics that it reads, as its application declares them.
    """
    written, read = ({topic.name for topic in topics} for topics in (sends, receives))
    return _document(
        [(topic, service) for topic in ALL_TOPICS if topic.name in written],
        [(topic, service) for topic in ALL_TOPICS if topic.name in read],
        (service,),
    )


_Wires = Sequence[tuple[Topic, str]]
"""Topics, and the service that sends to, or receives from, each."""


def _document(sent: _Wires, received: _Wires, services: Iterable[str]) -> dict[str, Any]:
    used = {topic.name for topic, _ in (*sent, *received)}
    topics = [topic for topic in ALL_TOPICS if topic.name in used]
    return {
        "asyncapi": "3.0.0",
        "info": _info(services),
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": _operations(sent, received),
        "components": {"messages": _messages(topics), "schemas": _schemas(topics)},
    }


def _info(services: Iterable[str]) -> dict[str, Any]:
    return {
        "title": "onrecord",
        "version": VERSION,
        "description": (
            "Interview transcripts in, notes with exact evidence out. Topic names are given "
            "without the optional prefix that an installation puts before all of them."
        ),
        "tags": [{"name": service} for service in services],
    }


def _server() -> dict[str, Any]:
    bootstrap = {
        "description": "A broker of the installation, as host and port.",
        "examples": ["localhost:9092"],
    }
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The installation's Kafka cluster.",
        "variables": {"bootstrap": bootstrap},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    name = _message_name(topic)
    binding = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": {
            "retention.ms": topic.retention_ms,
            "retention.bytes": topic.retention_bytes,
            "max.message.bytes": topic.max_message_bytes,
        },
        "bindingVersion": BINDING_VERSION,
    }
    return {
        "address": topic.name,
        "description": topic.about,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": binding},
    }


def _operations(sent: _Wires, received: _Wires) -> dict[str, Any]:
    sends = {
        f"{service}-sends-{topic.name}": _operation(topic, service, "send")
        for topic, service in sent
    }
    receives = {
        f"{service}-receives-{topic.name}": _operation(topic, service, "receive")
        for topic, service in received
    }
    return {**sends, **receives}


def _operation(topic: Topic, service: str, action: str) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{service} {action}s: {topic.about}",
        "tags": [{"name": service}],
        "messages": [{"$ref": f"{channel}/messages/{_message_name(topic)}"}],
    }


def _messages(topics: Iterable[Topic]) -> dict[str, Any]:
    return {_message_name(topic): _message(topic) for topic in topics}


def _message(topic: Topic) -> dict[str, Any]:
    if topic.event is not None:
        return _event_message(topic)
    if topic is WAITING_DECISIONS:
        return {
            "summary": "What an operator decided about waiting messages of the service in its key "
            "(`contracts.waiting_decisions`); for onrecord's own services alone.",
            "contentType": "application/json",
        }
    if topic.name in _DEAD_LETTERS:
        return _raw_message(
            "A message that was set aside, decodable or not; its original bytes.",
            "DeadLetterHeaders",
        )
    return _raw_message(
        "A message that waits for another try, or was replayed; its original bytes.",
        "WaitHeaders",
    )


def _message_name(topic: Topic) -> str:
    if topic.event is not None:
        return topic.event.__name__
    if topic is WAITING_DECISIONS:
        return "WaitingDecision"
    return "DeadLetter" if topic.name in _DEAD_LETTERS else "WaitingMessage"


def _event_message(topic: Topic) -> dict[str, Any]:
    event = topic.event
    if event is None:
        raise ValueError(f"{topic.name} carries no event of its own")
    key = {"type": "string", "format": "uuid", "description": f"The {topic.key}."}
    return {
        "name": event.ce_type,
        "title": event.__name__,
        "summary": event.__doc__,
        "contentType": "application/json",
        "headers": build_event_header_schema(topic, event.ce_type),
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING_VERSION}},
    }


def _raw_message(summary: str, headers: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "contentType": _RAW,
        "headers": {"$ref": f"#/components/schemas/{headers}"},
    }


def _schemas(topics: Iterable[Topic]) -> dict[str, Any]:
    events = [topic.event for topic in topics if topic.event is not None]
    return {
        **build_header_schemas(),
        **build_shared_definitions(events, "#/components/schemas/{model}"),
    }
