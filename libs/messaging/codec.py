"""Events to record bytes and back: JSON bodies, CloudEvents 1.0 headers in binary mode.

The mapping follows the CloudEvents Kafka protocol binding 1.0.2, section 3.2: attributes become
``ce_`` headers and ``datacontenttype`` becomes ``content-type``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from contracts import headers as h
from contracts import validation_messages
from contracts.encoded import event_class, event_json
from contracts.errors import BadMessageError, ErrorCode
from contracts.events import Event
from contracts.ids import derive_id_text
from messaging import tracing
from messaging.delivery import NO_LINEAGE, Headers, Lineage

E = TypeVar("E", bound=Event)
M = TypeVar("M", bound=BaseModel)

_CONFLUENT_MAGIC: Final = b"\0"
_CONFLUENT_PREFIX: Final = 5
"""Confluent's wire format: a zero byte and a schema id of four bytes go before the body."""


class UndecodableError(BadMessageError):
    """The record's bytes are not a JSON document in UTF-8."""

    code = ErrorCode.UNDECODABLE


class InvalidEventError(BadMessageError):
    """The record is JSON, but not the event its topic carries."""

    code = ErrorCode.INVALID_EVENT


def encode(
    event: Event,
    *,
    source: str,
    cause: Lineage = NO_LINEAGE,
    at: datetime | None = None,
) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """An event as a record.

    Args:
        event: what to send.
        source: who sends it, such as ``/onrecord/ingestion`` (CloudEvents ``source``).
        cause: of the message that caused it: it belongs to the same trace, and has to be done by
            the same deadline.
        at: CloudEvents ``time``; now if not given.

    Returns:
        Key, value and headers. The CloudEvents id is derived from type, key and body, so that
        the same event sent twice is recognisable as the same.
    """
    kind, body = event_class(event), event_json(event).encode()
    key = event.key.encode()
    headers = [
        *_constant_headers(kind.ce_type, source),
        (h.CE_ID, derive_id_text("event", kind.ce_type.encode(), key, body).encode()),
        (h.CE_SUBJECT, key),
        (h.CE_TIME, (at or datetime.now(UTC)).isoformat().encode()),
        (h.TRACEPARENT, tracing.child_of(cause.traceparent)),
    ]
    if (interview := event.interview) is not None:
        headers.append((h.TRANSCRIPT_ID, interview.encode()))
    if cause.deadline is not None:
        headers.append((h.DEADLINE, cause.deadline))
    return key, body, headers


@lru_cache
def _constant_headers(ce_type: str, source: str) -> Headers:
    return (
        (h.CONTENT_TYPE, b"application/json"),
        (h.CE_SPECVERSION, b"1.0"),
        (h.CE_TYPE, ce_type.encode()),
        (h.CE_SOURCE, source.encode()),
    )


def decode(
    value: bytes | None, headers: Sequence[tuple[str, bytes]], expected: type[E]
) -> tuple[E, Lineage]:
    """The event that a record carries, and what of its headers is carried on.

    Args:
        value: the record's value.
        headers: the record's headers; ``ce_type``, if there is one, has to be the event's.
        expected: the event its topic carries.

    Raises:
        UndecodableError: there is no value, or it is not UTF-8 JSON.
        InvalidEventError: it is another event, or a field is missing or wrong. The message names
            the fields and what is wrong with them, never their content.
    """
    told, lineage = read_headers(headers)
    if told is not None and told != expected.ce_type.encode():
        raise InvalidEventError(f"the topic carries {expected.ce_type}, this says it is another")
    return validated(value, expected), lineage


def validated(value: bytes | None, expected: type[M]) -> M:
    """The pydantic model that a record's value is the JSON of.

    Raises:
        UndecodableError: there is no value, or it is not UTF-8 JSON.
        InvalidEventError: a field is missing or wrong; its content is not quoted.
    """
    if not value:
        raise UndecodableError("the record has no value")
    try:
        return expected.model_validate_json(document_of(value))
    except ValidationError as error:
        raise explain(error, expected.__name__) from None


def document_of(value: bytes) -> bytes:
    """The JSON of a record's value, without what Confluent's serializers put before it."""
    return value[_CONFLUENT_PREFIX:] if value[:1] == _CONFLUENT_MAGIC else value


def read_headers(headers: Sequence[tuple[str, bytes]]) -> tuple[bytes | None, Lineage]:
    """The CloudEvents type and the lineage; of a header told more than once, the last counts."""
    told = dict(headers)
    traceparent, deadline = told.get(_TRACEPARENT), told.get(_DEADLINE)
    if traceparent is None and deadline is None:
        return told.get(_CE_TYPE), NO_LINEAGE
    return told.get(_CE_TYPE), Lineage(traceparent, deadline)


_CE_TYPE: Final = h.CE_TYPE
_TRACEPARENT: Final = h.TRACEPARENT
_DEADLINE: Final = h.DEADLINE


def explain(error: ValidationError, expected: str) -> BadMessageError:
    """Return the failure of a message that is not what it has to be; no content is quoted.

    Args:
        error: why it is not.
        expected: the name of what it has to be.
    """
    if any(
        one["type"] == validation_messages.NOT_JSON for one in error.errors(include_input=False)
    ):
        return UndecodableError("the value is not a JSON document in UTF-8")
    return InvalidEventError(
        f"not a valid {expected}: {validation_messages.describe_validation_error(error)}"
    )
