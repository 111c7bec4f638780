"""Retry messages that are not due, remembered by offset and fetched again when they are.

A message that is not due and does not fit in memory is kept as its offset only, so that those
behind it can be read. When it is due, the consumer seeks back and reads it again::

    offsets    40 … 90  91  92 … 140 │ 141
               due      not due      │ frontier: first offset never read

    at the time 40 is due:  seek(40), take 40, seek(141) and continue with new messages
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection

from messaging.consumer.offsets import OffsetWentBackError


class DeferredRetries:
    """Offsets in a retry partition of messages that are not due yet, to be fetched again later.

    Attributes:
        frontier: the offset behind the last message that was read; None before the first.
    """

    def __init__(self) -> None:
        self._not_due: list[tuple[float, int, int]] = []  # when due, offset, size
        self._due: list[tuple[int, int]] = []  # offset, size
        self._refetching: deque[int] = deque()
        self._sizes: dict[int, int] = {}
        self._epoch: int | None = None
        self.frontier: int | None = None

    def __len__(self) -> int:
        return len(self._not_due) + len(self._due) + len(self._refetching)

    @property
    def next_due(self) -> float:
        """When the next message becomes due, by the clock that ``remember`` was given."""
        return self._not_due[0][0] if self._not_due else float("inf")

    @property
    def is_refetching(self) -> bool:
        """Whether messages before the frontier are being fetched again."""
        return bool(self._refetching)

    def is_new(self, offset: int) -> bool:
        """Return whether a message was never read before, and move the frontier behind it."""
        if self.frontier is not None and offset < self.frontier:
            return False
        self.frontier = offset + 1
        return True

    def remember(self, offset: int, size: int, due: float) -> None:
        """Remember a message until it is due.

        Args:
            offset: where it is.
            size: what it takes in memory, in bytes.
            due: when it is due, by a monotonic clock, in seconds.
        """
        heapq.heappush(self._not_due, (due, offset, size))

    def hasten(self, offsets: Collection[int], now: float) -> None:
        """Make remembered messages due.

        Args:
            offsets: of them; others are passed over.
            now: by the clock that ``remember`` was given.
        """
        self._not_due = [
            (min(due, now) if offset in offsets else due, offset, size)
            for due, offset, size in self._not_due
        ]
        heapq.heapify(self._not_due)

    def refetch_due(self, now: float, room: int) -> int | None:
        """Return the offset to seek to, if messages that are due are to be fetched again.

        Args:
            now: by the clock that ``remember`` was given.
            room: how many bytes of them may be taken; a message of any size, if it is the first.
        """
        # Two heaps: by time until due, then by offset, so that one pass over the log reads all that
        # are due, whatever the order in which they became so.
        while self._not_due and self._not_due[0][0] <= now:
            _, offset, size = heapq.heappop(self._not_due)
            heapq.heappush(self._due, (offset, size))
        offsets: deque[int] = deque()
        # At least one, whatever its size, or a large message would never be read again.
        while self._due and (self._due[0][1] <= room or not offsets):
            offset, size = heapq.heappop(self._due)
            self._sizes[offset] = size
            offsets.append(offset)
            room -= size
        self._refetching = offsets
        return offsets[0] if offsets else None

    def take(self, offset: int) -> bool:
        """Return whether a message is the next one that was to be fetched again.

        Raises:
            OffsetWentBackError: a later message arrived in its place. The remembered one is not
                given up for that: unless it was deleted (``drop_before``), the log still has it.
        """
        back = self._refetching
        if not back or offset < back[0]:
            return False
        if offset > back[0]:
            raise OffsetWentBackError(f"offset {back[0]} was expected, but {offset} was read")
        del self._sizes[back.popleft()]
        return True

    def has_due(self, now: float) -> bool:
        """Return whether a remembered message is due and not being fetched again yet.

        Args:
            now: by the clock that ``remember`` was given.
        """
        return bool(self._due) or self.next_due <= now

    def drop_before(self, start: int) -> list[int]:
        """Forget messages that were deleted from the log, and return their offsets.

        Args:
            start: the log's first offset that is still there.
        """
        back = self._refetching
        gone = [back.popleft() for _ in range(sum(one < start for one in back))]
        gone += [offset for offset, _ in self._due if offset < start]
        gone += [offset for _, offset, _ in self._not_due if offset < start]
        self._due = [one for one in self._due if one[0] >= start]
        self._not_due = [one for one in self._not_due if one[1] >= start]
        heapq.heapify(self._due)
        heapq.heapify(self._not_due)
        for offset in gone:
            self._sizes.pop(offset, None)
        self.frontier = max(start, self.frontier or 0)
        return sorted(gone)

    def seek_to(self, position: int) -> int | None:
        """Return the offset to seek to next; None if reading stands there already.

        Args:
            position: the offset behind the last message that was read.
        """
        target = self._refetching[0] if self._refetching else self.frontier
        return None if target == position else target

    def set_epoch(self, epoch: int) -> None:
        """Restart an unfinished refetch if a rebalance has moved the position.

        Args:
            epoch: which assignment it is.
        """
        if epoch == self._epoch:
            return
        self._epoch = epoch
        # The rebalance has reset the position to the frontier: what was not read yet is due again.
        for offset in self._refetching:
            heapq.heappush(self._due, (offset, self._sizes.pop(offset)))
        self._refetching.clear()
