"""JSON Schemas of the record headers, for the AsyncAPI document."""

from __future__ import annotations

from typing import Any, Final

from contracts import headers as h
from contracts.errors import ErrorCode
from contracts.topics import Topic

_CLOUD_EVENT: Final[dict[str, dict[str, Any]]] = {
    h.CONTENT_TYPE: {"const": "application/json", "description": "How the body is written."},
    h.CE_SPECVERSION: {"const": "1.0", "description": "Version of CloudEvents."},
    h.CE_ID: {"description": "Id of this event; the same event sent twice has the same one."},
    h.CE_TYPE: {"description": "Which event it is, and in which version."},
    h.CE_SOURCE: {"format": "uri-reference", "description": "Who sent it."},
    h.CE_TIME: {"format": "date-time", "description": "When it was made (RFC 3339)."},
    h.CE_SUBJECT: {"format": "uuid", "description": "What it is about; the same as the key."},
    h.TRACEPARENT: {"description": "W3C Trace Context of the work it belongs to."},
}

_INTERVIEW: Final[dict[str, dict[str, Any]]] = {
    h.TRANSCRIPT_ID: {
        "format": "uuid",
        "description": "The interview it belongs to, where the key is not its id: in each stage, "
        "interviews take turns.",
    },
}

_ORIGIN: Final[dict[str, dict[str, Any]]] = {
    h.DLQ_TOPIC: {"description": "The topic the message was first read from, without prefix."},
    h.DLQ_PARTITION: {"description": "Its partition there."},
    h.DLQ_OFFSET: {"description": "Its offset there."},
}

_ORIGIN_TIMESTAMP: Final[dict[str, dict[str, Any]]] = {
    h.ORIGIN_TIMESTAMP: {
        "description": "The message's timestamp where it was first read, in milliseconds since the "
        "epoch; tells apart messages at one place of a topic that was created anew."
    },
}

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    h.REPLAY_OPTIONS: {
        "contentMediaType": "application/json",
        "description": "What an operator's replay sets for its messages alone, such as a version "
        "of the prompt. Services read it where no producer writes.",
    },
}

_HISTORY: Final[dict[str, dict[str, Any]]] = {
    h.ATTEMPTS: {"description": "Failed tries so far."},
    h.TIMEOUTS: {"description": "How many of them ran out of time."},
    h.FIRST_FAILED_AT: {"format": "date-time", "description": "When the first try failed."},
    h.REPLAYS: {"description": "How often the message was replayed."},
    h.REPLAY_OF: {"format": "uuid", "description": "The dead letter it was replayed from."},
    **_OPTIONS,
}

_TRAILER: Final[dict[str, dict[str, Any]]] = {
    h.ADDED: {
        "description": "Always last: how many headers before it were added behind the original."
    },
}

_WAIT: Final[dict[str, dict[str, Any]]] = {
    **_ORIGIN,
    **_ORIGIN_TIMESTAMP,
    **_HISTORY,
    h.OWN_OUTAGE: {"description": "`1` if it met an outage while other messages passed."},
    h.NOT_BEFORE: {"description": "When the wait ends, in milliseconds since the epoch."},
    h.DELAY: {"description": "How long the wait is, in milliseconds; it never takes longer."},
    h.HELD_UNTIL: {"description": "Until when an operator holds it, in milliseconds likewise."},
    h.WAIT: {"description": "Of what is held: when its wait would have ended; names that wait."},
    h.ERROR_CODE: {"enum": [code.value for code in ErrorCode], "description": "Why it waits."},
    h.DLQ_MESSAGE: {"description": "The same in a line for people; never quotes the payload."},
    **_TRAILER,
}

_LETTER: Final[dict[str, dict[str, Any]]] = {
    **_ORIGIN,
    **_ORIGIN_TIMESTAMP,
    h.DLQ_GROUP: {"description": "The consumer group that failed."},
    h.DLQ_DELIVERY_COUNT: {"description": "How often the message was tried, at least 1."},
    h.DLQ_MESSAGE: {"description": "One line for people; never quotes the payload."},
    h.ERROR_CODE: {"enum": [code.value for code in ErrorCode], "description": "The cause."},
    h.ERROR_TYPE: {"description": "The exception's class."},
    h.ERROR_STACK: {"description": "File, line and function of each frame; for bugs only."},
    **_HISTORY,
    h.FAILED_AT: {"format": "date-time", "description": "When the last try failed."},
    h.FINGERPRINT: {"description": "Equal for failures of one cause at one place."},
    h.LETTER_ID: {"format": "uuid", "description": "Id of the dead letter."},
    h.STUB: {
        "enum": ["record", "batch"],
        "description": "Where the letter has only the beginning of its message: what size and hash "
        "are of, the record, or the batch it came in.",
    },
    h.STUB_SIZE: {"description": "Bytes of key, value and headers, or of the batch as stored."},
    h.STUB_SHA256: {"description": "In hex, as `messaging.dead_letters.stubs` computes it."},
    h.STUB_HEADERS_LEFT_OUT: {"description": "How many original headers the letter lacks."},
    **_TRAILER,
}

_NOT_ALWAYS_ON_A_LETTER: Final = {
    h.DLQ_MESSAGE,
    h.ERROR_STACK,
    h.REPLAY_OF,
    h.STUB,
    h.STUB_SIZE,
    h.STUB_SHA256,
    h.STUB_HEADERS_LEFT_OUT,
    h.REPLAY_OPTIONS,
}


def build_header_schemas() -> dict[str, Any]:
    """Build the JSON schemas of message headers that several topics share, by schema name."""
    return {
        "CloudEventHeaders": _schema(
            "CloudEvents 1.0, Kafka binding, binary mode; values are UTF-8 text.",
            {**_CLOUD_EVENT, **_INTERVIEW, **_OPTIONS},
        ),
        "WaitHeaders": _schema(
            "What onrecord adds behind the original headers of a waiting or replayed message.",
            _WAIT,
            required=[*_ORIGIN, h.REPLAYS, h.ADDED],
        ),
        "DeadLetterHeaders": _schema(
            "What onrecord adds behind the original headers of a dead letter.",
            _LETTER,
            required=[name for name in _LETTER if name not in _NOT_ALWAYS_ON_A_LETTER],
        ),
    }


def build_event_header_schema(topic: Topic, ce_type: str) -> dict[str, Any]:
    """Build the JSON schema of the Kafka headers of one topic's events.

    Producers outside onrecord may leave out any of them; a ``ce_type`` that is there has to be
    the topic's. onrecord's own services always send all.
    """
    own = {"type": "object", "properties": {h.CE_TYPE: {"const": ce_type}}}
    if "anyone" not in topic.producers:
        own["required"] = list(_CLOUD_EVENT)
    return {"allOf": [{"$ref": "#/components/schemas/CloudEventHeaders"}, own]}


def _schema(
    about: str, properties: dict[str, dict[str, Any]], *, required: list[str] | None = None
) -> dict[str, Any]:
    typed = {name: {"type": "string", **schema} for name, schema in properties.items()}
    schema = {"type": "object", "description": about, "properties": typed}
    return {**schema, "required": required} if required else schema
