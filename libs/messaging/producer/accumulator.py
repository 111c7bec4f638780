"""Gathers records into batches, one line a partition, and tells of each when the broker has it.

An idempotent producer has one batch a partition on its way, so whatever comes meanwhile travels
together in the next one. A record costs no task and no future of its own that way, and the
broker's answer to a batch is told to all of its records at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import structlog

log = structlog.get_logger(__name__)

RecordHeaders = list[tuple[str, bytes]]
"""Headers in order, as aiokafka takes them."""

Acknowledged = Callable[[Exception | None], None]
"""Told that the broker has what was sent, or why not."""


class Builder(Protocol):
    """aiokafka's ``BatchBuilder``, as far as it is used here."""

    def append(
        self, *, timestamp: None, key: bytes | None, value: bytes | None, headers: RecordHeaders
    ) -> object | None:
        """Add a record; None if the batch is full."""

    def close(self) -> None:
        """Take no more records."""


class Batch:
    """Records that travel together to one partition.

    Args:
        builder: holds the records' bytes.
    """

    __slots__ = ("builder", "told")

    def __init__(self, builder: Builder) -> None:
        self.builder: Final = builder
        self.told: list[Acknowledged] = []

    def add(
        self, key: bytes | None, value: bytes | None, headers: RecordHeaders, told: Acknowledged
    ) -> bool:
        """Whether the record had room; the first one always has."""
        if self.builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
            return False
        self.told.append(told)
        return True


Submit = Callable[[tuple[str, int], Batch], Awaitable[Exception | None]]
"""Sends a batch to a topic's partition, waits for the broker's answer, and never raises."""


class Outbox:
    """What is to be sent, in order for each partition.

    Args:
        submit: sends one batch; the next of the same partition follows when it returns.
        new_batch: makes an empty batch.
    """

    def __init__(self, submit: Submit, new_batch: Callable[[], Batch]) -> None:
        self._submit = submit
        self._new_batch = new_batch
        self._lines: dict[tuple[str, int], deque[Batch]] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._gave_up: Exception | None = None
        self.owed = 0

    def put(  # noqa: PLR0913 - a record has these parts
        self,
        to: tuple[str, int],
        key: bytes | None,
        value: bytes | None,
        headers: RecordHeaders,
        told: Acknowledged,
        *,
        alone: Batch | None = None,
    ) -> None:
        """Have a record sent.

        Args:
            to: topic, by the broker's name, and partition.
            key: raw bytes or None.
            value: raw bytes or None.
            headers: in order.
            told: called once, when the broker has the record or will not get it.
            alone: an empty batch that is to take this record and no other.
        """
        if self._gave_up is not None:
            told(self._gave_up)
            return
        line = self._lines.get(to)
        if line is None:
            line = self._lines[to] = deque()
            sender = asyncio.create_task(self._send(to, line))
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        if alone or not line or not line[-1].add(key, value, headers, told):
            batch = alone or self._new_batch()
            batch.add(key, value, headers, told)
            line.append(batch)
        if alone:
            alone.builder.close()
        self.owed += 1

    async def flush(self) -> None:
        """Wait until everything put so far, and since, is answered."""
        while self._senders:
            await asyncio.wait(self._senders)

    def abandon(self, error: Exception) -> None:
        """Send no more, and tell everybody whose record is not acknowledged, or comes later."""
        self._gave_up = error
        for sender in self._senders:
            sender.cancel()
        lines, self._lines = self._lines, {}
        for line in lines.values():
            for batch in line:
                self._tell(batch, error)
            line.clear()

    async def _send(self, to: tuple[str, int], line: deque[Batch]) -> None:
        while line:
            batch = line[0]
            batch.builder.close()
            error = await self._submit(to, batch)
            if line:  # else it was abandoned meanwhile
                line.popleft()
                self._tell(batch, error)
        self._lines.pop(to, None)

    def _tell(self, batch: Batch, error: Exception | None) -> None:
        self.owed -= len(batch.told)
        for told in batch.told:
            try:
                told(error)
            except Exception:
                # Whoever is told comes from elsewhere; the other records have to be told as well.
                log.exception("untold")


def told_of(future: asyncio.Future[Any]) -> Acknowledged:
    """What fulfils a future; one that nobody waits for any more stays as it is."""

    def tell(error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    return tell
