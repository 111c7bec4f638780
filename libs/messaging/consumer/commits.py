"""Offset commits: each partition up to its first unfinished message.

``offsets.OffsetLedger`` tracks a partition. The commit's metadata holds what is finished beyond the
first unfinished message, so that the next owner does not repeat it, and which log the offset is
of, so that it is not applied to another log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    OffsetMetadataTooLargeError,
)

from messaging.consumer import offset_metadata
from messaging.consumer.offset_metadata import UNKNOWN_LOG, LogIdentity
from messaging.consumer.offsets import OffsetLedger

log = structlog.get_logger(__name__)

COMMIT_TIMEOUT_S: Final = 5.0
"""How long a commit waits for a broker that does not answer, in seconds."""


@dataclass(slots=True)
class _Account:
    """A partition's ledger and log identity, and the commits by which we know it is still ours."""

    ledger: OffsetLedger = field(default_factory=OffsetLedger)
    log: LogIdentity = UNKNOWN_LOG
    commits: set[int] = field(default_factory=set)
    """Hashes of the commits that the group may have: the last acknowledged one, and all that were
    sent since. An outage of a day has many, with up to 4 KiB of metadata each."""
    acknowledged: bool = False


class OffsetCommitter:
    """Committer of each partition's offset, up to the first message that is not finished.

    Args:
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts: dict[TopicPartition, _Account] = {}
        self._committing = asyncio.Lock()
        self._limit = offset_metadata.MAX_CHARACTERS
        self._held = False
        self._clock = clock
        self._complete_at = clock()

    @property
    def delay_s(self) -> float:
        """Seconds since the group last had all that could be committed."""
        return self._clock() - self._complete_at

    @property
    def partitions(self) -> set[TopicPartition]:
        """The partitions that have a ledger."""
        return set(self._accounts)

    def ledger(self, partition: TopicPartition) -> OffsetLedger:
        """Return the ledger of a partition; a new one if it has none yet."""
        return self._accounts.setdefault(partition, _Account()).ledger

    def next_offset(self, partition: TopicPartition) -> int:
        """Return the next offset to read of a partition; -1 if it is unknown."""
        account = self._accounts.get(partition)
        return -1 if account is None else account.ledger.next

    def may_read_more(self, partition: TopicPartition) -> bool:
        """Return whether commit metadata has room if more messages of a partition are started."""
        account = self._accounts.get(partition)
        return account is None or account.ledger.has_metadata_room

    def open_ledger(
        self,
        partition: TopicPartition,
        done: Iterable[range] = (),
        *,
        at: int = -1,
        log: LogIdentity = UNKNOWN_LOG,
        commit: tuple[int, str] | None = None,
    ) -> None:
        """Open a new ledger for a partition that was assigned.

        Args:
            partition: which.
            done: offsets that an earlier owner finished beyond its commit.
            at: the offset at which reading starts; -1 if it is unknown.
            log: which log the partition has.
            commit: the group's, with its metadata; None if there is none.
        """
        known = {hash(commit)} if commit else set()
        ledger = OffsetLedger(done, at)
        self._accounts[partition] = _Account(ledger, log, known, acknowledged=commit is not None)

    def skip_to(self, partition: TopicPartition, position: int) -> None:
        """Record that all messages before a position were started, if any were there.

        Args:
            partition: which.
            position: where reading goes on.
        """
        if (account := self._accounts.get(partition)) is not None:
            account.ledger.skip_to(position)

    def forget(self, partition: TopicPartition) -> None:
        """Drop the ledger of a partition that belongs to another member now."""
        self._accounts.pop(partition, None)

    def is_own_commit(self, partition: TopicPartition, commit: tuple[int, str] | None) -> bool:
        """Return whether the group's commit is our last acknowledged one, or one sent since.

        Any other commit means that another member has owned the partition meanwhile.
        """
        account = self._accounts.get(partition)
        if account is None:
            return False
        # Without any commit in the group, it is ours as long as we know of none that it had.
        return hash(commit) in account.commits if commit else not account.acknowledged

    def update_log_identities(
        self, logs: Mapping[TopicPartition, LogIdentity]
    ) -> list[TopicPartition]:
        """Record which logs the partitions have now.

        Returns:
            The partitions whose topic was recreated since their ledger was opened.
        """
        recreated = []
        for partition, account in self._accounts.items():
            if (now := logs.get(partition)) is None:
                continue
            if account.log.topic and now.topic and account.log.topic != now.topic:
                recreated.append(partition)
            else:
                account.log = now
        return recreated

    def suspend(self) -> None:
        """Commit nothing until ``resume``: a rebalance is in progress."""
        self._held = True

    def resume(self) -> None:
        """Allow commits again."""
        self._held = False

    async def commit(self, consumer: Any) -> None:
        """Commit every partition up to its first unfinished message.

        Args:
            consumer: aiokafka's consumer, whose assignment decides which partitions are ours.
        """
        # One commit at a time: an older one that is slow must not arrive last and move the group's
        # offset back.
        async with self._committing:
            while not self._held and not await self._commit_once(consumer):
                pass

    async def _commit_once(self, consumer: Any) -> bool:
        """Commit once; return False if it is to be repeated at once, with less metadata."""
        began = self._clock()
        assigned = consumer.assignment()
        # Keep the accounts themselves: a rebalance may remove them from the table while we wait.
        due = {
            partition: (account, offset, account.ledger.version)
            for partition, account in self._accounts.items()
            if partition in assigned and (offset := account.ledger.offset_to_commit()) is not None
        }
        if not due:
            self._complete_at = began
            return True
        offsets = {
            partition: OffsetAndMetadata(offset, self._metadata(account, offset))
            for partition, (account, offset, _) in due.items()
        }
        for partition, (account, *_) in due.items():
            # Without a response the broker may have stored it all the same.
            account.commits.add(hash(tuple(offsets[partition])))
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await consumer.commit(offsets)
        except OffsetMetadataTooLargeError:
            return not self._shrink_metadata()
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("commit_refused", error=repr(error))  # another member has the partitions
        except (KafkaError, TimeoutError) as error:
            log.warning("commit_failed", error=repr(error))  # the next commit covers it
        else:
            self._complete_at = began
            for partition, (account, offset, version) in due.items():
                account.ledger.mark_committed(offset, version)
                account.commits = {hash(tuple(offsets[partition]))}
                account.acknowledged = True
        return True

    def _metadata(self, account: _Account, offset: int) -> str:
        beyond = account.ledger.finished_beyond()
        return offset_metadata.encode_commit_metadata(offset, beyond, account.log, self._limit)

    def _shrink_metadata(self) -> bool:
        """Halve the metadata's size limit; return False if it was 0 already."""
        if self._limit == 0:
            return False
        if self._limit == offset_metadata.MAX_CHARACTERS:
            log.error(
                "commit_metadata_too_large",
                what="the broker accepts less commit metadata than is needed, so more messages are "
                f"repeated after a crash; set its offset.metadata.max.bytes to {self._limit}",
            )
        self._limit //= 2
        return True
