"""A record's value as the type that its handler asks for, and whose fault it is where it is not.

======================  ==========================================================================
annotation              what the handler gets
======================  ==========================================================================
an ``Event``            decoded and validated, CloudEvents headers included
``messaging.Record``    the record as its producer wrote it
``list[Record]``        as many of them as there are at once, all of one partition
a pydantic model        validated from the JSON, at once
anything else           what FastStream's own decoder and FastDepends make of it
======================  ==========================================================================
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from inspect import isclass
from typing import Any

from faststream.message import decode_message
from pydantic import BaseModel, ValidationError

from contracts.errors import BadMessageError
from contracts.events import Event
from messaging.codec import (
    UndecodableError,
    build_validation_error,
    decode_event,
    parse_model,
    read_event_headers,
    strip_schema_id,
)
from messaging.delivery import PropagatedContext, Record, convert_consumer_record

Headers = Sequence[tuple[str, bytes]]


def is_event_type(annotation: Any) -> bool:
    """Return whether a type annotation is an event class (a subclass of ``Event``)."""
    return isclass(annotation) and issubclass(annotation, Event)


def is_model_type(annotation: Any) -> bool:
    """Return whether a type annotation is a pydantic model class."""
    return isclass(annotation) and issubclass(annotation, BaseModel)


def is_record_type(annotation: Any) -> bool:
    """Return whether a handler with this annotation takes records as their producers wrote them."""
    return annotation is Record or takes_many_records(annotation)


def takes_many_records(annotation: Any) -> bool:
    """Return whether a handler with this annotation takes many records at once."""
    return bool(annotation == list[Record])


def decode_payload(
    value: bytes | None, headers: Headers, expected: type[BaseModel]
) -> tuple[Any, PropagatedContext]:
    """Decode a record's JSON value as the event or pydantic model that a handler expects.

    Returns:
        It, and what of the headers is carried on.

    Raises:
        BadMessageError: the value is not that.
    """
    if issubclass(expected, Event):
        return decode_event(value, headers, expected)
    return parse_model(value, expected), read_event_headers(headers)[1]


def build_decoder(
    annotation: Any, topic_of: Callable[[Any], str]
) -> Callable[[Any], Awaitable[Any]]:
    """Build the FastStream decoder of a subscriber whose handlers expect the given type.

    Args:
        annotation: the type; None if a handler takes several parameters, or none, of a message.
        topic_of: a record's topic without the installation's prefix.
    """

    async def decode_it(message: Any) -> Any:
        raw = message.raw_message
        if is_record_type(annotation):
            record = convert_consumer_record(raw, topic_of(raw))
            return record if annotation is Record else [record]
        if is_model_type(annotation):
            return decode_payload(raw.value, raw.headers or (), annotation)[0]
        message.body = strip_schema_id(message.body)
        try:
            return decode_message(message)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise UndecodableError("the value is not a JSON document in UTF-8") from None

    return decode_it


def convert_validation_error(error: ValidationError, expected: str) -> BadMessageError | None:
    """Convert FastDepends' error about a message to ``BadMessageError``; else return None.

    One that was raised in a handler or a dependency is theirs, and a bug like any other.
    """
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in _FRAMEWORK:
            return None
        trace = trace.tb_next
    return build_validation_error(error, expected)


_FRAMEWORK = frozenset(
    {"faststream", "fast_depends", "pydantic", "pydantic_core", "messaging", "contextlib", "anyio"}
)
