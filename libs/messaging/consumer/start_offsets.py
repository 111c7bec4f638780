"""Start offsets of newly assigned partitions: the group's commit compared with the log.

A committed offset has no meaning in another log. Where commit and log do not fit, reading starts
where nothing can be skipped, and an error is logged and counted::

    commit before the log's start        records were deleted unprocessed: start of the log
    commit behind the log's end          the log was lost: start of the log
    topic id differs                     the topic was recreated: start of the log
    leader epoch ended before commit     the log was truncated and rewritten: end of that epoch
    cluster id differs                   a tool copied the commit: its offset, without metadata
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog
from aiokafka import TopicPartition

from messaging.consumer.offset_metadata import UNKNOWN_LOG, LogIdentity, decode_commit_metadata
from messaging.kafka.partition_logs import (
    PartitionLog,
    fetch_epoch_end_offsets,
    fetch_partition_logs,
)
from telemetry.metrics import LOG_FAULTS

log = structlog.get_logger(__name__)


class LogMismatchKind(StrEnum):
    """Kind of mismatch between a committed offset and the log, such as a recreated topic."""

    DELETED = "deleted"
    LOST = "lost"
    RECREATED = "recreated"
    TRUNCATED = "truncated"


_WHAT_TO_KNOW: Final = {
    LogMismatchKind.DELETED: "records were deleted before they were processed; raise the retention",
    LogMismatchKind.LOST: "the log ends before the commit: it was lost; "
    "all its records are processed",
    LogMismatchKind.RECREATED: "the topic was recreated; all records in it are processed",
    LogMismatchKind.TRUNCATED: "records before the commit were replaced; "
    "the new ones are processed",
}


@dataclass(frozen=True, slots=True)
class StartPosition:
    """Offset at which a consumer starts to read a newly assigned partition.

    Attributes:
        offset: the first to read; None if neither a commit nor the log provides it.
        finished: offsets beyond it that are finished already.
        log: the log's identity.
        fault: how the log contradicts the commit, if it does.
    """

    offset: int | None = None
    finished: tuple[range, ...] = ()
    log: LogIdentity = UNKNOWN_LOG
    fault: LogMismatchKind | None = None


async def find_start_positions(
    client: Any, commits: Mapping[TopicPartition, Any], partitions: Collection[TopicPartition]
) -> dict[TopicPartition, StartPosition]:
    """Return the start offset of each partition; log commits that lie outside of the log.

    Args:
        client: aiokafka's client.
        commits: the group's, with their metadata.
        partitions: those newly assigned.

    Raises:
        KafkaError: a broker does not answer.
    """
    logs = await fetch_partition_logs(client, partitions)
    # Only where the leader changed since the commit can the log have been truncated (KIP-101); ask
    # then where the commit's epoch ended.
    epochs = {
        one: account.log.epoch
        for one, commit in commits.items()
        if one in logs
        and (account := decode_commit_metadata(commit.offset, commit.metadata)).log.epoch >= 0
        and account.log.epoch < logs[one].identity.epoch
    }
    ends = await fetch_epoch_end_offsets(client, epochs)
    found = {
        one: decide_start_position(commits.get(one), logs.get(one), ends.get(one))
        for one in partitions
    }
    for partition, beginning in found.items():
        if beginning.fault is not None:
            report_log_mismatch(
                partition,
                beginning.fault,
                logs[partition],
                committed=commits[partition].offset,
                begins_at=beginning.offset,
            )
    return found


def decide_start_position(
    commit: Any, found: PartitionLog | None, epoch_end: int | None
) -> StartPosition:
    """Return a partition's start offset, given its committed offset and its log.

    Args:
        commit: offset and metadata; None if the group has none.
        found: the log's state; None if its leader does not report it.
        epoch_end: end offset of the leader epoch that the commit was made in, if known.
    """
    identity = found.identity if found else UNKNOWN_LOG
    if commit is None or commit.offset < 0:
        return StartPosition(found.start if found else None, log=identity)
    account = decode_commit_metadata(commit.offset, commit.metadata)
    if found is None:
        return StartPosition(commit.offset, account.finished)
    committed_log = account.log
    clusters = {committed_log.cluster, identity.cluster} - {""}
    is_foreign = len(clusters) > 1
    fault = _mismatch(commit.offset, found, UNKNOWN_LOG if is_foreign else committed_log, epoch_end)
    if fault is None:
        return StartPosition(commit.offset, () if is_foreign else account.finished, identity)
    if fault is LogMismatchKind.DELETED:
        return StartPosition(found.start, () if is_foreign else account.finished, identity, fault)
    first = max(found.start, epoch_end or 0) if fault is LogMismatchKind.TRUNCATED else found.start
    return StartPosition(first, (), identity, fault)


def _mismatch(
    offset: int, found: PartitionLog, committed: LogIdentity, epoch_end: int | None
) -> LogMismatchKind | None:
    identity = found.identity
    if committed.topic and identity.topic and committed.topic != identity.topic:
        return LogMismatchKind.RECREATED
    if offset > found.end:
        return LogMismatchKind.LOST
    if epoch_end is not None and 0 <= epoch_end < offset and found.start < offset:
        return LogMismatchKind.TRUNCATED
    return LogMismatchKind.DELETED if offset < found.start else None


def report_log_mismatch(
    partition: TopicPartition, fault: LogMismatchKind, found: PartitionLog, **offsets: int | None
) -> None:
    """Log, and count in a metric, that a committed offset does not match a partition's log.

    Args:
        partition: which.
        fault: how it differs.
        found: the log as it is.
        offsets: further offsets for the log line, by name.
    """
    LOG_FAULTS.labels(partition.topic, fault.value).inc()
    log.error(
        "log_fault",
        fault=fault.value,
        place=f"{partition.topic}-{partition.partition}",
        log_start=found.start,
        log_end=found.end,
        what=_WHAT_TO_KNOW[fault],
        **offsets,
    )
