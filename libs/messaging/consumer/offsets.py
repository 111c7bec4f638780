"""Ledger of a partition's offsets: what may be committed while messages finish in any order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

MAX_ENCODED_SPAN: Final = 22_000
"""Most offsets beyond the first unfinished one that a commit's metadata can describe whichever of
them are finished: a bit each, in 4,096 characters of base64 that also identify the log."""

MAX_ENCODED_GAPS: Final = 450
"""Most unfinished messages that fit the metadata as run lengths, whatever lies between them."""

MAX_DISTANCE: Final = 1 << 21
"""The largest distance from the committed offset that is encoded: three bytes as a varint."""


class OffsetWentBackError(Exception):
    """Raised when a record's offset is lower than earlier ones, as after a log was replaced."""


class OffsetLedger:
    """Ledger of the started and finished offsets of a partition; computes the offset to commit.

    A committed offset means that everything before it is done (Kafka's convention: the next offset
    to read). So the commit advances only over a gapless run of finished messages, in the order in
    which they were started. Offsets that never arrive (compaction, transaction markers) are no
    gaps. Only unfinished messages are stored, each with the offset started after it, so that a
    commit costs as much as there are unfinished ones, however many are finished beyond::

        offset      7     8     9    10    11    12    13    14
        state    started done  done start. done  done  done  not read
                    ▲                 ▲
        stored      7 → 8            10 → 11
        commit      7, with metadata: finished 8-9 and 11-13

        finish(7)   stored 10 → 11           commit 10, metadata 11-13
        finish(10)  stored nothing           commit 14, no metadata

    Args:
        done: offsets that an earlier owner of the partition finished beyond its commit, as ranges
            in increasing order.
        begin: the offset at which reading starts; -1 if it is unknown.

    Attributes:
        last_ms: the timestamp of the message that was started last; -1 before the first.
    """

    __slots__ = (
        "_begin",
        "_committed",
        "_done",
        "_last",
        "_passed",
        "_times_ms",
        "_unfinished",
        "_version",
        "last_ms",
    )

    def __init__(self, done: Iterable[range] = (), begin: int = -1) -> None:
        self._unfinished: dict[int, int | None] = {}  # each with the one that was started next
        self._times_ms: dict[int, int] = {}
        self.last_ms = -1
        self._begin = self._last = -1
        self._passed = begin
        self._done = deque(one for one in done if one)
        self._version = 0
        self._committed = (begin, 0)

    def start(self, offset: int, timestamp_ms: int = -1) -> bool:
        """Enter a fetched message; offsets must increase.

        Args:
            offset: the message's.
            timestamp_ms: since when it waits to be handled, in milliseconds since the epoch; -1 if
                it does not say.

        Returns:
            Whether it is to be processed: False if an earlier owner has finished it.

        Raises:
            OffsetWentBackError: the offset is not greater than all entered before.
        """
        if offset <= self._last:
            raise OffsetWentBackError(f"offset {offset} was entered after {self._last}")
        if offset < self._passed:
            raise OffsetWentBackError(f"offset {offset} is before the position {self._passed}")
        # Link the offset before to this one, so that the finished stretch between two unfinished
        # ones is known without storing the finished offsets. If the one before is finished, the
        # stretch belongs to an earlier entry already.
        if self._last in self._unfinished:
            self._unfinished[self._last] = offset
        elif self._last < 0:
            self._begin = offset
        self._last = offset
        while self._done and self._done[0].stop <= offset:
            self._done.popleft()
        if self._done and offset in self._done[0]:
            # Not processed again, but a commit can now cover it: that is worth publishing.
            self._version += 1
            return False
        self._unfinished[offset] = None
        self._times_ms[offset] = self.last_ms = timestamp_ms
        return True

    def set_timestamp(self, offset: int, timestamp_ms: int) -> None:
        """Set since when an unfinished message waits, where that is known only after ``start``."""
        self._times_ms[offset] = timestamp_ms

    @property
    def oldest_ms(self) -> int | None:
        """The earliest timestamp of unfinished messages, in milliseconds since the epoch.

        None if there are none that say. It takes a look at each of them.
        """
        return min((one for one in self._times_ms.values() if one > 0), default=None)

    def finish(self, offset: int) -> None:
        """Mark a message as finished: its results or its dead letter are acknowledged."""
        if offset in self._unfinished:
            del self._unfinished[offset]
            del self._times_ms[offset]
            self._version += 1

    def skip_to(self, position: int) -> None:
        """Advance past offsets that hold no message, such as transaction markers.

        Args:
            position: the offset before which every readable message was started.
        """
        if position > self.next:
            self._passed = position
            # While something is unfinished the commit stays where it is: nothing to publish.
            self._version += not self._unfinished

    @property
    def next(self) -> int:
        """The next offset to read; -1 while nothing is known."""
        return max(self._passed, self._last + 1 if self._last >= 0 else -1)

    @property
    def unfinished(self) -> int:
        """How many messages were started and are not finished."""
        return len(self._unfinished)

    @property
    def has_metadata_room(self) -> bool:
        """Whether commit metadata can still describe all finished offsets if one more is started.

        Beyond that, a crash would repeat messages that were finished, so the fetcher pauses the
        partition until the first unfinished message ends.
        """
        first = self.first_unfinished
        if first is None:
            return True
        # A bitmap describes any pattern over a short span; run lengths describe a long span if it
        # has few gaps. Either is enough.
        span = self._last - first
        few = len(self._unfinished) < MAX_ENCODED_GAPS
        return span < MAX_ENCODED_SPAN or (few and span < MAX_DISTANCE)

    @property
    def position(self) -> int | None:
        """The offset to commit; None until the first message is finished."""
        first = self.first_unfinished
        if first is None:
            return self.next if self.next >= 0 else None
        # The first message is unfinished: a commit of its offset would say no more than there is.
        return first if first != self._begin else None

    @property
    def version(self) -> int:
        """A number that grows with every change that a commit would publish."""
        return self._version

    @property
    def first_unfinished(self) -> int | None:
        """The lowest offset that was started and is not finished; None if there is none."""
        return next(iter(self._unfinished), None)

    def finished_beyond(self) -> Iterator[range]:
        """Yield finished offsets beyond the first unfinished one, those of earlier owners included.

        Offsets that never arrive, between finished ones, count as finished: the ranges stay short.
        """
        # Dicts keep insertion order, and offsets were started in increasing order. ``after`` is the
        # offset started right after the last unfinished one; -1 before the first.
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

    def offset_to_commit(self) -> int | None:
        """Return the offset to commit now; None if the last commit is up to date.

        While the first message is unfinished but later ones are finished, this is the first
        unfinished offset itself: it is committed again to publish the new metadata.
        """
        offset = self.position
        if offset is None and self._version:
            offset = self.first_unfinished
        if offset is None or self._committed == (offset, self._version):
            return None
        return offset

    def mark_committed(self, offset: int, version: int) -> None:
        """Record that the broker has acknowledged a commit.

        Args:
            offset: what was committed.
            version: what ``version`` was when the commit was made.
        """
        self._committed = (offset, version)
