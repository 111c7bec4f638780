"""Recovery when records were deleted from a topic before the stage has read them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from messaging.consumer.assignment import AssignmentListener
from messaging.consumer.commits import OffsetCommitter
from messaging.consumer.offsets import OffsetWentBackError
from messaging.consumer.retry_topics import RetryTopicReader
from messaging.consumer.start_offsets import LogMismatchKind, report_log_mismatch
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.kafka.partition_logs import PartitionLog, fetch_partition_logs

log = structlog.get_logger(__name__)

LOOKUP_TIMEOUT_S: Final = 5.0
"""How long fetching the state of the logs may take, in seconds."""

LOOKUP_RETRY_S: Final = 0.5
"""Pause after a failure, in seconds; the next fetch meets the same error."""


class DeletedRecordsHandler:
    """Handler for offsets that are out of range because Kafka deleted their records.

    Args:
        commits: the partitions' ledgers.
        retries: the messages of retry topics that are remembered by offset.
        assignment: decides whether a rebalance has reset the positions.
    """

    def __init__(
        self, commits: OffsetCommitter, retries: RetryTopicReader, assignment: AssignmentListener
    ) -> None:
        self._commits = commits
        self._retries = retries
        self._assignment = assignment

    async def skip_deleted(self, consumer: Any, positions: Mapping[TopicPartition, int]) -> None:
        """Seek to the start of logs whose records were deleted; log and count each.

        Args:
            consumer: aiokafka's.
            positions: where reading stands, of partitions that are not read elsewhere meanwhile.

        Raises:
            OffsetWentBackError: a log ends before the position: it is not the one that it was.
        """
        epoch = self._assignment.epoch
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                logs = await fetch_partition_logs(get_network_client(consumer), positions)
        except (KafkaError, TimeoutError) as error:
            log.warning("log_unread", error=repr(error))
            await asyncio.sleep(LOOKUP_RETRY_S)
            return
        if epoch != self._assignment.epoch:
            return
        # aiokafka may raise an error that is left from an earlier assignment.
        read = consumer.assignment() - self._assignment.withheld
        for partition in read & logs.keys():
            found = logs[partition]
            if (position := positions[partition]) > found.end:
                raise OffsetWentBackError(f"offset {position} is behind the end {found.end}")
            if position < found.start:
                self._continue_at_start(consumer, partition, found, position)

    def _continue_at_start(
        self, consumer: Any, partition: TopicPartition, found: PartitionLog, position: int
    ) -> None:
        self._commits.skip_to(partition, found.start)
        at = self._retries.drop_before(partition, found.start)
        if at is None:
            at = max(found.start, self._commits.next_offset(partition))
        report_log_mismatch(
            partition, LogMismatchKind.DELETED, found, read_to=position, begins_at=at
        )
        consumer.seek(partition, at)
