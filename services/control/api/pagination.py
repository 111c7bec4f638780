"""Opaque cursors: where the next page of a list begins."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from contracts.pages import MAX_CURSOR
from control.domain import BadRequestError

T = TypeVar("T")
Row = TypeVar("Row")

Cursor = Annotated[str, StringConstraints(max_length=MAX_CURSOR)]

Int4 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
"""Number that PostgreSQL's ``integer`` holds."""

Int8 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""Number that PostgreSQL's ``bigint`` holds."""

CHECKSUM_BYTES: Final = 8
"""Length of a cursor's checksum."""


class ListCursors(Generic[T]):
    """Cursors of one list: positions in it, encoded for URLs, with a checksum.

    The checksum covers which list a position is in, so that a cursor of another list, and one that
    was cut off or edited, is refused. It is no signature and need not be one: a position says from
    where on a list is read, and every entry is one that the caller may read anyway.

    Args:
        of: names the list.
        kind: parts of a position in it, with their bounds.
    """

    def __init__(self, of: str, kind: TypeAdapter[T]) -> None:
        self._of = of
        self._kind = kind

    def encode(self, position: T | None, scope: object = "") -> str | None:
        """Encode the position behind which the next page begins; None if there is no such page.

        Args:
            position: where this page ends.
            scope: of which of several lists, such as a study's id.
        """
        if position is None:
            return None
        content = self._kind.dump_json(position)
        return urlsafe_b64encode(self._checksum(content, scope) + content).decode().rstrip("=")

    def decode(self, cursor: str | None, scope: object = "") -> T | None:
        """Decode a cursor to the position behind which a page begins; None if there is no cursor.

        Args:
            cursor: of a request.
            scope: as it was encoded with.

        Raises:
            BadRequestError: it is none that this list returned.
        """
        if cursor is None:
            return None
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            decoded = b64decode(padded, altchars=b"-_", validate=True)
            checksum, content = decoded[:CHECKSUM_BYTES], decoded[CHECKSUM_BYTES:]
            if checksum == self._checksum(content, scope):
                return self._kind.validate_json(content)
        except (ValueError, ValidationError, RecursionError):
            pass
        raise BadRequestError("cursor: is none that this list returned as `next`")

    def _checksum(self, content: bytes, scope: object) -> bytes:
        named = f"{self._of}\0{scope}\0".encode("utf-8", "backslashreplace")
        return blake2b(named + content, digest_size=CHECKSUM_BYTES).digest()


def split_page(
    rows: Sequence[Row], limit: int, locate: Callable[[Row], T]
) -> tuple[tuple[Row, ...], T | None]:
    """Split off the row that says that there is another page.

    Args:
        rows: of a list, one more than the page has, if there are so many.
        limit: how many the page has at most.
        locate: returns a row's position in the list.

    Returns:
        The page, and the position of its last row if another page follows.
    """
    page = tuple(rows[:limit])
    return page, locate(page[-1]) if len(rows) > limit else None


def get_first(position: tuple[Any] | None) -> Any:
    """Return what a position of one part consists of; None if there is no position."""
    return None if position is None else position[0]
