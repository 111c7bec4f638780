"""Monitoring of the broker: whether it answers, and whether records arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from contracts.errors import ErrorCode
from messaging.consumer.commits import OffsetCommitter
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.kafka.partition_logs import fetch_log_identities
from messaging.kafka.topic_checks import build_missing_topics_error, describe_missing_topics

CHECK_INTERVAL_S: Final = 5.0
"""Pause between two checks, and how long one may take, in seconds."""

STALL_TIMEOUT_S: Final = 30.0
"""How long a partition with unread records may deliver none while it is polled, in seconds."""

MAX_STALL_TIMEOUT_S: Final = 300.0
"""How long it may deliver none at most, where a single fetch takes long, in seconds."""

REQUEST_MARGIN_S: Final = 10.0
"""How much longer than that the client waits for the answer to a request, in seconds."""


class DoublingStallTimeout:
    """Timeout for a stalled partition, then its client is replaced; doubles each time.

    Where a fetch takes longer than ``STALL_TIMEOUT_S`` (a slow link, a busy machine, large
    records), each new client would be replaced before its first record arrives. So the time
    doubles with each replacement in a row, up to ``MAX_STALL_TIMEOUT_S``, until records arrive.

    Attributes:
        timeout_s: how long a partition may be stalled now, in seconds.
    """

    def __init__(self) -> None:
        self.timeout_s = STALL_TIMEOUT_S

    def extend(self) -> None:
        """Double the time, as a client is replaced."""
        self.timeout_s = min(2 * self.timeout_s, MAX_STALL_TIMEOUT_S)

    def reset(self, waited_s: float) -> None:
        """Reset the time, as a record has arrived; to twice what it was waited for, if longer."""
        self.timeout_s = min(max(STALL_TIMEOUT_S, 2 * waited_s), MAX_STALL_TIMEOUT_S)


class TopicExistenceChecker:
    """Checker that asks the broker whether the topics that a service needs exist.

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
    """Monitor that checks at intervals whether the broker answers and partitions progress.

    Args:
        fetching: returns the partitions of which messages are wanted now.
        commits: gets the identities of the partitions' logs.
        topics: the topics that have to exist.
        patience: how long a partition may be stalled.
        clock: returns the time in seconds, by any clock that does not go back.

    Attributes:
        silence: the reason to report while the broker does not answer or lacks a topic; empty
            while all is well.
    """

    def __init__(
        self,
        fetching: Callable[[], set[TopicPartition]],
        commits: OffsetCommitter,
        topics: TopicExistenceChecker,
        patience: DoublingStallTimeout,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topics = topics
        self._fetching = fetching
        self._commits = commits
        self._patience = patience
        self._clock = clock
        self._positions: dict[TopicPartition, tuple[int, float]] = {}
        self._stalled_since: dict[tuple[TopicPartition, int], float] = {}
        self.silence = ""

    async def run(self, consumer: Any) -> None:
        """Check until cancelled.

        Args:
            consumer: aiokafka's consumer, which is queried.

        Raises:
            KafkaUnavailableError: a partition was stalled for too long, or its topic was recreated.
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
                        get_network_client(consumer), self._commits.partitions
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
        self.update_positions(dict(standing))
        return {(one, position) for one, position in standing if position < ends[one]}

    def update_positions(self, positions: Mapping[TopicPartition, int]) -> None:
        """Compare with the positions at the last look; where one moved on, records arrived.

        Args:
            positions: offset of the next record, by partition.
        """
        now, moved = self._clock(), list[float]()
        for partition, position in positions.items():
            before, since = self._positions.get(partition, (position, now))
            if position > before:
                moved.append(now - since)
            if position != before or partition not in self._positions:
                self._positions[partition] = (position, now)
        if moved:
            self._patience.reset(max(moved))

    def expect_progress(self, behind: set[tuple[TopicPartition, int]]) -> None:
        """Raise if a partition with unread records has delivered none for too long.

        Seen once on the embedded broker after a restart. Whatever the cause, restarting from the
        committed offsets loses nothing, while waiting could last for ever.

        Args:
            behind: partitions with more to read, and where each stands.

        Raises:
            KafkaUnavailableError: a partition was stalled for too long.
        """
        now, wanted = self._clock(), self._fetching()
        # By partition and position: one that has moved on is another place, whose time begins anew.
        self._stalled_since = {
            place: self._stalled_since.get(place, now) for place in behind if place[0] in wanted
        }
        for (partition, _), since in self._stalled_since.items():
            if now - since >= (waited_s := self._patience.timeout_s):
                self._patience.extend()
                name = f"{partition.topic}-{partition.partition}"
                raise KafkaUnavailableError(
                    f"{name} has unread records, but none arrives within {waited_s:g} s"
                )
