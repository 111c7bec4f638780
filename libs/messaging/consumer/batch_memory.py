"""Bounds what decompressed record batches take together, whoever is reading them.

A batch that was read in part keeps all of its bytes, and aiokafka keeps the batch while its
partition is left out of polls, and after a ``seek`` until the next collection of cycles. So a batch
is entered here while its bytes are in memory. Before another one is decompressed, those that were
entered first are closed until there is room. A closed batch keeps its place and its compressed
bytes; whoever goes on reading has it decompressed again.
"""

from __future__ import annotations

from typing import Final, Protocol
from weakref import WeakKeyDictionary

from messaging.limits import OPEN_BATCHES


class Closable(Protocol):
    """A batch whose decompressed bytes can be dropped."""

    def close(self) -> None:
        """Drop the bytes; they are decompressed again when they are needed."""


class OpenBatches:
    """The account of decompressed batches; one for the process. A batch that is dropped leaves."""

    def __init__(self) -> None:
        self._sizes: WeakKeyDictionary[Closable, int] = WeakKeyDictionary()

    @property
    def held_bytes(self) -> int:
        """How many bytes all batches have in memory."""
        return sum(self._sizes.values())

    def make_room(self, size: int, *, limit: int) -> None:
        """Close batches until another one may be decompressed.

        Args:
            size: most bytes that it takes.
            limit: most bytes of one batch; all together may take ``OPEN_BATCHES`` times as much.
        """
        for batch in list(self._sizes):
            if self.held_bytes + size <= OPEN_BATCHES * limit:
                return
            batch.close()
            self._sizes.pop(batch, None)

    def add(self, batch: Closable, size: int) -> None:
        """Enter a batch that has so many bytes in memory now."""
        self._sizes[batch] = size

    def remove(self, batch: Closable) -> None:
        """Strike out a batch whose bytes are dropped."""
        self._sizes.pop(batch, None)


OPEN: Final = OpenBatches()
"""The batches of this process."""
