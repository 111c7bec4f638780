"""AsyncAPI 3.0 document of the whole system: topics, their producers, consumers and messages.

Made from the declared topics, not from running handlers: it needs no broker, no service and no
framework, and is the same on every machine. An operation belongs to the service its tag names.
"""

from __future__ import annotations

from typing import Any, Final

from contracts.asyncapi_headers import build_event_headers, build_header_schemas
from contracts.json_schema import build_shared_definitions
from contracts.topics import (
    ALL_TOPICS,
    CONTROL,
    DLQ_TOPICS,
    EVENT_TOPICS,
    PIPELINE,
    RETRY_TOPICS,
    Topic,
)

VERSION: Final = "1.0.0"
"""Of the set of contracts: a new topic or field raises the second number, a removed topic the
first."""

BINDING_VERSION: Final = "0.5.0"
"""Of AsyncAPI's Kafka bindings."""

_SERVICES: Final = (*PIPELINE, CONTROL, "anyone")
_RAW: Final = "application/octet-stream"
_DEAD_LETTERS: Final = frozenset(topic.name for topic in DLQ_TOPICS)


def build_asyncapi_document() -> dict[str, Any]:
    """Return the AsyncAPI 3.0.0 document of all topics, as plain data in reading order."""
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in ALL_TOPICS},
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _info() -> dict[str, Any]:
    return {
        "title": "onrecord",
        "version": VERSION,
        "description": (
            "Interview transcripts in, notes with exact evidence out. Topic names are given "
            "without the optional prefix that an installation puts before all of them."
        ),
        "tags": [{"name": service} for service in _SERVICES],
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


def _operations() -> dict[str, Any]:
    sent = {
        f"{service}-sends-{topic.name}": _operation(topic, service, "send")
        for topic in ALL_TOPICS
        for service in topic.producers
    }
    received = {
        f"{service}-receives-{topic.name}": _operation(topic, service, "receive")
        for topic in ALL_TOPICS
        for service in topic.consumers
    }
    return {**sent, **received}


def _operation(topic: Topic, service: str, action: str) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{service} {action}s: {topic.about}",
        "tags": [{"name": service}],
        "messages": [{"$ref": f"{channel}/messages/{_message_name(topic)}"}],
    }


def _messages() -> dict[str, Any]:
    events = {_message_name(topic): _event_message(topic) for topic in EVENT_TOPICS}
    waiting, letters = RETRY_TOPICS[0], DLQ_TOPICS[0]
    return {
        **events,
        _message_name(waiting): _raw_message(
            "A message that waits for another try, or was replayed; its original bytes.",
            "WaitHeaders",
        ),
        _message_name(letters): _raw_message(
            "A message that was set aside, decodable or not; its original bytes.",
            "DeadLetterHeaders",
        ),
    }


def _message_name(topic: Topic) -> str:
    if topic.event is not None:
        return topic.event.__name__
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
        "headers": build_event_headers(topic, event.ce_type),
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING_VERSION}},
    }


def _raw_message(summary: str, headers: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "contentType": _RAW,
        "headers": {"$ref": f"#/components/schemas/{headers}"},
    }


def _schemas() -> dict[str, Any]:
    events = [topic.event for topic in EVENT_TOPICS if topic.event is not None]
    return {
        **build_header_schemas(),
        **build_shared_definitions(events, "#/components/schemas/{model}"),
    }
