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

    def take(self, offset: int) -> tuple[bool, list[int]]:
        """Tell what a message is that was read while going back.

        Returns:
            Whether it is one of those looked for; and the offsets before it that were looked for
            and that the log no longer has.
        """
        gone = []
        back = self._going_back
        while back and back[0] < offset:
            gone.append(back.popleft())
        wanted = bool(back) and back[0] == offset
        if wanted:
            back.popleft()
        for one in (*gone, offset):
            self._sizes.pop(one, None)
        return wanted, gone

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
