"""The contracts rendered as the files that ``make contracts`` writes to ``schemas/``."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

from contracts import asyncapi
from contracts.events import Event
from contracts.json_schema import build_event_schema
from contracts.topics import (
    ALL_TOPICS,
    EVENT_TOPICS,
    PIPELINE,
    RETRY_DELAYS_S,
    WAITING_DECISIONS,
    Topic,
    build_dlq_topic,
    build_retry_topic,
)

GENERATED_FOLDERS: Final = ("events", "topics")
"""Folders that hold nothing but generated files; what else lies there is left over."""

_WIDTH: Final = 100


def render_generated_files() -> dict[str, str]:
    """Return the texts of all generated files of the folder ``schemas/``, by path."""
    schemas = {
        get_schema_path(event): to_json(build_event_schema(event)) for event in list_event_classes()
    }
    topics = {f"topics/{topic.name}.yaml": to_yaml(describe_topic(topic)) for topic in ALL_TOPICS}
    return {**schemas, **topics, "asyncapi.yaml": to_yaml(asyncapi.build_asyncapi_document())}


def list_event_classes() -> tuple[type[Event], ...]:
    """List all event classes, in the order of the pipeline."""
    return tuple(topic.event for topic in EVENT_TOPICS if topic.event is not None)


def get_schema_path(event: type[Event]) -> str:
    """Return the path of an event's JSON Schema below ``schemas/``."""
    return f"events/{event.__name__}.schema.json"


def describe_topic(topic: Topic) -> dict[str, Any]:
    """Convert a topic's declaration to plain data, for its YAML file in ``schemas/topics``."""
    return {
        "name": topic.name,
        "about": topic.about,
        **_carried(topic),
        "key": topic.key,
        "producers": list(topic.producers),
        "consumers": list(topic.consumers),
        "partitions": topic.partitions,
        "retention_ms": topic.retention_ms,
        "retention_bytes": topic.retention_bytes,
        "max_message_bytes": topic.max_message_bytes,
    }


def list_source_topics(service: str) -> tuple[Topic, ...]:
    """List the topics that a service consumes, except its retry topics."""
    return tuple(topic for topic in EVENT_TOPICS if service in topic.consumers)


def to_json(document: dict[str, Any]) -> str:
    """Serialize a document as indented JSON text that ends with a newline."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_yaml(document: dict[str, Any]) -> str:
    """Serialize a document as YAML text, in the given order and without anchors."""
    return yaml.dump(
        document, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=_WIDTH
    )


class _PlainDumper(yaml.SafeDumper):
    """A YAML dumper that repeats equal parts, since anchors make a file hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _carried(topic: Topic) -> dict[str, Any]:
    if topic is WAITING_DECISIONS:
        return {"document": "WaitingDecision"}
    if topic.event is None:
        service = OWNING_SERVICE[topic.name]
        return {"service": service, "sources": [one.name for one in list_source_topics(service)]}
    return {"event": topic.event.ce_type, "schema": get_schema_path(topic.event)}


OWNING_SERVICE: Final = {
    topic.name: service
    for service in PIPELINE
    for topic in (
        *(build_retry_topic(service, tier) for tier in range(len(RETRY_DELAYS_S))),
        build_dlq_topic(service),
    )
}
"""The service whose messages a retry topic or a DLQ holds, by the topic's name."""
