"""Gathering of records into batches, with a queue of batches for each partition.

An idempotent producer has one batch a partition in flight, so records that arrive meanwhile are
collected in the next one::

    append ──▶ [batch 3: open] ─▶ [batch 2: full] ─▶ [batch 1: in flight] ──▶ broker
                                                              │
               callbacks of all records of batch 1 ◀──────────┘ acknowledged, or failed

A record needs no task and no future of its own that way: the broker's response to a batch is passed
to the delivery callbacks of all its records at once.
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

DeliveryCallback = Callable[[Exception | None], None]
"""Called once for a record: with None when the broker has acknowledged it, or with the error."""


class BatchBuilderProtocol(Protocol):
    """Interface of those methods of aiokafka's ``BatchBuilder`` that are used here."""

    def append(
        self, *, timestamp: None, key: bytes | None, value: bytes | None, headers: RecordHeaders
    ) -> object | None:
        """Add a record; return None if the batch is full."""

    def close(self) -> None:
        """Accept no more records."""


class RecordBatch:
    """Batch of records to send to one partition, each with its delivery callback.

    Args:
        builder: holds the records' bytes.

    Attributes:
        callbacks: one for each record, in order.
        base_offset: offset of the first record; None until the broker has acknowledged the batch,
            and if it had it from an earlier try.
    """

    __slots__ = ("base_offset", "builder", "callbacks")

    def __init__(self, builder: BatchBuilderProtocol) -> None:
        self.builder: Final = builder
        self.callbacks: list[DeliveryCallback] = []
        self.base_offset: int | None = None

    def add(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: RecordHeaders,
        callback: DeliveryCallback,
    ) -> bool:
        """Add a record if it fits, and return whether it did; the first record always fits."""
        if self.builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
            return False
        self.callbacks.append(callback)
        return True


SendBatch = Callable[[tuple[str, int], RecordBatch], Awaitable[Exception | None]]
"""Sends a batch to a topic's partition and waits for the broker's response; never raises."""


class RecordAccumulator:
    """Queues of records that wait to be sent to Kafka, one queue per partition.

    Args:
        send_batch: sends one batch; the next one of the same partition follows when it returns.
        new_batch: makes an empty batch.

    Attributes:
        unacknowledged: how many records have not been acknowledged yet.
    """

    def __init__(self, send_batch: SendBatch, new_batch: Callable[[], RecordBatch]) -> None:
        self._send_batch = send_batch
        self._new_batch = new_batch
        self._queues: dict[tuple[str, int], deque[RecordBatch]] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._abandoned: Exception | None = None
        self.unacknowledged = 0

    def append(  # noqa: PLR0913 - a record has these parts
        self,
        to: tuple[str, int],
        key: bytes | None,
        value: bytes | None,
        headers: RecordHeaders,
        callback: DeliveryCallback,
        *,
        alone: RecordBatch | None = None,
    ) -> None:
        """Queue a record for sending.

        Args:
            to: topic, by the broker's name, and partition.
            key: raw bytes or None.
            value: raw bytes or None.
            headers: in order.
            callback: called once, when the broker has the record or will not get it.
            alone: an empty batch that is to take this record and no other.
        """
        if self._abandoned is not None:
            callback(self._abandoned)
            return
        queue = self._queues.get(to)
        if queue is None:
            # A sender lives as long as its queue has batches: no tasks for idle partitions.
            queue = self._queues[to] = deque()
            sender = asyncio.create_task(self._send(to, queue))
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        if alone or not queue or not queue[-1].add(key, value, headers, callback):
            batch = alone or self._new_batch()
            batch.add(key, value, headers, callback)
            queue.append(batch)
        if alone:
            alone.builder.close()
        self.unacknowledged += 1

    async def flush(self) -> None:
        """Wait until all records appended before and meanwhile are acknowledged or failed."""
        while self._senders:
            await asyncio.wait(self._senders)

    def abandon(self, error: Exception) -> None:
        """Stop sending; fail all unacknowledged records, and all that are appended later."""
        self._abandoned = error
        for sender in self._senders:
            sender.cancel()
        queues, self._queues = self._queues, {}
        for queue in queues.values():
            for batch in queue:
                self._report(batch, error)
            queue.clear()

    async def _send(self, to: tuple[str, int], queue: deque[RecordBatch]) -> None:
        while queue:
            # The batch stays at the head until it is answered, so that ``abandon`` finds it. It is
            # closed first: a record added after sending would never reach the broker.
            batch = queue[0]
            batch.builder.close()
            error = await self._send_batch(to, batch)
            if queue:  # else it was abandoned meanwhile, and its records were reported
                queue.popleft()
                self._report(batch, error)
        self._queues.pop(to, None)

    def _report(self, batch: RecordBatch, error: Exception | None) -> None:
        self.unacknowledged -= len(batch.callbacks)
        for callback in batch.callbacks:
            try:
                callback(error)
            except Exception:
                # A callback is foreign code; the other records of the batch need their reports.
                log.exception("delivery_callback_failed")


def build_delivery_callback(future: asyncio.Future[Any]) -> DeliveryCallback:
    """Return a callback that resolves a future once a record is acknowledged or has failed."""

    def report(error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    return report
