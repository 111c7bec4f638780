"""Which offset of a partition may be committed while messages finish in any order."""

from __future__ import annotations

from collections import deque


class OffsetLedger:
    """The account of one assigned partition: what was started, and what is finished.

    A committed offset says that everything before it is done (Kafka's convention: the next offset
    to read). The ledger therefore moves only over a gapless run of finished messages, counted in
    the order in which they were started; offsets that never arrive (compaction, transaction
    markers) are no gaps.
    """

    __slots__ = ("_committed", "_finished", "_position", "_started")

    def __init__(self) -> None:
        self._started: deque[int] = deque()
        self._finished: set[int] = set()
        self._position: int | None = None
        self._committed: int | None = None

    def start(self, offset: int) -> None:
        """Enter a fetched message; offsets come in increasing order.

        Raises:
            ValueError: the offset is not beyond all entered before.
        """
        if self._started and offset <= self._started[-1]:
            raise ValueError(f"offset {offset} was entered after {self._started[-1]}")
        if self._position is not None and offset < self._position:
            raise ValueError(f"offset {offset} is before the position {self._position}")
        self._started.append(offset)

    def finish(self, offset: int) -> None:
        """Record that a message needs no more work: its effects or its dead letter are safe."""
        self._finished.add(offset)
        while self._started and self._started[0] in self._finished:
            done = self._started.popleft()
            self._finished.discard(done)
            self._position = done + 1

    @property
    def unfinished(self) -> int:
        """How many messages were started and are not finished."""
        return len(self._started) - len(self._finished)

    @property
    def position(self) -> int | None:
        """The offset that may be committed; None while nothing is finished from the front on."""
        return self._position

    def uncommitted(self) -> int | None:
        """The offset to commit now; None if the last commit already says it."""
        return self._position if self._position != self._committed else None

    def committed(self, offset: int) -> None:
        """Record that the broker has acknowledged a commit of ``offset``."""
        self._committed = offset
