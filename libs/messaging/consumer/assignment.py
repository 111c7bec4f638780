"""Rebalance listener: which partitions this member has, and what happens to their messages.

aiokafka revokes all partitions at each rebalance and mostly assigns the same ones again, so nothing
is given up before it is known which they are::

    revoked     commit; then no commit until it is known what is ours
    assigned    kept      processing and reading continue where they were
                gone      cancelled; the new owner starts at our commit
                new       not read until the group's commit is compared with the log (start_offsets)
                to move   drained, committed and released; then another rebalance (assignor); what
                          is new and to move at once is not read
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, Final

import structlog
from aiokafka import ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from aiokafka.errors import KafkaError

from messaging.consumer.assignor import CooperativeAssignor
from messaging.consumer.commits import OffsetCommitter
from messaging.consumer.corrupt_batches import CorruptBatchTracker
from messaging.consumer.start_offsets import StartPosition, find_start_positions
from messaging.consumer.window import InFlightWindow
from messaging.kafka.aiokafka_internals import (
    fetch_committed_offsets,
    get_network_client,
    is_group_member,
    request_rebalance,
)
from messaging.settings import KafkaSettings
from messaging.stage import Stage
from messaging.stage_metrics import StageMetrics

log = structlog.get_logger(__name__)

TAKEOVER_TIMEOUT_S: Final = 5.0
"""How long fetching commits and log states may take, in seconds."""

TAKEOVER_RETRY_S: Final = 0.5
"""Pause before fetching them again after a failure, in seconds."""

CANCEL_TIMEOUT_S: Final = 1.0
"""How long a cancelled handler is waited for, in seconds. The whole group waits meanwhile."""


MIN_REBALANCE_INTERVAL_S: Final = 0.5
"""Least time between a rebalance and one that this member requests, in seconds: a member without
its assignment by then has missed it and joins anew (KAFKA-14639); the embedded broker never answers
it at all."""


class AssignmentListener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Rebalance listener that tracks the partitions assigned to this consumer.

    Args:
        stage: its ``share`` of the partitions is kept up to date.
        kafka: how to reach the broker.
        window: the messages in flight.
        commits: the partitions' ledgers.
        drain: waits for messages of partitions that move, for a while.
        forget: called with partitions that are no longer ours.
        replica: identifies this replica among the group's members.

    Attributes:
        assignor: distributes the partitions if this member leads the group.
        corrupt: the batches that cannot be read.
        epoch: how often positions were reset; distinguishes records fetched before and after.
    """

    def __init__(  # noqa: PLR0913 - what a rebalance touches
        self,
        stage: Stage,
        kafka: KafkaSettings,
        *,
        window: InFlightWindow,
        commits: OffsetCommitter,
        drain: Callable[[Collection[TopicPartition]], Awaitable[None]],
        forget: Callable[[Iterable[TopicPartition]], None],
        replica: str = "",
    ) -> None:
        self._metrics = StageMetrics(stage.service)
        self._stage = stage
        self._kafka = kafka
        self._window = window
        self._commits = commits
        self._drain = drain
        self._forget = forget
        self._consumer: Any = None
        self._complete = asyncio.Event()
        self._mine: set[TopicPartition] = set()
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._settling: set[TopicPartition] = set()
        self._releasing: set[TopicPartition] = set()
        self._background: asyncio.Task[None] | None = None
        self.corrupt = CorruptBatchTracker()
        self.assignor = CooperativeAssignor(self._claims, replica)
        self.epoch = 0

    def follow(self, consumer: Any) -> None:
        """Attach the aiokafka consumer, before it subscribes."""
        self._consumer = consumer

    @property
    def complete(self) -> bool:
        """Whether the latest rebalance is finished, with or without partitions for this member."""
        return self._complete.is_set()

    @property
    def mine(self) -> frozenset[TopicPartition]:
        """The partitions that are this member's, as far as it knows."""
        return frozenset(self._mine)

    @property
    def withheld(self) -> set[TopicPartition]:
        """The assigned partitions that must not be read at present.

        They are not taken over yet, or about to move, or wait at a corrupt batch.
        """
        return self._settling | self._releasing | self.corrupt.paused_partitions()

    def rewind(self) -> None:
        """Seek back to the first unread offsets, as a failed poll has lost what it had fetched."""
        self.epoch += 1
        for partition in self._mine - self._settling:
            if (at := self._commits.next_offset(partition)) >= 0:
                self._consumer.seek(partition, at)

    async def wait_until_complete(self) -> None:
        """Wait until the latest rebalance is finished."""
        await self._complete.wait()

    async def close(self) -> None:
        """Cancel the background task."""
        background, self._background = self._background, None
        if background is not None:
            background.cancel()
            await asyncio.gather(background, return_exceptions=True)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit finished offsets; keep all state until it is known which partitions come back."""
        del revoked  # always all of them, whatever is assigned again
        self._complete.clear()
        self.epoch += 1
        # A message started now, of a partition that moves, would be started again by its new owner.
        self._window.suspend(self._mine)
        await self.close()
        if is_group_member(self._consumer):
            await self._commits.commit(self._consumer)
        # A commit sent during the rebalance would carry the old generation, and the broker's answer
        # (ILLEGAL_GENERATION) would make aiokafka drop the membership.
        self._commits.suspend()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Keep, give up or take over partitions after a rebalance.

        aiokafka sets the positions of all partitions anew, but not before this returns or waits.
        """
        # Between revocation and assignment, records may have been fetched at the old positions.
        self.epoch += 1
        partitions = set(assigned)
        gone = self._mine - partitions
        before, self._assigned = self._assigned, frozenset(partitions)
        gained, lost = len(self._assigned - before), len(before - self._assigned)
        self._metrics.rebalanced(gained=gained, lost=lost)
        kept = {one for one in self._mine & partitions if self._commits.next_offset(one) >= 0}
        kept -= self._settling
        self._mine = partitions
        # Those that are to move and are not kept either: of a replica that was restarted under its
        # instance id while they were to move, the group still has the old plan.
        self._releasing = partitions & self.assignor.release
        self._settling = partitions - kept - self._releasing
        for partition in kept:
            self._consumer.seek(partition, self._commits.next_offset(partition))
        if self.withheld:
            self._consumer.pause(*self.withheld)
        # Before the new ones are taken over: what was kept need not wait for the broker's answers.
        self._window.resume(partitions - self._releasing)
        self._stage.share = self._share(partitions)
        self._background = asyncio.create_task(self._settle(kept))
        await self._give_up(gone)

    async def _settle(self, kept: set[TopicPartition]) -> None:
        """Take over new partitions, and release those that are to move."""
        while True:
            try:
                async with asyncio.timeout(TAKEOVER_TIMEOUT_S):
                    commits = await fetch_committed_offsets(self._consumer, self._mine)
                    await self._take_over(commits, self._had_another_owner(kept, commits))
                break
            except (KafkaError, TimeoutError) as error:
                # New partitions stay unread until it works: a guessed offset could skip messages.
                log.warning("commits_unread", error=repr(error))
                await asyncio.sleep(TAKEOVER_RETRY_S)
        self._commits.resume()
        self._complete.set()
        if self._releasing:
            await self._release()

    def _had_another_owner(
        self, kept: Collection[TopicPartition], commits: dict[TopicPartition, OffsetAndMetadata]
    ) -> set[TopicPartition]:
        """Return partitions that another member owned while we believed that they were ours."""
        return {
            one
            for one in kept
            if one not in self._settling
            and not self._commits.is_own_commit(
                one, tuple(commits[one]) if one in commits else None
            )
        }

    async def _take_over(
        self, commits: dict[TopicPartition, OffsetAndMetadata], taken: set[TopicPartition]
    ) -> None:
        if taken:
            log.warning("had_another_owner", partitions=sorted(map(_place, taken)))
            self._settling |= taken - self._releasing
            self._consumer.pause(*taken)
            await self._give_up(taken)
            self._mine |= taken
        # A rebalance in between cancels this task, so that the answers are never applied to another
        # assignment.
        found = await find_start_positions(
            get_network_client(self._consumer), commits, self._settling
        )
        for partition, beginning in found.items():
            self._begin(partition, beginning, commits.get(partition))
        self._settling = set()

    def _begin(
        self, partition: TopicPartition, beginning: StartPosition, commit: OffsetAndMetadata | None
    ) -> None:
        known = tuple(commit) if commit is not None else None
        at = -1 if beginning.offset is None else beginning.offset
        self._commits.open_ledger(
            partition, beginning.finished, at=at, log=beginning.log, commit=known
        )
        if at >= 0:
            self._consumer.seek(partition, at)

    async def _release(self) -> None:
        """Drain and commit partitions that are to move, and request a rebalance without them."""
        going = set(self._releasing)
        clock = asyncio.get_running_loop().time
        earliest = clock() + MIN_REBALANCE_INTERVAL_S
        await self._drain(going)
        await asyncio.sleep(earliest - clock())
        await self._commits.commit(self._consumer)
        await self._give_up(going)
        request_rebalance(self._consumer)

    async def _give_up(self, partitions: set[TopicPartition]) -> None:
        # The ledgers first: messages that finish from now on are not ours to commit.
        for partition in partitions:
            self._commits.forget(partition)
        self._mine -= partitions
        self.corrupt.forget(partitions)
        self._forget(partitions)
        await self._window.cancel(partitions, CANCEL_TIMEOUT_S)

    def _claims(self) -> tuple[Collection[TopicPartition], Collection[TopicPartition]]:
        return self._mine, [one for one in self._mine if self._window.is_busy(one)]

    def _share(self, mine: Iterable[TopicPartition]) -> float:
        """Return the fraction of the stage's own partitions held, without retry topics."""
        own = {self._kafka.topic(route.topic) for route in self._stage.routes}
        everything = sum(len(self._consumer.partitions_for_topic(one) or ()) for one in own)
        return sum(one.topic in own for one in mine) / max(1, everything)


def _place(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
