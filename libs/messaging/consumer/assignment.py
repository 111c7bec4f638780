"""Follows the group's rebalances: which partitions are ours, and what becomes of their messages.

aiokafka takes all partitions away at each rebalance and mostly gives the same ones back, so nothing
is given up before it is known which they are::

    revoked     commit; then no commit until it is known what is ours
    assigned    kept      work and reading go on where they were
                gone      cancelled; whoever has them now begins at our commit
                new       not read until the group's commit is held against the log (takeover.py)
                to move   drained, committed and released; then the group is balanced once more
                          (handover.py)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

import structlog
from aiokafka import ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from aiokafka.errors import KafkaError

from messaging.consumer.assignor import HandoverAssignor
from messaging.consumer.commits import Commits
from messaging.consumer.corrupt_batches import CorruptBatches
from messaging.consumer.start_offsets import Beginning, beginnings
from messaging.consumer.window import Window
from messaging.kafka.aiokafka_internals import (
    fetch_committed_offsets,
    get_client,
    is_member,
    request_rebalance,
)
from messaging.settings import KafkaSettings
from messaging.stage import Stage

log = structlog.get_logger(__name__)

TAKEOVER_PATIENCE_S: Final = 5.0
"""How long one look at commits and logs may take, in seconds."""

TAKEOVER_PAUSE_S: Final = 0.5
"""Pause before the next look after one that failed, in seconds."""

GIVE_UP_S: Final = 1.0
"""How long a cancelled handler is waited for, in seconds. The group waits for us meanwhile."""


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """The partitions that the group has given this member.

    Args:
        stage: is told its share of the partitions.
        kafka: how to reach the broker.
        window: the messages in flight.
        commits: the partitions' accounts.
        drain_s: tells how long messages of a partition that moves may take to end, in seconds.
        forget: called with partitions that are no longer ours.

    Attributes:
        assignor: shares the partitions if this member leads the group.
        corrupt: the batches that cannot be read.
        epoch: how often positions were set anew; tells what was fetched before from what after.
    """

    def __init__(  # noqa: PLR0913 - what a rebalance touches
        self,
        stage: Stage,
        kafka: KafkaSettings,
        *,
        window: Window,
        commits: Commits,
        drain_s: Callable[[], float],
        forget: Callable[[Iterable[TopicPartition]], None],
    ) -> None:
        self._stage = stage
        self._kafka = kafka
        self._window = window
        self._commits = commits
        self._drain_s = drain_s
        self._forget = forget
        self._consumer: Any = None
        self._complete = asyncio.Event()
        self._mine: set[TopicPartition] = set()
        self._settling: set[TopicPartition] = set()
        self._releasing: set[TopicPartition] = set()
        self._background: asyncio.Task[None] | None = None
        self.corrupt = CorruptBatches()
        self.assignor = HandoverAssignor(self._claims)
        self.epoch = 0

    def follow(self, consumer: Any) -> None:
        """Follow the rebalances of an aiokafka consumer that is about to subscribe."""
        self._consumer = consumer

    @property
    def complete(self) -> bool:
        """Whether the group has given this member its share, which may be nothing."""
        return self._complete.is_set()

    @property
    def withheld(self) -> set[TopicPartition]:
        """The assigned partitions that are not to be read now.

        They are not taken over yet, or about to go, or stand at a batch that cannot be read.
        """
        return self._settling | self._releasing | self.corrupt.waiting()

    def begin_reading_anew(self) -> None:
        """Go back to what was not taken in: what a failed poll had fetched is lost."""
        self.epoch += 1
        for partition in self._mine - self._settling:
            if (at := self._commits.next_of(partition)) >= 0:
                self._consumer.seek(partition, at)

    async def wait_until_complete(self) -> None:
        """Wait until the group has given this member its share."""
        await self._complete.wait()

    async def close(self) -> None:
        """Stop what goes on in the background."""
        background, self._background = self._background, None
        if background is not None:
            background.cancel()
            await asyncio.gather(background, return_exceptions=True)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit what is finished; nothing is given up before it is known what comes back."""
        del revoked  # all of them, whatever is given back
        self._complete.clear()
        self.epoch += 1
        # What is begun now of a partition that goes would be begun again by whoever gets it.
        self._window.suspend(self._mine)
        await self.close()
        if is_member(self._consumer):
            await self._commits.commit(self._consumer)
        # A commit on its way while the group agrees would be one of a generation that is over,
        # and would cost us the membership.
        self._commits.hold()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Go on with what was kept, give up what is gone, and take over what is new.

        aiokafka sets the positions of all partitions anew, but not before this returns or waits.
        """
        # Between the revocation and now, messages may have been looked for at the old positions.
        self.epoch += 1
        partitions = set(assigned)
        gone = self._mine - partitions
        kept = {one for one in self._mine & partitions if self._commits.next_of(one) >= 0}
        kept -= self._settling
        self._mine = partitions
        self._settling = partitions - kept
        self._releasing = kept & self.assignor.release
        for partition in kept:
            self._consumer.seek(partition, self._commits.next_of(partition))
        if self.withheld:
            self._consumer.pause(*self.withheld)
        self._window.go_on(partitions - self._releasing)
        self._stage.share = self._share(partitions)
        self._background = asyncio.create_task(self._settle(kept))
        await self._give_up(gone)

    async def _settle(self, kept: set[TopicPartition]) -> None:
        """Take over what is new, and release what is to move."""
        while True:
            try:
                async with asyncio.timeout(TAKEOVER_PATIENCE_S):
                    commits = await fetch_committed_offsets(self._consumer, self._mine)
                    await self._take_over(commits, self._taken_from_us(kept, commits))
                break
            except (KafkaError, TimeoutError) as error:
                log.warning("commits_unread", error=repr(error))  # nothing new is read until then
                await asyncio.sleep(TAKEOVER_PAUSE_S)
        self._commits.release()
        self._complete.set()
        if self._releasing:
            await self._release()

    def _taken_from_us(
        self, kept: Collection[TopicPartition], commits: dict[TopicPartition, OffsetAndMetadata]
    ) -> set[TopicPartition]:
        """Return partitions that somebody else has had while we believed that they were ours."""
        return {
            one
            for one in kept
            if one not in self._settling
            and not self._commits.is_ours(one, tuple(commits[one]) if one in commits else None)
        }

    async def _take_over(
        self, commits: dict[TopicPartition, OffsetAndMetadata], taken: set[TopicPartition]
    ) -> None:
        if taken:
            log.warning("had_another_owner", partitions=sorted(map(_place, taken)))
            self._settling |= taken
            self._releasing -= taken
            self._consumer.pause(*taken)
            await self._give_up(taken)
            self._mine |= taken
        found = await beginnings(get_client(self._consumer), commits, self._settling)
        for partition, beginning in found.items():
            self._begin(partition, beginning, commits.get(partition))
        self._settling = set()

    def _begin(
        self, partition: TopicPartition, beginning: Beginning, commit: OffsetAndMetadata | None
    ) -> None:
        told = tuple(commit) if commit is not None else None
        at = -1 if beginning.offset is None else beginning.offset
        self._commits.begin(partition, beginning.finished, at=at, log=beginning.log, commit=told)
        if at >= 0:
            self._consumer.seek(partition, at)

    async def _release(self) -> None:
        """Let messages end, commit, and have the group balanced again without these partitions."""
        going = set(self._releasing)
        await self._window.drain(going, self._drain_s())
        await self._commits.commit(self._consumer)
        await self._give_up(going)
        request_rebalance(self._consumer)

    async def _give_up(self, partitions: set[TopicPartition]) -> None:
        # The accounts first: whatever ends from now on is not ours to commit.
        for partition in partitions:
            self._commits.forget(partition)
        self._mine -= partitions
        self.corrupt.forget(partitions)
        self._forget(partitions)
        await self._window.cancel(partitions, GIVE_UP_S)

    def _claims(self) -> tuple[Collection[TopicPartition], Collection[TopicPartition]]:
        return self._mine, [one for one in self._mine if self._window.is_busy(one)]

    def _share(self, mine: Iterable[TopicPartition]) -> float:
        """Return the share of the stage's own partitions, those of its retry topics aside."""
        own = {self._kafka.topic(route.topic) for route in self._stage.routes}
        everything = sum(len(self._consumer.partitions_for_topic(one) or ()) for one in own)
        return sum(one.topic in own for one in mine) / max(1, everything)


def _place(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
