"""How far a stage is behind: messages that are not finished, and the age of the oldest of them.

What is in memory is known exactly, by the partitions' ledgers. Of what was not fetched yet, the
ends of the logs and the first unread record's timestamp are looked up every ``LOOK_S``::

    offset      7     8     9    10   │ 11    12   │
    state     done  start. done start.│   unread   │ end of the log
                     ▲                   ▲
                  oldest in memory    oldest unread: looked up only if nothing is in memory

A log is read in order, so an unread record is taken to be no older than those before it. Only a
partition of which nothing is in memory has its first unread record looked up, and each record once:
where reading goes on, messages are in memory; where it does not, the record stays the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from messaging.consumer.commits import OffsetCommitter
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.kafka.record_times import fetch_record_timestamp

log = structlog.get_logger(__name__)

LOOK_S: Final = 2.0
"""Pause between two looks at the ends of the logs, in seconds: one small request a broker."""

LOOK_TIMEOUT_S: Final = 5.0
"""How long one look may take, in seconds."""

_ENDS_TIMEOUT_S: Final = 1.5
"""The same of the ends alone, asked for together and then one by one."""


@dataclass(slots=True)
class _Unread:
    """What the latest look found behind a partition's position.

    Attributes:
        end: the offset that the next record gets.
        offset: of the first unread record; -1 if none was looked up.
        timestamp_ms: its timestamp, in milliseconds since the epoch.
    """

    end: int
    offset: int = -1
    timestamp_ms: int = 0


class LagMonitor:
    """Monitor of how far this member is behind in its partitions.

    Args:
        commits: the partitions' ledgers.
        clock: seconds since the epoch, as in the records' timestamps.
    """

    def __init__(self, commits: OffsetCommitter, clock: Callable[[], float] = time.time) -> None:
        self._commits = commits
        self._clock = clock
        self._unread: dict[TopicPartition, _Unread] = {}

    async def run(self, consumer: Any) -> None:
        """Look until cancelled; an outage is for others to notice.

        Args:
            consumer: aiokafka's.
        """
        while True:
            # First of all the stage fetches: after that, what is oldest is mostly in memory.
            await asyncio.sleep(LOOK_S)
            try:
                async with asyncio.timeout(LOOK_TIMEOUT_S):
                    await self.look(consumer)
            except Exception as error:  # noqa: BLE001 - whatever it is, the stage goes on
                log.info("lag_unknown", error=repr(error))

    async def look(self, consumer: Any) -> None:
        """Look up the ends of the logs, and first unread records where nothing is in memory.

        A partition about which the broker does not answer keeps what was found last.
        """
        ends = await _find_ends(consumer, [*self._commits.partitions])
        for partition, end in ends.items():
            try:
                await self._look_at(consumer, partition, end)
            except KafkaError as error:
                log.info("lag_unknown", partition=str(partition), error=repr(error))
        # Lag of partitions that others hold is shown by their holders.
        mine = self._commits.partitions
        self._unread = {one: found for one, found in self._unread.items() if one in mine}

    async def _look_at(self, consumer: Any, partition: TopicPartition, end: int) -> None:
        position = self._commits.next_offset(partition)
        found = _Unread(end)
        if position < 0 or partition not in self._commits.partitions:
            return
        before = self._unread.get(partition)
        self._unread[partition] = found
        if position >= end or self._commits.ledger(partition).unfinished:
            return
        if before is not None and before.offset == position:
            found.offset, found.timestamp_ms = before.offset, before.timestamp_ms
            return
        # Without a timestamp it counts from now on, when it is seen first; also if it cannot be
        # read in time: a batch may be large, and is asked for once.
        found.offset, found.timestamp_ms = position, round(self._clock() * 1000)
        client = get_network_client(consumer)
        at = await fetch_record_timestamp(client, partition, position)
        if at is not None and at > 0:
            found.timestamp_ms = at

    def messages(self, topic: str) -> int:
        """Return how many messages of a topic are not finished, in the partitions held.

        Args:
            topic: by the broker's name.
        """
        return sum(
            self._commits.ledger(partition).unfinished + self._count_unread(partition)
            for partition in self._partitions(topic)
        )

    def age_s(self, topic: str) -> float:
        """Return the age of a topic's oldest message that is not finished, in seconds; 0 if none.

        Args:
            topic: by the broker's name.
        """
        oldest = (self._oldest_ms(one) for one in self._partitions(topic))
        times = [one for one in oldest if one is not None]
        return max(0.0, self._clock() - min(times) / 1000) if times else 0.0

    def _partitions(self, topic: str) -> Iterator[TopicPartition]:
        mine: Iterable[TopicPartition] = self._commits.partitions
        return (one for one in mine if one.topic == topic)

    def _count_unread(self, partition: TopicPartition) -> int:
        unread = self._unread.get(partition)
        position = self._commits.next_offset(partition)
        return max(0, unread.end - position) if unread is not None and position >= 0 else 0

    def _oldest_ms(self, partition: TopicPartition) -> int | None:
        """Return the timestamp of a partition's oldest unfinished message; None without one."""
        ledger = self._commits.ledger(partition)
        if (oldest := ledger.oldest_ms) is not None:
            return oldest
        unread = self._unread.get(partition)
        if unread is None or not 0 <= ledger.next < unread.end:
            return None
        if unread.offset == ledger.next:
            return unread.timestamp_ms
        # It was read on since the look, and all of that is finished: what is unread is no older.
        return ledger.last_ms if ledger.last_ms > 0 else None


async def _find_ends(
    consumer: Any, partitions: Sequence[TopicPartition]
) -> Mapping[TopicPartition, int]:
    """Find the ends of partitions' logs; those that the broker does not return are left out."""
    try:
        async with asyncio.timeout(_ENDS_TIMEOUT_S):
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets([*partitions])
            return ends
    except (KafkaError, TimeoutError):
        # One without a leader fails them all.
        each = [_find_end(consumer, one) for one in partitions]
        found = zip(partitions, await asyncio.gather(*each), strict=True)
        return {one: end for one, end in found if end is not None}


async def _find_end(consumer: Any, partition: TopicPartition) -> int | None:
    try:
        async with asyncio.timeout(_ENDS_TIMEOUT_S):
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets([partition])
            return ends[partition]
    except (KafkaError, TimeoutError):
        return None
