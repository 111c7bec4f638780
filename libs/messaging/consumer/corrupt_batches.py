"""Names batches that cannot be read, and keeps their partitions waiting at them.

A batch with a wrong checksum cannot be trusted to say how many messages it holds, so none of it is
skipped or set aside: its partition waits, the others go on, and people are told the place and how
to go on behind it. It is looked at again from time to time: another replica may have it whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError

from messaging.consumer.metrics import CORRUPT_BATCHES
from messaging.consumer.poll_size import POLL

log = structlog.get_logger(__name__)

LOOK_AGAIN_S: Final = 10.0
"""Pause before a corrupt batch is fetched once more, in seconds."""


class CorruptBatchError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """A batch cannot be read.

    Args:
        partition: where it is.
        offset: the first that cannot be read.
    """

    def __init__(self, partition: TopicPartition, offset: int) -> None:
        super().__init__(f"{partition.topic}-{partition.partition} at offset {offset}")
        self.partition = partition
        self.offset = offset


class PlacedRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka is untyped
    """aiokafka's records of one partition; an error that ends them tells where it happened.

    An error drops what the same poll has got already, so they end before it if there was anything;
    what is fetched next begins with the batch that cannot be read. They also end, and are fetched
    again from there, once a poll has enough bytes.
    """

    _begun = False

    def __next__(self) -> Any:
        """Return the next record.

        Raises:
            CorruptBatchError: its batch cannot be read.
        """
        if POLL.is_enough:
            # Its iterator refers back to it: the batch would stay until cycles are collected.
            self._records_iterator = None
            raise StopIteration
        try:
            record = super().__next__()
        except StopIteration:
            raise
        except Exception as error:
            if self._begun:
                raise StopIteration from error
            raise CorruptBatchError(self._tp, self.next_fetch_offset) from error
        self._begun = True
        POLL.hand_out(record)
        return record


def install() -> None:
    """Have this process's aiokafka consumers tell where a batch cannot be read."""
    fetcher.PartitionRecords = PlacedRecords


class CorruptBatches:
    """The places at which partitions wait.

    Args:
        now: a monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._places: dict[TopicPartition, tuple[int, float]] = {}

    @property
    def reason(self) -> str:
        """What to tell people; empty if there is none."""
        if not self._places:
            return ""
        (partition, (offset, _)), *more = sorted(self._places.items())
        others = f", and {len(more)} more such places" if more else ""
        place = f"{partition.topic}-{partition.partition}"
        return (
            f"the batch at offset {offset} of {place} is corrupt{others}; recover it from another "
            "replica, or give it up with `kafka-delete-records.sh` up to the offset behind it"
        )

    def waiting(self) -> set[TopicPartition]:
        """Return the partitions that are not to be fetched from now."""
        now = self._now()
        return {one for one, (_, again_at) in self._places.items() if again_at > now}

    def note(self, error: CorruptBatchError) -> None:
        """Have a partition wait; log and count the place when it is new."""
        partition, offset = error.partition, error.offset
        known = self._places.get(partition)
        self._places[partition] = (offset, self._now() + LOOK_AGAIN_S)
        if known is not None and known[0] == offset:
            return
        CORRUPT_BATCHES.labels(partition.topic).inc()
        place = f"{partition.topic}-{partition.partition}"
        cause = repr(error.__cause__)
        log.error("corrupt_batch", place=place, offset=offset, cause=cause, what=self.reason)

    def passed(self, partition: TopicPartition) -> None:
        """Note that something behind such a place was read."""
        if self._places.pop(partition, None) is not None:
            log.info("corrupt_batch_passed", place=f"{partition.topic}-{partition.partition}")

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget partitions that went to another member."""
        for partition in partitions:
            self._places.pop(partition, None)
