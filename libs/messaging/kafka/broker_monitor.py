"""Monitoring of the broker: whether it answers, and whether records arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from contracts.errors import ErrorCode
from messaging.consumer.commits import OffsetCommitter
from messaging.kafka.aiokafka_internals import get_client
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.kafka.partition_logs import fetch_log_identities
from messaging.kafka.topic_checks import build_missing_topics_error, describe_missing_topics

CHECK_INTERVAL_S: Final = 5.0
"""Pause between two checks, and how long one may take, in seconds."""

STALL_TIMEOUT_S: Final = 30.0
"""How long a partition with unread records may deliver none while it is polled, in seconds."""


class TopicPresence:
    """Checker of whether the topics that a service needs exist.

    Args:
        needed: names of all topics that are read or written, as the broker knows them.
        optional: those of them without which the service works.

    Attributes:
        missing: the optional topics that did not exist when the consumer started.
    """

    def __init__(self, needed: Collection[str], optional: Iterable[str]) -> None:
        self.needed = frozenset(needed)
        self.optional = self.needed & {*optional}
        self.missing: frozenset[str] = frozenset()
        self._deleted: frozenset[str] = frozenset()

    def update(self, existing: Collection[str]) -> str:
        """Compare with the topics that exist now.

        Returns:
            What is missing since the last look, for people; empty if nothing is.

        Raises:
            MissingTopicsError: topics were missing at two looks in a row: a broker that has just
                started may not know all of them yet.
            KafkaUnavailableError: an optional topic exists now, and is read by a new consumer.
        """
        if appeared := self.missing & {*existing}:
            raise KafkaUnavailableError(f"{', '.join(sorted(appeared))} exists now")
        deleted = self.needed - self.missing - {*existing}
        if deleted & self._deleted:
            raise build_missing_topics_error(deleted)
        self._deleted = deleted
        return describe_missing_topics(deleted) if deleted else ""


class BrokerMonitor:
    """Monitor that periodically checks the broker and the partitions' progress.

    Args:
        fetching: returns the partitions of which messages are wanted now.
        commits: gets the identities of the partitions' logs.
        topics: the topics that have to exist.

    Attributes:
        silence: the reason to report while the broker does not answer or lacks a topic; empty
            while all is well.
    """

    def __init__(
        self,
        fetching: Callable[[], set[TopicPartition]],
        commits: OffsetCommitter,
        topics: TopicPresence,
    ) -> None:
        self._topics = topics
        self._fetching = fetching
        self._commits = commits
        self._stalled_since: dict[tuple[TopicPartition, int], float] = {}
        self.silence = ""

    async def run(self, consumer: Any) -> None:
        """Check until cancelled.

        Args:
            consumer: aiokafka's consumer, which is queried.

        Raises:
            KafkaUnavailableError: a partition was stalled for ``STALL_TIMEOUT_S``, or its topic
                was recreated.
            MissingTopicsError: a topic was deleted.
        """
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            try:
                async with asyncio.timeout(CHECK_INTERVAL_S):
                    # A consumer with nothing to read raises no error when its broker is gone.
                    if missing := self._topics.update(await consumer.topics()):
                        self.silence = missing
                        continue
                    logs = await fetch_log_identities(
                        get_client(consumer), self._commits.partitions
                    )
                    behind = await self._read_lag(consumer)
            except IllegalStateError:
                continue  # a rebalance has revoked the partitions meanwhile
            except (KafkaError, TimeoutError):
                self.silence = f"{ErrorCode.KAFKA_UNAVAILABLE}: the broker does not answer"
            else:
                self.silence = ""
                if recreated := self._commits.update_log_identities(logs):
                    raise KafkaUnavailableError(f"{recreated[0].topic} was recreated")
                self.expect_progress(behind)

    async def _read_lag(self, consumer: Any) -> set[tuple[TopicPartition, int]]:
        """Return the partitions with more to read, and where each stands."""
        ends = await consumer.end_offsets(self._fetching())
        standing = {(one, await consumer.position(one)) for one in ends}
        return {(one, position) for one, position in standing if position < ends[one]}

    def expect_progress(self, behind: set[tuple[TopicPartition, int]]) -> None:
        """Raise if a partition with unread records has delivered none for too long.

        Seen once on the embedded broker after a restart. Whatever the cause, restarting from the
        committed offsets loses nothing, while waiting could last for ever.

        Args:
            behind: partitions with more to read, and where each stands.

        Raises:
            KafkaUnavailableError: a partition was stalled for ``STALL_TIMEOUT_S``.
        """
        now, wanted = time.monotonic(), self._fetching()
        # By partition and position: one that has moved on is another place, whose time begins anew.
        self._stalled_since = {
            place: self._stalled_since.get(place, now) for place in behind if place[0] in wanted
        }
        for (partition, _), since in self._stalled_since.items():
            if now - since >= STALL_TIMEOUT_S:
                name = f"{partition.topic}-{partition.partition}"
                raise KafkaUnavailableError(f"{name} has unread records, but none arrives")
