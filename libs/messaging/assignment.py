"""Follows the group's rebalances: which partitions are ours, and what becomes of their messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from messaging import offset_metadata
from messaging.admin import committed_offsets
from messaging.commits import Commits
from messaging.settings import KafkaSettings
from messaging.stage import Stage
from messaging.unreachable import KafkaUnavailableError
from messaging.window import Window

log = structlog.get_logger(__name__)

TAKEOVER_PATIENCE_S: Final = 5.0
"""How long a new assignment waits to learn what earlier owners have committed, in seconds."""


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """The partitions that the group has given this member.

    Args:
        stage: is told its share of the partitions.
        kafka: how to reach the broker.
        window: the messages in flight.
        commits: the partitions' accounts.
        drain_s: how long messages of a revoked partition may take to end, in seconds.
        forget: called with partitions that are no longer ours.

    Attributes:
        epoch: how many rebalances have begun; tells what was fetched before one from what after.
    """

    def __init__(  # noqa: PLR0913 - what a rebalance touches
        self,
        stage: Stage,
        kafka: KafkaSettings,
        *,
        window: Window,
        commits: Commits,
        drain_s: float,
        forget: Callable[[Iterable[TopicPartition]], None],
    ) -> None:
        self._stage = stage
        self._drain_s = drain_s
        self._kafka = kafka
        self._window = window
        self._commits = commits
        self._forget = forget
        self._consumer: Any = None
        self._complete = asyncio.Event()
        self.epoch = 0

    def follow(self, consumer: Any) -> None:
        """Follow the rebalances of an aiokafka consumer that is about to subscribe."""
        self._consumer = consumer

    @property
    def complete(self) -> bool:
        """Whether the group has given this member its share, which may be nothing."""
        return self._complete.is_set()

    async def wait_until_complete(self) -> None:
        """Wait until the group has given this member its share."""
        await self._complete.wait()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish what can be finished of the partitions that go, commit, and cancel the rest."""
        self._complete.clear()
        self.epoch += 1
        going = list(revoked)
        await self._window.drain(going, self._drain_s)
        await self._commits.commit(self._consumer)
        await self._window.cancel(going)
        for partition in going:
            self._commits.forget(partition)
        self._forget(going)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take over what earlier owners have finished beyond their commits."""
        partitions = list(assigned)
        group = self._kafka.topic(self._stage.service)
        done: dict[TopicPartition, tuple[range, ...]] = {}
        try:
            async with asyncio.timeout(TAKEOVER_PATIENCE_S):
                commits = await committed_offsets(self._kafka, group, partitions)
            for partition, (offset, metadata) in commits.items():
                done[partition] = offset_metadata.decode(offset, metadata).finished
        except (KafkaUnavailableError, KafkaError, TimeoutError) as error:
            log.warning("commits_unread", error=repr(error))  # some messages may be done again
        finally:
            for partition in partitions:
                self._commits.begin(partition, done.get(partition, ()))
            self._stage.share = self._share(partitions)
            self._complete.set()

    def _share(self, mine: Iterable[TopicPartition]) -> float:
        """Return the share of the stage's own partitions, those of its retry topics aside."""
        own = {self._kafka.topic(route.topic) for route in self._stage.routes}
        everything = sum(len(self._consumer.partitions_for_topic(one) or ()) for one in own)
        return sum(one.topic in own for one in mine) / max(1, everything)
