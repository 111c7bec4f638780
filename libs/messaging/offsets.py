"""Which offset of a partition may be committed while messages finish in any order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class OffsetLedger:
    """The account of one assigned partition: what was started, and what is finished.

    A committed offset says that everything before it is done (Kafka's convention: the next offset
    to read). The ledger therefore moves only over a gapless run of finished messages, counted in
    the order in which they were started; offsets that never arrive (compaction, transaction
    markers) are no gaps.

    Args:
        done: offsets that an earlier owner of the partition has finished beyond its commit.
    """

    __slots__ = ("_committed", "_done", "_finished", "_position", "_started")

    def __init__(self, done: Iterable[int] = ()) -> None:
        self._started: deque[int] = deque()
        self._finished: set[int] = set()
        self._done = set(done)
        self._position: int | None = None
        self._committed: tuple[int, int] | None = None

    def start(self, offset: int) -> bool:
        """Enter a fetched message; offsets come in increasing order.

        Returns:
            Whether it is to be worked on: not if an earlier owner has finished it.

        Raises:
            ValueError: the offset is not beyond all entered before.
        """
        if self._started and offset <= self._started[-1]:
            raise ValueError(f"offset {offset} was entered after {self._started[-1]}")
        if self._position is not None and offset < self._position:
            raise ValueError(f"offset {offset} is before the position {self._position}")
        self._started.append(offset)
        if offset not in self._done:
            return True
        self._done.discard(offset)
        self.finish(offset)
        return False

    def finish(self, offset: int) -> None:
        """Record that a message needs no more work: its effects or its dead letter are safe."""
        started, finished = self._started, self._finished
        if not started or started[0] != offset:
            finished.add(offset)
            return
        started.popleft()
        self._position = offset + 1
        while started and started[0] in finished:
            offset = started.popleft()
            finished.discard(offset)
            self._position = offset + 1

    @property
    def unfinished(self) -> int:
        """How many messages were started and are not finished."""
        return len(self._started) - len(self._finished)

    @property
    def position(self) -> int | None:
        """The offset that may be committed; None while nothing is finished from the front on."""
        return self._position

    @property
    def finished_beyond(self) -> frozenset[int]:
        """Offsets finished beyond the first unfinished one, those of earlier owners included."""
        return frozenset(self._finished | self._done)

    def uncommitted(self) -> int | None:
        """The offset to commit now; None if the last commit already says it all.

        While nothing is finished from the front on, but something is beyond, it is the first
        unfinished offset itself: committing it again carries the news of what is beyond.
        """
        offset = self._position
        if offset is None:
            offset = self._started[0] if self._started and self._finished else None
        if offset is None or self._committed == (offset, len(self._finished) + len(self._done)):
            return None
        return offset

    def committed(self, offset: int, finished_beyond: int = 0) -> None:
        """Record that the broker has acknowledged a commit.

        Args:
            offset: what was committed.
            finished_beyond: how many offsets were told as finished beyond it. While the
                committed offset stays, they only become more, so their number tells of news.
        """
        self._committed = (offset, finished_beyond)
