"""Plain-English messages for invalid events, field by field, without quoting their content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

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
    "value_error": lambda limits: str(limits["error"]),
}
"""Message of each error type, by pydantic's names; ``limits`` is the error's context."""


def has_message_for(kind: str) -> bool:
    """Return whether a pydantic error type has a message of ours."""
    return kind in _MESSAGES or kind == NOT_JSON


def describe_validation_error(error: ValidationError) -> str:
    """Return one line with the first few errors by field path, and the number of the others."""
    errors = error.errors(include_input=False, include_url=False)
    shown = "; ".join(f"{_path(one['loc'])}: {_message(one)}" for one in errors[:MAX_SHOWN])
    more = len(errors) - MAX_SHOWN
    return f"{shown} (and {more} more)" if more > 0 else shown


def _path(location: tuple[int | str, ...]) -> str:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in location)
    return path.removeprefix(".") or "the event"


def _message(error: Mapping[str, Any]) -> str:
    message = _MESSAGES.get(error["type"], "is not valid")
    return message if isinstance(message, str) else message(error.get("ctx", {}))
