"""Watches whether the broker answers, and whether what it has arrives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from contracts.errors import ErrorCode
from messaging.consumer.commits import Commits
from messaging.kafka.aiokafka_internals import client_of
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.kafka.partition_logs import identities

LOOK_EVERY_S: Final = 5.0
"""Pause between two looks, and how long one waits for an answer, in seconds."""

STANDSTILL_S: Final = 30.0
"""How long a partition that has more may hand out nothing while it is asked, in seconds."""


class BrokerWatch:
    """Looks at the broker again and again.

    Args:
        fetching: tells the partitions of which messages are wanted now.
        commits: are told which logs the partitions have.

    Attributes:
        silence: what to tell people while the broker does not answer; empty while it does.
    """

    def __init__(self, fetching: Callable[[], set[TopicPartition]], commits: Commits) -> None:
        self._fetching = fetching
        self._commits = commits
        self._still: dict[tuple[TopicPartition, int], float] = {}
        self.silence = ""

    async def run(self, consumer: Any) -> None:
        """Watch until cancelled.

        Args:
            consumer: aiokafka's, which is asked.

        Raises:
            KafkaUnavailableError: a partition has stood still for ``STANDSTILL_S``, or its topic
                was created anew.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    # A consumer with nothing to read does not tell that its broker is gone.
                    await consumer.topics()
                    logs = await identities(client_of(consumer), self._commits.partitions)
                    behind = await self._behind(consumer)
            except IllegalStateError:
                continue  # a rebalance took the partitions away meanwhile
            except (KafkaError, TimeoutError):
                self.silence = f"{ErrorCode.KAFKA_UNAVAILABLE}: the broker does not answer"
            else:
                self.silence = ""
                if anew := self._commits.learn_logs(logs):
                    raise KafkaUnavailableError(f"{anew[0].topic} was created anew")
                self.expect_progress(behind)

    async def _behind(self, consumer: Any) -> set[tuple[TopicPartition, int]]:
        """Return the partitions with more to read, and where each stands."""
        ends = await consumer.end_offsets(self._fetching())
        standing = {(one, await consumer.position(one)) for one in ends}
        return {(one, position) for one, position in standing if position < ends[one]}

    def expect_progress(self, behind: set[tuple[TopicPartition, int]]) -> None:
        """Begin anew if the broker has messages that it, or its client, does not hand out.

        Seen once on the embedded broker after a restart. Whatever the cause, to begin again at
        what is committed loses nothing, and to wait for ever would.

        Args:
            behind: partitions with more to read, and where each stands.

        Raises:
            KafkaUnavailableError: a partition has stood still for ``STANDSTILL_S``.
        """
        now, wanted = time.monotonic(), self._fetching()
        self._still = {place: self._still.get(place, now) for place in behind if place[0] in wanted}
        for (partition, _), since in self._still.items():
            if now - since >= STANDSTILL_S:
                name = f"{partition.topic}-{partition.partition}"
                raise KafkaUnavailableError(f"{name} has more, but nothing of it arrives")
