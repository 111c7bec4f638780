"""Which offset of a partition may be committed while messages finish in any order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

TELLABLE_SPAN: Final = 22_000
"""Offsets beyond the first unfinished one that the metadata of a commit tells whatever is finished
among them: a bit for each in 4,096 characters of base64, with what identifies the log."""

TELLABLE_GAPS: Final = 450
"""Unfinished messages that fit as lengths of runs, however many are finished between them."""

FARTHEST: Final = 1 << 21
"""How far beyond the committed offset is told and believed; lengths up to it take three bytes."""


class LogMovedError(Exception):
    """What is read is before what was read: the log is not the one that it was."""


class OffsetLedger:
    """The account of one assigned partition: what was started, and what is finished.

    A committed offset says that everything before it is done (Kafka's convention: the next offset
    to read). The ledger therefore moves only over a gapless run of finished messages, counted in
    the order in which they were started; offsets that never arrive (compaction, transaction
    markers) are no gaps.

    Only unfinished messages are kept, so that a commit costs as much as there are of them, however
    many are finished beyond::

        offsets   7  8  9 10 11 12 13 14
                  │  ✓  ✓  │  ✓  ✓  ✓ └ not started
        kept      7 ────▶ 10 ──────────▶       (each with the one started after it)
        tells     commit 7, finished 8-9 and 11-13

    Args:
        done: offsets that an earlier owner of the partition has finished beyond its commit, as
            ranges in increasing order.
        begin: the offset to begin reading at; -1 if it is not known.
    """

    __slots__ = ("_begin", "_committed", "_done", "_last", "_news", "_passed", "_unfinished")

    def __init__(self, done: Iterable[range] = (), begin: int = -1) -> None:
        self._unfinished: dict[int, int | None] = {}  # each with the one that was started next
        self._begin = self._last = -1
        self._passed = begin
        self._done = deque(one for one in done if one)
        self._news = 0
        self._committed = (begin, 0)

    def start(self, offset: int) -> bool:
        """Enter a fetched message; offsets come in increasing order.

        Returns:
            Whether it is to be worked on: not if an earlier owner has finished it.

        Raises:
            LogMovedError: the offset is not beyond all entered before.
        """
        if offset <= self._last:
            raise LogMovedError(f"offset {offset} was entered after {self._last}")
        if offset < self._passed:
            raise LogMovedError(f"offset {offset} is before the position {self._passed}")
        if self._last in self._unfinished:
            self._unfinished[self._last] = offset
        elif self._last < 0:
            self._begin = offset
        self._last = offset
        while self._done and self._done[0].stop <= offset:
            self._done.popleft()
        if self._done and offset in self._done[0]:
            self._news += 1
            return False
        self._unfinished[offset] = None
        return True

    def finish(self, offset: int) -> None:
        """Record that a message needs no more work: its effects or its dead letter are safe."""
        if offset in self._unfinished:
            del self._unfinished[offset]
            self._news += 1

    def pass_over(self, position: int) -> None:
        """Move over offsets that hold no message, such as the markers that end transactions.

        Args:
            position: the offset before which everything that can be read has been started.
        """
        if position > self.next:
            self._passed = position
            self._news += not self._unfinished

    @property
    def next(self) -> int:
        """The offset to go on reading from; -1 while nothing is known."""
        return max(self._passed, self._last + 1 if self._last >= 0 else -1)

    @property
    def unfinished(self) -> int:
        """How many messages were started and are not finished."""
        return len(self._unfinished)

    @property
    def takes_more(self) -> bool:
        """Whether what is finished can still be told if one more message is started.

        Beyond that, a crash would have messages done again that were finished; so whoever fetches
        waits until the first unfinished message ends.
        """
        first = self._first_unfinished
        if first is None:
            return True
        span = self._last - first
        few = len(self._unfinished) < TELLABLE_GAPS
        return span < TELLABLE_SPAN or (few and span < FARTHEST)

    @property
    def position(self) -> int | None:
        """The offset that may be committed; None while nothing is finished from the front on."""
        first = self._first_unfinished
        if first is None:
            return self.next if self.next >= 0 else None
        return first if first != self._begin else None

    @property
    def news(self) -> int:
        """A number that grows with whatever a commit has to tell."""
        return self._news

    @property
    def _first_unfinished(self) -> int | None:
        return next(iter(self._unfinished), None)

    def finished_beyond(self) -> Iterator[range]:
        """Yield what is finished beyond the first unfinished message, that of earlier owners too.

        Offsets that never arrive, between finished ones, count as finished.
        """
        after = -1
        for offset, following in self._unfinished.items():
            if 0 <= after < offset:
                yield range(after, offset)
            after = -1 if following is None else following
        if 0 <= after <= self._last:
            yield range(after, self._last + 1)
        for one in self._done:
            if one.stop > self.next:
                yield range(max(one.start, self.next), one.stop)

    def uncommitted(self) -> int | None:
        """Return the offset to commit now; None if the last commit already says it all.

        While nothing is finished from the front on, but something is beyond, it is the first
        unfinished offset itself: committing it again carries the news of what is beyond.
        """
        offset = self.position
        if offset is None and self._news:
            offset = self._first_unfinished
        if offset is None or self._committed == (offset, self._news):
            return None
        return offset

    def committed(self, offset: int, news: int) -> None:
        """Record that the broker has acknowledged a commit.

        Args:
            offset: what was committed.
            news: what ``news`` was when the commit was made.
        """
        self._committed = (offset, news)
