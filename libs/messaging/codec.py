"""Events to record bytes and back: JSON bodies, CloudEvents 1.0 headers in binary mode.

The mapping follows the CloudEvents Kafka protocol binding 1.0.2, section 3.2: attributes become
``ce_`` headers and ``datacontenttype`` becomes ``content-type``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, TypeVar

from pydantic import ValidationError

from contracts import headers as h
from contracts.errors import BadMessageError, ErrorCode
from contracts.events import Event
from contracts.ids import derive
from messaging import tracing
from messaging.delivery import Headers, Record

E = TypeVar("E", bound=Event)

_CONFLUENT_MAGIC: Final = 0
_CONFLUENT_PREFIX: Final = 5
"""Confluent's wire format: a zero byte and a schema id of four bytes go before the body."""

_ERRORS_TOLD: Final = 3


class UndecodableError(BadMessageError):
    """The record's bytes are not a JSON document in UTF-8."""

    code = ErrorCode.UNDECODABLE


class InvalidEventError(BadMessageError):
    """The record is JSON, but not the event its topic carries."""

    code = ErrorCode.INVALID_EVENT


def encode(
    event: Event, *, source: str, parent: str | None = None, at: datetime | None = None
) -> tuple[bytes, bytes, Headers]:
    """An event as a record.

    Args:
        event: what to send.
        source: who sends it, such as ``/onrecord/ingestion`` (CloudEvents ``source``).
        parent: the ``traceparent`` of the message that caused it.
        at: CloudEvents ``time``; now if not given.

    Returns:
        Key, value and headers. The CloudEvents id is derived from type, key and body, so that
        the same event sent twice is recognisable as the same.
    """
    body = event.model_dump_json().encode()
    key = event.key
    added = {
        h.CONTENT_TYPE: "application/json",
        h.CE_SPECVERSION: "1.0",
        h.CE_ID: str(derive("event", event.ce_type, key, blake2b(body).hexdigest())),
        h.CE_TYPE: event.ce_type,
        h.CE_SOURCE: source,
        h.CE_SUBJECT: key,
        h.CE_TIME: (at or datetime.now(UTC)).isoformat(),
        h.TRACEPARENT: tracing.child_of(parent),
    }
    return key.encode(), body, tuple((name, value.encode()) for name, value in added.items())


def decode(record: Record, expected: type[E]) -> E:
    """The event that a record carries.

    Raises:
        UndecodableError: there is no value, or it is not UTF-8 JSON.
        InvalidEventError: it is another event, or a field is missing or wrong. The message names
            the fields and what is wrong with them, never their content.
    """
    told = record.header(h.CE_TYPE)
    if told is not None and told != expected.ce_type:
        raise InvalidEventError(f"the topic carries {expected.ce_type}, this says it is another")
    try:
        return expected.model_validate_json(_body(record))
    except ValidationError as error:
        raise _explain(error, expected) from None


def _body(record: Record) -> bytes:
    value = record.value
    if not value:
        raise UndecodableError("the record has no value")
    if value[0] == _CONFLUENT_MAGIC:
        value = value[_CONFLUENT_PREFIX:]
    return value


def _explain(error: ValidationError, expected: type[Event]) -> BadMessageError:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    first = details[0]["type"]
    if first == "json_invalid":
        return UndecodableError("the value is not a JSON document in UTF-8")
    told = "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'event'}: {_fault(one['type'], one['msg'])}"
        for one in details[:_ERRORS_TOLD]
    )
    more = f" (and {len(details) - _ERRORS_TOLD} more)" if len(details) > _ERRORS_TOLD else ""
    return InvalidEventError(f"not a valid {expected.__name__}: {told}{more}")


def _fault(kind: str, message: str) -> str:
    # Parsing messages may quote the input, and error texts travel in headers.
    return kind.replace("_", " ") if kind.endswith("_parsing") else message
