"""Commits what is finished, partition by partition, up to the first unfinished message.

``offsets.OffsetLedger`` keeps the account of a partition. What is finished beyond the first
unfinished message goes along in the commit's metadata, so that whoever owns the partition next
does not do it again; and which log the offset is of, so that it is not taken for one of another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
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

COMMIT_PATIENCE_S: Final = 5.0
"""How long a commit waits for a broker that does not answer, in seconds."""


@dataclass(slots=True)
class _Account:
    """A partition's ledger, its log, and the commits by which we know that it is still ours."""

    ledger: OffsetLedger = field(default_factory=OffsetLedger)
    log: LogIdentity = UNKNOWN_LOG
    commits: set[int] = field(default_factory=set)
    """Hashes of the commits that the group may have: the last acknowledged one, and all that were
    sent since. An outage of a day has many, with up to 4 KiB of metadata each."""
    acknowledged: bool = False


class Commits:
    """The accounts of the partitions that are assigned, and what is committed of them."""

    def __init__(self) -> None:
        self._accounts: dict[TopicPartition, _Account] = {}
        self._committing = asyncio.Lock()
        self._limit = offset_metadata.LIMIT
        self._held = False

    @property
    def partitions(self) -> set[TopicPartition]:
        """The partitions that have an account."""
        return set(self._accounts)

    def ledger(self, partition: TopicPartition) -> OffsetLedger:
        """Return the account of a partition; a new one if it has none yet."""
        return self._accounts.setdefault(partition, _Account()).ledger

    def next_of(self, partition: TopicPartition) -> int:
        """Return the offset to go on reading a partition from; -1 if nothing is known of it."""
        account = self._accounts.get(partition)
        return -1 if account is None else account.ledger.next

    def may_read_on(self, partition: TopicPartition) -> bool:
        """Whether what is finished of a partition can still be told if more of it is started."""
        account = self._accounts.get(partition)
        return account is None or account.ledger.takes_more

    def begin(
        self,
        partition: TopicPartition,
        done: Iterable[range] = (),
        *,
        at: int = -1,
        log: LogIdentity = UNKNOWN_LOG,
        commit: tuple[int, str] | None = None,
    ) -> None:
        """Open a new account of a partition that was assigned.

        Args:
            partition: which.
            done: what an earlier owner has finished beyond its commit.
            at: the offset that reading begins at; -1 if it is not known.
            log: which log the partition has.
            commit: the group's, with its metadata; None if there is none.
        """
        known = {hash(commit)} if commit else set()
        ledger = OffsetLedger(done, at)
        self._accounts[partition] = _Account(ledger, log, known, acknowledged=commit is not None)

    def pass_over(self, partition: TopicPartition, position: int) -> None:
        """Note that all there is before a position has been started, if anything is there.

        Args:
            partition: which.
            position: where reading goes on.
        """
        if (account := self._accounts.get(partition)) is not None:
            account.ledger.pass_over(position)

    def forget(self, partition: TopicPartition) -> None:
        """Drop the account of a partition that belongs to another member now."""
        self._accounts.pop(partition, None)

    def is_ours(self, partition: TopicPartition, commit: tuple[int, str] | None) -> bool:
        """Whether the group's commit is the last acknowledged one, or one sent since.

        Another one would tell that another member has had the partition meanwhile.
        """
        account = self._accounts.get(partition)
        if account is None:
            return False
        return hash(commit) in account.commits if commit else not account.acknowledged

    def learn_logs(self, logs: Mapping[TopicPartition, LogIdentity]) -> list[TopicPartition]:
        """Note which logs partitions have now.

        Returns:
            Those whose topic was created anew since their account was opened.
        """
        anew = []
        for partition, account in self._accounts.items():
            if (now := logs.get(partition)) is None:
                continue
            if account.log.topic and now.topic and account.log.topic != now.topic:
                anew.append(partition)
            else:
                account.log = now
        return anew

    def hold(self) -> None:
        """Commit nothing until ``release``: the group is being balanced anew."""
        self._held = True

    def release(self) -> None:
        """Commit again."""
        self._held = False

    async def commit(self, consumer: Any) -> None:
        """Commit every partition up to its first unfinished message, with what is done beyond.

        Args:
            consumer: aiokafka's, whose assignment says which partitions are ours.
        """
        async with self._committing:
            while not self._held and not await self._commit_once(consumer):
                pass

    async def _commit_once(self, consumer: Any) -> bool:
        """Return False if it is to be tried again at once, with less metadata."""
        assigned = consumer.assignment()
        # The accounts are held on to: a rebalance may take their partitions away meanwhile.
        due = {
            partition: (account, offset, account.ledger.news)
            for partition, account in self._accounts.items()
            if partition in assigned and (offset := account.ledger.uncommitted()) is not None
        }
        if not due:
            return True
        offsets = {
            partition: OffsetAndMetadata(offset, self._metadata(account, offset))
            for partition, (account, offset, _) in due.items()
        }
        for partition, (account, *_) in due.items():
            # Should no answer come, the broker may have taken it all the same.
            account.commits.add(hash(tuple(offsets[partition])))
        try:
            async with asyncio.timeout(COMMIT_PATIENCE_S):
                await consumer.commit(offsets)
        except OffsetMetadataTooLargeError:
            return not self._tell_less()
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("commit_refused", error=repr(error))  # another member has the partitions
        except (KafkaError, TimeoutError) as error:
            log.warning("commit_failed", error=repr(error))  # the next one says it again
        else:
            for partition, (account, offset, news) in due.items():
                account.ledger.committed(offset, news)
                account.commits = {hash(tuple(offsets[partition]))}
                account.acknowledged = True
        return True

    def _metadata(self, account: _Account, offset: int) -> str:
        beyond = account.ledger.finished_beyond()
        return offset_metadata.encode(offset, beyond, account.log, self._limit)

    def _tell_less(self) -> bool:
        """Halve the metadata; False if there was none."""
        if self._limit == 0:
            return False
        if self._limit == offset_metadata.LIMIT:
            log.error(
                "commit_metadata_too_large",
                what="the broker takes less commit metadata than we have to tell, so more is done "
                f"again after a crash; set its offset.metadata.max.bytes to {self._limit}",
            )
        self._limit //= 2
        return True
