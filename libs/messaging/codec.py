"""Encoding of events as Kafka records: JSON bodies, CloudEvents 1.0 headers in binary mode.

The mapping follows the CloudEvents Kafka protocol binding 1.0.2, section 3.2: attributes become
``ce_`` headers and ``datacontenttype`` becomes ``content-type``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from contracts import headers as h
from contracts import validation_messages
from contracts.encoded import get_event_json, unwrap_event_class
from contracts.errors import BadMessageError, ErrorCode
from contracts.events import Event
from contracts.ids import derive_id_text
from contracts.replay_options import OPTION_TOPICS
from contracts.topics import get_event_topic
from messaging import tracing
from messaging.delivery import NO_CONTEXT, Headers, PropagatedContext

E = TypeVar("E", bound=Event)
M = TypeVar("M", bound=BaseModel)

_CONFLUENT_MAGIC: Final = b"\0"
_CONFLUENT_PREFIX: Final = 5
"""Confluent's wire format: a zero byte and a schema id of four bytes go before the body."""


class UndecodableError(BadMessageError):
    """Raised when a record's value is not a JSON document in UTF-8."""

    code = ErrorCode.UNDECODABLE


class InvalidEventError(BadMessageError):
    """Raised when a record's JSON does not match the event class of its topic."""

    code = ErrorCode.INVALID_EVENT


def encode_event(
    event: Event,
    *,
    source: str,
    cause: PropagatedContext = NO_CONTEXT,
    at: datetime | None = None,
) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Encode an event as the key, value and headers of a Kafka record.

    Args:
        event: what to send.
        source: who sends it, such as ``/onrecord/ingestion`` (CloudEvents ``source``).
        cause: of the message that caused it: it belongs to the same trace, and has to be done by
            the same deadline; what a replay set for it holds for this event, too, where its
            topic carries that.
        at: CloudEvents ``time``; now if not given.

    Returns:
        Key, value and headers. The CloudEvents id is derived from type, key and body, so that
        the same event sent twice is recognisable as the same.
    """
    kind, body = unwrap_event_class(event), get_event_json(event)
    key = event.key.encode()
    headers = [
        *_constant_headers(kind.ce_type, source),
        (h.CE_ID, derive_id_text("event", kind.ce_type.encode(), key, body).encode()),
        (h.CE_SUBJECT, key),
        (h.CE_TIME, _format_now() if at is None else at.isoformat().encode()),
        (h.TRACEPARENT, tracing.derive_traceparent(cause.traceparent)),
    ]
    if (interview := event.interview) is not None:
        headers.append((h.TRANSCRIPT_ID, interview.encode()))
    if cause.deadline is not None:
        headers.append((h.DEADLINE, cause.deadline))
    if cause.replay_options is not None and get_event_topic(kind).name in OPTION_TOPICS:
        headers.append((h.REPLAY_OPTIONS, cause.replay_options))
    return key, body, headers


def _format_now() -> bytes:
    """Return the time now in UTC as ``datetime.isoformat`` does, in a third of its time."""
    second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return b"%b.%06d+00:00" % (_format_second(second), nanoseconds // 1_000)


@lru_cache(maxsize=1)
def _format_second(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


@lru_cache
def _constant_headers(ce_type: str, source: str) -> Headers:
    return (
        (h.CONTENT_TYPE, b"application/json"),
        (h.CE_SPECVERSION, b"1.0"),
        (h.CE_TYPE, ce_type.encode()),
        (h.CE_SOURCE, source.encode()),
    )


def decode_event(
    value: bytes | None, headers: Sequence[tuple[str, bytes]], expected: type[E]
) -> tuple[E, PropagatedContext]:
    """Decode a Kafka record to its event; return it with the trace and deadline headers.

    Args:
        value: the record's value.
        headers: the record's headers; ``ce_type``, if there is one, has to be the event's.
        expected: the event its topic carries.

    Raises:
        UndecodableError: there is no value, or it is not UTF-8 JSON.
        InvalidEventError: it is another event, or a field is missing or wrong. The message names
            the fields and what is wrong with them, never their content.
    """
    ce_type, lineage = read_event_headers(headers)
    if ce_type is not None and ce_type != expected.ce_type.encode():
        raise InvalidEventError(f"the topic carries {expected.ce_type}, this says it is another")
    return parse_model(value, expected), lineage


def parse_model(value: bytes | None, expected: type[M]) -> M:
    """Parse a Kafka record's JSON value as a pydantic model.

    Raises:
        UndecodableError: there is no value, or it is not UTF-8 JSON.
        InvalidEventError: a field is missing or wrong; its content is not quoted.
    """
    if not value:
        raise UndecodableError("the record has no value")
    document = strip_schema_id(value)
    try:
        # As ``model_validate_json``, without its options.
        validated: M = expected.__pydantic_validator__.validate_json(document)
    except ValidationError as error:
        failure = build_validation_error(error, expected.__name__)
    else:
        return validated
    if isinstance(failure, UndecodableError):
        problem = validation_messages.describe_lone_surrogates(document, expected)
        if problem is not None:
            raise InvalidEventError(f"not a valid {expected.__name__}: {problem}")
    raise failure


def strip_schema_id(value: bytes) -> bytes:
    """Return a record's value without the schema id that Confluent's serializers prepend."""
    return value[_CONFLUENT_PREFIX:] if value[:1] == _CONFLUENT_MAGIC else value


def read_event_headers(
    headers: Sequence[tuple[str, bytes]],
) -> tuple[bytes | None, PropagatedContext]:
    """Return the event type (CloudEvents), the trace and the deadline in a record's headers."""
    values = dict(headers)
    traceparent, deadline = values.get(_TRACEPARENT), values.get(_DEADLINE)
    if traceparent is None and deadline is None:
        return values.get(_CE_TYPE), NO_CONTEXT
    return values.get(_CE_TYPE), PropagatedContext(traceparent, deadline)


_CE_TYPE: Final = h.CE_TYPE
_TRACEPARENT: Final = h.TRACEPARENT
_DEADLINE: Final = h.DEADLINE


def build_validation_error(error: ValidationError, expected: str) -> BadMessageError:
    """Convert a pydantic error to ``BadMessageError``, without quoting the message.

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
