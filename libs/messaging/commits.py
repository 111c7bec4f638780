"""Commits what is finished, partition by partition, up to the first unfinished message.

``offsets.OffsetLedger`` keeps the account of a partition. What is finished beyond the first
unfinished message goes along in the commit's metadata, so that whoever owns the partition next
does not do it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import structlog
from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from messaging import offset_metadata
from messaging.offsets import OffsetLedger

log = structlog.get_logger(__name__)

COMMIT_PATIENCE_S: Final = 5.0
"""How long a commit waits for a broker that does not answer, in seconds."""


class Commits:
    """The ledgers of the partitions that are assigned, and what is committed of them."""

    def __init__(self) -> None:
        self._ledgers: dict[TopicPartition, OffsetLedger] = {}

    def ledger(self, partition: TopicPartition) -> OffsetLedger:
        """Return the account of a partition; a new one if it has none yet."""
        return self._ledgers.setdefault(partition, OffsetLedger())

    def begin(self, partition: TopicPartition, done: Iterable[int]) -> None:
        """Open a new account of a partition that was assigned.

        Args:
            partition: which.
            done: offsets that an earlier owner has finished beyond its commit.
        """
        self._ledgers[partition] = OffsetLedger(done)

    def forget(self, partition: TopicPartition) -> None:
        """Drop the account of a partition that belongs to another member now."""
        self._ledgers.pop(partition, None)

    async def commit(self, consumer: Any) -> None:
        """Commit every partition up to its first unfinished message, with what is done beyond.

        Args:
            consumer: aiokafka's, whose assignment says which partitions are ours.
        """
        assigned = consumer.assignment()
        # The ledgers are held on to: a rebalance may take their partitions away meanwhile.
        due = [
            (partition, ledger, offset, ledger.finished_beyond)
            for partition, ledger in self._ledgers.items()
            if partition in assigned and (offset := ledger.uncommitted()) is not None
        ]
        if not due:
            return
        offsets = {
            partition: OffsetAndMetadata(offset, offset_metadata.encode(offset, beyond))
            for partition, _, offset, beyond in due
        }
        try:
            async with asyncio.timeout(COMMIT_PATIENCE_S):
                await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("commit_refused", error=repr(error))  # another member has the partitions
        except (KafkaError, TimeoutError) as error:
            log.warning("commit_failed", error=repr(error))  # the next one says it again
        else:
            for _, ledger, offset, beyond in due:
                ledger.committed(offset, len(beyond))
