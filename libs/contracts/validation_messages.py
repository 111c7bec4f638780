"""Plain-English messages for invalid events, field by field, without quoting their content."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from contracts import bounds
from contracts.characters import SURROGATE

MAX_SHOWN: Final = 3
"""Errors that a message lists; it ends with the number of the others."""

NOT_JSON: Final = "json_invalid"
"""Pydantic's error type for text that is not JSON."""

_Context = Mapping[str, Any]


def _entries(number: object) -> str:
    return f"{number} entry" if number == 1 else f"{number} entries"


def _characters(number: object) -> str:
    return f"{number} character" if number == 1 else f"{number} characters"


PATTERNS: Final = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": (
        "may have letters, digits, '.', '_' and '-', and begins with a letter or a digit"
    ),
    r"^[a-z]{2,3}$": "is a language code of two or three letters, such as en",
    r"^[0-9a-f]{64}$": "has to be a SHA-256 in hexadecimal digits",
}
"""Messages of the contracts' regular expressions."""

_MESSAGES: Final[Mapping[str, str | Callable[[_Context], str]]] = {
    "missing": "is missing",
    "string_type": "has to be a text",
    "string_too_short": lambda limits: f"needs at least {_characters(limits['min_length'])}",
    "string_too_long": lambda limits: f"may have at most {_characters(limits['max_length'])}",
    "string_pattern_mismatch": lambda limits: PATTERNS.get(
        limits["pattern"], f"does not match {limits['pattern']}"
    ),
    "string_unicode": "is not valid Unicode",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_parsing_size": "is too large a number",
    "int_from_float": "has to be a whole number",
    "float_type": "has to be a number",
    "float_parsing": "has to be a number",
    "finite_number": "has to be a finite number",
    "greater_than_equal": lambda limits: f"has to be at least {limits['ge']}",
    "less_than_equal": lambda limits: f"has to be at most {limits['le']}",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "enum": lambda limits: f"has to be one of {limits['expected']}",
    "uuid_type": "has to be a UUID",
    "uuid_parsing": "has to be a UUID",
    "datetime_type": "has to be a date and time (RFC 3339), such as 2026-11-27T14:00:00Z",
    "datetime_parsing": "has to be a date and time (RFC 3339), such as 2026-11-27T14:00:00Z",
    "datetime_from_date_parsing": "has to be a date and time (RFC 3339), such as "
    "2026-11-27T14:00:00Z",
    "datetime_object_invalid": "is not a date and time that exists",
    "timezone_aware": "needs its offset from UTC, such as Z or +02:00",
    "tuple_type": "has to be a list",
    "too_short": lambda limits: f"needs at least {_entries(limits['min_length'])}",
    "too_long": lambda limits: f"may have at most {_entries(limits['max_length'])}",
    "model_type": "has to be an object",
    # Raised by validators of ours, whose texts quote nothing.
    bounds.NUL_CHARACTER: "may not contain the character U+0000 (NUL)",
    bounds.MOMENT_OUT_OF_RANGE: (
        f"has to be between the years {bounds.EARLIEST.year} and {bounds.LATEST.year} in UTC"
    ),
    "value_error": lambda limits: str(limits["error"]),
}
"""Message of each error type, by pydantic's names; ``limits`` is the error's context."""


def has_custom_message(kind: str) -> bool:
    """Return whether this module replaces pydantic's message for a type of validation error."""
    return kind in _MESSAGES or kind == NOT_JSON


def describe_validation_error(error: ValidationError) -> str:
    """Describe a pydantic validation error in one line, field by field."""
    errors = error.errors(include_input=False, include_url=False)
    shown = "; ".join(f"{_path(one['loc'])}: {_message(one)}" for one in errors[:MAX_SHOWN])
    more = len(errors) - MAX_SHOWN
    return f"{shown} (and {more} more)" if more > 0 else shown


def describe_lone_surrogates(document: bytes, expected: type[BaseModel]) -> str | None:
    r"""Return a sentence that names the JSON field with half a surrogate pair, or None.

    Pydantic does not read JSON with such an escape (``\ud800`` alone) and names no field. Only
    names that ``expected`` knows are in the line, since it may not quote the payload.

    Args:
        document: what pydantic found to be no JSON.
        expected: the model it should have been.
    """
    if not _SURROGATE_ESCAPE.search(document):
        return None
    try:
        place = next(_lone_surrogates(json.loads(document)), None)
    except (ValueError, RecursionError):
        return None
    if place is None:
        return None
    known = _field_names(expected)
    unknown = [isinstance(one, str) and one not in known for one in place]
    place = place[: unknown.index(True)] if any(unknown) else place
    return f"{_path(place)}: {_MESSAGES['string_unicode']}"


@lru_cache(maxsize=64)
def _field_names(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of all fields of a model and of the models in it."""
    schema = model.model_json_schema()
    nodes = (schema, *schema.get("$defs", {}).values())
    return frozenset(name for node in nodes for name in node.get("properties", ()))


_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def _lone_surrogates(value: Any) -> Iterator[tuple[int | str, ...]]:
    """Yield the places of texts with half of a surrogate pair; a name counts as its object's."""
    if isinstance(value, str):
        if SURROGATE.search(value):
            yield ()
        return
    entries: list[tuple[int | str, Any]] = []
    if isinstance(value, list):
        entries.extend(enumerate(value))
    elif isinstance(value, dict):
        if any(map(SURROGATE.search, value)):
            yield ()
        entries.extend((key, one) for key, one in value.items() if not SURROGATE.search(key))
    for place, inner in entries:
        for path in _lone_surrogates(inner):
            yield (place, *path)


def _path(location: tuple[int | str, ...]) -> str:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in location)
    return path.removeprefix(".") or "the event"


def _message(error: Mapping[str, Any]) -> str:
    message = _MESSAGES.get(error["type"], "is not valid")
    return message if isinstance(message, str) else message(error.get("ctx", {}))
