"""Opaque cursors: where the next page of a list begins."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from contracts.pages import MAX_CURSOR, PageRequest
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

    The checksum covers which list a position is in, and what the list was narrowed by, so that a
    cursor of another list or of other filters, and one that was cut off or edited, is refused. It
    is no signature and need not be one: a position says from where on a list is read, and every
    entry is one that the caller may read anyway.

    Args:
        of: names the list.
        kind: parts of a position in it, with their bounds.
    """

    def __init__(self, of: str, kind: TypeAdapter[T]) -> None:
        self._of = of
        self._kind = kind

    def encode(self, position: T | None, request: PageRequest, scope: object = "") -> str | None:
        """Encode the position behind which the next page begins; None if there is no such page.

        Args:
            position: where this page ends.
            request: for this page.
            scope: of which of several lists, such as a study's id.
        """
        if position is None:
            return None
        content = self._kind.dump_json(position)
        checksum = self._checksum(content, request, scope)
        return urlsafe_b64encode(checksum + content).decode().rstrip("=")

    def decode(self, request: PageRequest, scope: object = "") -> T | None:
        """Decode a request's cursor to the position behind which its page begins; None without one.

        Args:
            request: for a page.
            scope: as it was encoded with.

        Raises:
            BadRequestError: it is none that this list returned, narrowed by the same.
        """
        cursor = request.cursor
        if cursor is None:
            return None
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            decoded = b64decode(padded, altchars=b"-_", validate=True)
            checksum, content = decoded[:CHECKSUM_BYTES], decoded[CHECKSUM_BYTES:]
            if checksum == self._checksum(content, request, scope):
                return self._kind.validate_json(content)
        except (ValueError, ValidationError, RecursionError):
            pass
        raise BadRequestError(
            "cursor: is none that this list returned as `next` for the same filters"
        )

    def _checksum(self, content: bytes, request: PageRequest, scope: object) -> bytes:
        filters = repr(request.model_dump(mode="python", exclude={"cursor", "limit"}))
        named = f"{self._of}\0{scope}\0{filters}\0".encode("utf-8", "backslashreplace")
        return blake2b(named + content, digest_size=CHECKSUM_BYTES).digest()


def split_page(
    rows: Sequence[Row], limit: int, locate: Callable[[Row], T]
) -> tuple[tuple[Row, ...], T | None]:
    """Split off the extra row which shows that another page follows; return page and position.

    Args:
        rows: of a list, one more than the page has, if there are so many.
        limit: how many the page has at most.
        locate: returns a row's position in the list.

    Returns:
        The page, and the position of its last row if another page follows.
    """
    page = tuple(rows[:limit])
    return page, locate(page[-1]) if len(rows) > limit else None


def get_only_element(position: tuple[Any] | None) -> Any:
    """Return the only element of a list position; None if there is no position."""
    return None if position is None else position[0]
