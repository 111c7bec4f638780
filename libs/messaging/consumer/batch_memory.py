"""A limit on the memory of all decompressed record batches together.

A batch that was read in part keeps all of its bytes, and aiokafka keeps the batch while its
partition is left out of polls. So batches are registered here while their bytes are in memory.
Before another one is decompressed, the oldest are closed until there is room. A closed batch keeps
its position and its compressed bytes, and is decompressed again when reading continues.
"""

from __future__ import annotations

from typing import Final, Protocol
from weakref import WeakKeyDictionary

from messaging.limits import OPEN_BATCHES


class ClosableBatch(Protocol):
    """Interface of a record batch whose decompressed bytes can be released."""

    def close(self) -> None:
        """Drop the bytes; they are decompressed again when needed."""


class BatchMemoryLimiter:
    """Limiter that releases the oldest decompressed record batches beyond a total size."""

    def __init__(self) -> None:
        self._sizes: WeakKeyDictionary[ClosableBatch, int] = WeakKeyDictionary()

    @property
    def held_bytes(self) -> int:
        """Decompressed bytes of all registered batches."""
        return sum(self._sizes.values())

    def make_room(self, size: int, *, limit: int) -> None:
        """Close the oldest batches until another one may be decompressed.

        Args:
            size: most bytes that it takes.
            limit: most bytes of one batch; all together may take ``OPEN_BATCHES`` times as much.
        """
        for batch in list(self._sizes):
            if self.held_bytes + size <= OPEN_BATCHES * limit:
                return
            batch.close()
            self._sizes.pop(batch, None)

    def add(self, batch: ClosableBatch, size: int) -> None:
        """Register a batch with the bytes it has in memory now."""
        self._sizes[batch] = size

    def remove(self, batch: ClosableBatch) -> None:
        """Deregister a batch whose bytes are dropped."""
        self._sizes.pop(batch, None)


BATCH_MEMORY: Final = BatchMemoryLimiter()
"""The batches of this process."""
