"""Goes on behind records that a topic deleted while a stage had yet to read them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from messaging.consumer.assignment import Assignment
from messaging.consumer.commits import Commits
from messaging.consumer.offsets import LogMovedError
from messaging.consumer.retry_topics import Retries
from messaging.consumer.start_offsets import LogFault, report
from messaging.kafka.aiokafka_internals import get_client
from messaging.kafka.partition_logs import PartitionLog, fetch_partition_logs

log = structlog.get_logger(__name__)

LOOK_PATIENCE_S: Final = 5.0
"""How long one look at the logs may take, in seconds."""

LOOK_PAUSE_S: Final = 0.5
"""Pause after a look that failed, in seconds; the next fetch meets the same error."""


class DeletedRecords:
    """What to do about positions that are not in their logs.

    Args:
        commits: the accounts of the partitions.
        retries: what is remembered of retry topics.
        assignment: tells whether a rebalance has moved the positions.
    """

    def __init__(self, commits: Commits, retries: Retries, assignment: Assignment) -> None:
        self._commits = commits
        self._retries = retries
        self._assignment = assignment

    async def pass_over(self, consumer: Any, positions: Mapping[TopicPartition, int]) -> None:
        """Read on at the start of logs whose records were deleted; log and count each.

        Args:
            consumer: aiokafka's.
            positions: where reading stands, of partitions that are not read elsewhere meanwhile.

        Raises:
            LogMovedError: a log ends before the position: it is not the one that it was.
        """
        epoch = self._assignment.epoch
        try:
            async with asyncio.timeout(LOOK_PATIENCE_S):
                logs = await fetch_partition_logs(get_client(consumer), positions)
        except (KafkaError, TimeoutError) as error:
            log.warning("log_unread", error=repr(error))
            await asyncio.sleep(LOOK_PAUSE_S)
            return
        if epoch != self._assignment.epoch:
            return
        # An error may be left from an assignment that is over.
        read = consumer.assignment() - self._assignment.withheld
        for partition in read & logs.keys():
            found = logs[partition]
            if (position := positions[partition]) > found.end:
                raise LogMovedError(f"offset {position} is behind the end {found.end}")
            if position < found.start:
                self._go_on(consumer, partition, found, position)

    def _go_on(
        self, consumer: Any, partition: TopicPartition, found: PartitionLog, position: int
    ) -> None:
        self._commits.pass_over(partition, found.start)
        at = self._retries.forget_before(partition, found.start)
        if at is None:
            at = max(found.start, self._commits.next_of(partition))
        report(partition, LogFault.DELETED, found, read_to=position, begins_at=at)
        consumer.seek(partition, at)
