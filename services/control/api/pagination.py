"""Opaque cursors: where the next page of a list begins."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from contracts.control_api import MAX_CURSOR
from control.domain import BadRequestError

T = TypeVar("T")

Cursor = Annotated[str, StringConstraints(max_length=MAX_CURSOR)]

Int4 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
"""Number that PostgreSQL's ``integer`` holds."""


def encode_cursor(position: tuple[Any, ...], kind: TypeAdapter[Any]) -> str:
    """Encode a position in a list as a pagination cursor for URLs.

    Args:
        position: where the page ends.
        kind: what its parts are.
    """
    return urlsafe_b64encode(kind.dump_json(position)).decode().rstrip("=")


def decode_cursor(cursor: str | None, kind: TypeAdapter[T]) -> T | None:
    """Decode a pagination cursor to a position in a list; None if there is no cursor.

    Raises:
        BadRequestError: it is none that this list returned.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return kind.validate_json(urlsafe_b64decode(padded))
    except (ValueError, ValidationError, RecursionError) as error:
        raise BadRequestError("cursor: is none that this list returned as `next`") from error
