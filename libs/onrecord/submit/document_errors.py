"""Plain-English messages for invalid documents that people wrote, such as a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.validation_messages import PATTERNS


def format_document_errors(error: ValidationError) -> str:
    """Format a document's validation errors in one line: ``themes: is missing; name: …``."""
    errors = error.errors(include_input=False, include_url=False)
    inside = {one["loc"][:depth] for one in errors for depth in range(len(one["loc"]))}
    # pydantic calls a list too short also when what is in it is wrong.
    errors = [one for one in errors if one["type"] != "too_short" or one["loc"] not in inside]
    return "; ".join(f"{_field(one['loc'])}{_sentence(one)}" for one in errors)


def _field(location: tuple[int | str, ...]) -> str:
    # People count entries from 1: `themes.2.name`.
    named = ".".join(str(part + 1 if isinstance(part, int) else part) for part in location)
    return f"{named}: " if named else ""


def _sentence(fault: ErrorDetails) -> str:
    if wording := _WORDINGS.get(fault["type"]):
        return wording(fault.get("ctx", {}))
    return fault["msg"].removeprefix("Value error, ")


Context = Mapping[str, Any]
Wording = Callable[[Context], str]


def _always(sentence: str) -> Wording:
    return lambda _: sentence


def _too_few(errors: Context) -> str:
    least = errors["min_length"]
    return "at least one is needed" if least == 1 else f"at least {least} are needed"


def _text_too_short(errors: Context) -> str:
    least = errors["min_length"]
    return "may not be empty" if least == 1 else f"needs at least {least} characters"


def _pattern(errors: Context) -> str:
    return PATTERNS.get(errors["pattern"], "is not written as it has to be")


_A_LIST: Final = _always("has to be a list")
_A_GROUP: Final = _always("has to have fields of its own, such as `id: …`")
_A_TIME: Final = _always("has to be a date and time, such as 2026-01-05T14:30:00Z")

_WORDINGS: Final[dict[str, Wording]] = {
    "missing": _always("is missing"),
    "extra_forbidden": _always("there is no such field"),
    "too_short": _too_few,
    "too_long": lambda errors: f"at most {errors['max_length']:,} are allowed",
    "string_too_short": _text_too_short,
    "string_too_long": lambda errors: f"at most {errors['max_length']:,} characters are allowed",
    "string_type": _always("has to be text; put it in quotes"),
    "string_unicode": _always("is not valid Unicode"),
    "string_pattern_mismatch": _pattern,
    "tuple_type": _A_LIST,
    "list_type": _A_LIST,
    "model_type": _A_GROUP,
    "model_attributes_type": _A_GROUP,
    "enum": lambda errors: f"has to be {errors['expected']}",
    "datetime_type": _A_TIME,
    "timezone_aware": _always("needs an offset from UTC, such as +01:00 or Z for none"),
    "datetime_parsing": _A_TIME,
    "datetime_from_date_parsing": _A_TIME,
}
"""By pydantic's name for what is wrong; everything else is errors in pydantic's words."""
