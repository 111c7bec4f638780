"""Says in plain words what is wrong with an event, field by field, without quoting its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

MOST_TOLD: Final = 3
"""Faults that are told; how many more there are is told too."""

NO_JSON: Final = "json_invalid"
"""Pydantic's kind of fault for what is no JSON."""

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
"""What the contracts' patterns mean."""

_WORDS: Final[Mapping[str, str | Callable[[_Context], str]]] = {
    "missing": "is missing",
    "string_type": "has to be a text",
    "string_too_short": lambda told: f"needs at least {_characters(told['min_length'])}",
    "string_too_long": lambda told: f"may have at most {_characters(told['max_length'])}",
    "string_pattern_mismatch": lambda told: PATTERNS.get(
        told["pattern"], f"does not match {told['pattern']}"
    ),
    "string_unicode": "is not valid Unicode",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_parsing_size": "is too large a number",
    "int_from_float": "has to be a whole number",
    "finite_number": "has to be a finite number",
    "greater_than_equal": lambda told: f"has to be at least {told['ge']}",
    "less_than_equal": lambda told: f"has to be at most {told['le']}",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "enum": lambda told: f"has to be one of {told['expected']}",
    "uuid_type": "has to be a UUID",
    "uuid_parsing": "has to be a UUID",
    "datetime_type": "has to be a date and time (RFC 3339), such as 2026-11-27T14:00:00Z",
    "datetime_parsing": "has to be a date and time (RFC 3339), such as 2026-11-27T14:00:00Z",
    "datetime_from_date_parsing": "has to be a date and time (RFC 3339), such as "
    "2026-11-27T14:00:00Z",
    "datetime_object_invalid": "is not a date and time that exists",
    "timezone_aware": "needs its offset from UTC, such as Z or +02:00",
    "tuple_type": "has to be a list",
    "too_short": lambda told: f"needs at least {_entries(told['min_length'])}",
    "too_long": lambda told: f"may have at most {_entries(told['max_length'])}",
    "model_type": "has to be an object",
    # Raised by validators of ours, whose texts quote nothing.
    "value_error": lambda told: str(told["error"]),
}
"""What each kind of fault means, by pydantic's names; ``told`` is what the field allows."""


def is_known(kind: str) -> bool:
    """Whether there are words for a kind of fault."""
    return kind in _WORDS or kind == NO_JSON


def describe(error: ValidationError) -> str:
    """The first few faults, each with the path of its field; the rest as a number."""
    faults = error.errors(include_input=False, include_url=False)
    told = "; ".join(f"{_path(one['loc'])}: {_words(one)}" for one in faults[:MOST_TOLD])
    more = len(faults) - MOST_TOLD
    return f"{told} (and {more} more)" if more > 0 else told


def _path(place: tuple[int | str, ...]) -> str:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in place)
    return path.removeprefix(".") or "the event"


def _words(fault: Mapping[str, Any]) -> str:
    words = _WORDS.get(fault["type"], "is not valid")
    return words if isinstance(words, str) else words(fault.get("ctx", {}))
