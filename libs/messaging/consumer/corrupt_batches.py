"""Detection of corrupt record batches, at which their partitions wait.

The header of a batch with a wrong checksum cannot be trusted, not even for the number of messages,
so nothing is skipped or dead-lettered: its partition waits, the others continue, and an error names
the place and how to continue behind it. It is fetched again every ``RETRY_INTERVAL_S``, as another
replica may have it intact.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from weakref import proxy

import structlog
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import KafkaError

from messaging.consumer.poll_size import POLL_BUDGET
from telemetry.metrics import CORRUPT_BATCHES

log = structlog.get_logger(__name__)

RETRY_INTERVAL_S: Final = 10.0
"""Pause before a corrupt batch is fetched once more, in seconds."""


class CorruptBatchError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """Raised when a record batch cannot be parsed.

    Args:
        partition: where it is.
        offset: the first that cannot be read.
    """

    def __init__(self, partition: TopicPartition, offset: int) -> None:
        super().__init__(f"{partition.topic}-{partition.partition} at offset {offset}")
        self.partition = partition
        self.offset = offset


class CorruptionLocatingRecords(PartitionRecords):  # type: ignore[misc]  # aiokafka is untyped
    """Iterator over fetched records whose error names the offset of a corrupt batch.

    An exception would discard what the same poll has returned already, so iteration ends before the
    corrupt batch if there was any record; the next fetch starts with it. Iteration also ends when
    the poll's byte budget is used up; the rest is fetched again.
    """

    _begun = False
    _records_iterator: Any

    def _unpack_records(self) -> Iterator[Any]:
        # By a weak reference: else this object and its generator refer to each other, and what a
        # seek has discarded, up to a whole fetch, stays until the collector of cycles finds it.
        unpack: Callable[[Any], Iterator[Any]] = PartitionRecords._unpack_records  # noqa: SLF001 - ours is one
        return unpack(proxy(self))

    def __next__(self) -> Any:
        """Return the next record.

        Raises:
            CorruptBatchError: its batch cannot be read.
        """
        if POLL_BUDGET.is_enough:
            self._records_iterator = None
            raise StopIteration
        try:
            record = next(self._records_iterator)
        except StopIteration:
            self._records_iterator = None
            raise
        except Exception as error:
            if self._begun:
                raise StopIteration from error
            raise CorruptBatchError(self._tp, self.next_fetch_offset) from error
        self._begun = True
        POLL_BUDGET.hand_out(record)
        return record


def install_corrupt_batch_detection() -> None:
    """Patch aiokafka in this process, so that consumers report the offset of a corrupt batch."""
    fetcher.PartitionRecords = CorruptionLocatingRecords


class CorruptBatchTracker:
    """Tracker of corrupt batches, and of the partitions that are paused because of them.

    Args:
        now: a monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._places: dict[TopicPartition, tuple[int, float]] = {}

    @property
    def reason(self) -> str:
        """The message for people; empty if there are none."""
        if not self._places:
            return ""
        (partition, (offset, _)), *more = sorted(self._places.items())
        others = f", and {len(more)} more such places" if more else ""
        place = f"{partition.topic}-{partition.partition}"
        return (
            f"the batch at offset {offset} of {place} is corrupt{others}; recover it from another "
            "replica, or give it up with `kafka-delete-records.sh` up to the offset behind it"
        )

    def paused_partitions(self) -> set[TopicPartition]:
        """Return the partitions that are not to be fetched at present."""
        now = self._now()
        return {one for one, (_, again_at) in self._places.items() if again_at > now}

    def add(self, error: CorruptBatchError) -> None:
        """Pause a partition; log and count the place when it is new."""
        partition, offset = error.partition, error.offset
        known = self._places.get(partition)
        self._places[partition] = (offset, self._now() + RETRY_INTERVAL_S)
        if known is not None and known[0] == offset:
            return
        CORRUPT_BATCHES.labels(partition.topic).inc()
        place = f"{partition.topic}-{partition.partition}"
        cause = repr(error.__cause__)
        log.error("corrupt_batch", place=place, offset=offset, cause=cause, what=self.reason)

    def mark_passed(self, partition: TopicPartition) -> None:
        """Forget a place after records behind it were read."""
        if self._places.pop(partition, None) is not None:
            log.info("corrupt_batch_passed", place=f"{partition.topic}-{partition.partition}")

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget partitions that were assigned to another member."""
        for partition in partitions:
            self._places.pop(partition, None)
