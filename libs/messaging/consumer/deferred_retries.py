"""Messages of a retry topic's partition that are remembered instead of held, until they are due.

What is not due and does not fit in memory is known by its offset alone, so that those behind it can
be read. When it is due, it is read again::

    offsets    40 … 90  91  92 … 140 │ 141
               due      not due      │ frontier: what was not read yet
    seek to 40, take it, seek to 141
"""

from __future__ import annotations

import heapq
from collections import deque

from messaging.consumer.offsets import LogMovedError


class Deferred:
    """The remembered messages of one partition.

    Attributes:
        frontier: the offset behind the last message that was read; None before the first.
    """

    def __init__(self) -> None:
        self._not_due: list[tuple[float, int, int]] = []  # when due, offset, size
        self._due: list[tuple[int, int]] = []  # offset, size
        self._going_back: deque[int] = deque()
        self._sizes: dict[int, int] = {}
        self._epoch: int | None = None
        self.frontier: int | None = None

    def __len__(self) -> int:
        return len(self._not_due) + len(self._due) + len(self._going_back)

    @property
    def next_due(self) -> float:
        """When the next message will be due, by the clock that ``remember`` was given."""
        return self._not_due[0][0] if self._not_due else float("inf")

    @property
    def is_going_back(self) -> bool:
        """Whether messages before the frontier are being read again."""
        return bool(self._going_back)

    def is_new(self, offset: int) -> bool:
        """Whether a message that was read is none of those known; the frontier moves behind it."""
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

    def go_back(self, now: float, room: int) -> int | None:
        """Return the offset to read from, if messages that are due are to be read again.

        Args:
            now: by the clock that ``remember`` was given.
            room: how many bytes of them may be taken; a message of any size, if it is the first.
        """
        while self._not_due and self._not_due[0][0] <= now:
            _, offset, size = heapq.heappop(self._not_due)
            heapq.heappush(self._due, (offset, size))
        offsets: deque[int] = deque()
        while self._due and (self._due[0][1] <= room or not offsets):
            offset, size = heapq.heappop(self._due)
            self._sizes[offset] = size
            offsets.append(offset)
            room -= size
        self._going_back = offsets
        return offsets[0] if offsets else None

    def take(self, offset: int) -> bool:
        """Return whether a message that was read is one of those looked for.

        Raises:
            LogMovedError: one before it was looked for and did not come. It is not given up for
                that: the log still has it (``forget_before``), or reading stands elsewhere.
        """
        back = self._going_back
        if not back or offset < back[0]:
            return False
        if offset > back[0]:
            raise LogMovedError(f"offset {back[0]} was looked for, and {offset} came")
        del self._sizes[back.popleft()]
        return True

    def waits_for_room(self, now: float) -> bool:
        """Whether a remembered message is due that is not being read again yet.

        Args:
            now: by the clock that ``remember`` was given.
        """
        return bool(self._due) or self.next_due <= now

    def forget_before(self, start: int) -> list[int]:
        """Forget the messages that the log has deleted; return their offsets.

        Args:
            start: the log's first offset that is still there.
        """
        back = self._going_back
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
        """Return where to read next, unless it is where reading stands anyway.

        Args:
            position: the offset behind the last message that was read.
        """
        target = self._going_back[0] if self._going_back else self.frontier
        return None if target == position else target

    def begin_epoch(self, epoch: int) -> None:
        """Forget where reading stands if a rebalance has moved it.

        Args:
            epoch: which assignment it is.
        """
        if epoch == self._epoch:
            return
        self._epoch = epoch
        for offset in self._going_back:
            heapq.heappush(self._due, (offset, self._sizes.pop(offset)))
        self._going_back.clear()
