"""The order in which interviews are read: small ones first, large ones one at a time."""

from __future__ import annotations

import asyncio
import base64
import binascii
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from contracts.events import TranscriptSubmitted
from contracts.gzip_content import GZIP_MAGIC
from contracts.transcript import ContentForm

LARGE_BYTES: Final = 2 * 1024 * 1024
"""Size in memory from which interviews are read one at a time, in bytes: three hours of plain talk
take 0.4 MB, so that the others hardly ever wait."""

MAX_OVERTAKEN: Final = 20
"""How many smaller interviews may be read before one that came earlier, at most."""

_SIZE_FIELD: Final = 4
"""Bytes at the end of a gzip file that give the size of what it holds (RFC 1952)."""
_TAIL_BASE64: Final = 8
_TAIL: Final = 64
"""The end of base64 with line breaks; its last eight characters hold at least four bytes."""


@dataclass(eq=False)
class _Waiting:
    """An interview that waits to be read.

    Attributes:
        size: its estimated size, in bytes.
        turn: done when it may be read.
        overtaken: how many that came later were read before it.
    """

    size: int
    turn: asyncio.Future[None] = field(default_factory=asyncio.Future)
    overtaken: int = 0

    @property
    def is_large(self) -> bool:
        return self.size > LARGE_BYTES


class ParsingScheduler:
    """Scheduler of parsing tasks: the smallest interview first, large ones one at a time.

    Args:
        places: how many interviews may be read at once.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._is_large_read = False
        self._waiting: list[_Waiting] = []

    @asynccontextmanager
    async def take(self, size: int) -> AsyncIterator[None]:
        """Wait for the turn of an interview; it lasts until the context ends.

        Args:
            size: its estimated size, in bytes.
        """
        mine = _Waiting(size)
        self._waiting.append(mine)
        self._grant()
        try:
            await mine.turn
            yield
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:
                self._free += 1
                self._is_large_read &= not mine.is_large
            self._grant()

    def _grant(self) -> None:
        while self._free and (chosen := self._choose()) is not None:
            position = self._waiting.index(chosen)
            for earlier in self._waiting[:position]:
                earlier.overtaken += 1
            del self._waiting[position]
            self._free -= 1
            self._is_large_read |= chosen.is_large
            if not chosen.turn.done():
                chosen.turn.set_result(None)

    def _choose(self) -> _Waiting | None:
        may = [one for one in self._waiting if not (one.is_large and self._is_large_read)]
        overtaken = (one for one in may if one.overtaken >= MAX_OVERTAKEN)
        return next(overtaken, min(may, key=lambda one: one.size, default=None))


def estimate_text_memory(submitted: TranscriptSubmitted, fetched: bytes | None = None) -> int:
    """Estimate the memory in bytes that an interview's text takes after decompression.

    What a gzip file says of itself may be wrong: then the interview is read in another's turn, at
    the cost that every reading is limited to.

    Args:
        submitted: the interview.
        fetched: the file behind its URI, if its content is one.
    """
    content: str | bytes = submitted.content if fetched is None else fetched
    size = sys.getsizeof(content)
    if submitted.content_form is ContentForm.GZIP:
        tail = "".join(submitted.content[-_TAIL:].split())[-_TAIL_BASE64:]
        try:
            fetched = base64.b64decode(tail, validate=True)
        except binascii.Error:
            return size
        return max(size, int.from_bytes(fetched[-_SIZE_FIELD:], "little"))
    if fetched is not None and fetched.startswith(GZIP_MAGIC):
        return max(size, int.from_bytes(fetched[-_SIZE_FIELD:], "little"))
    return size
