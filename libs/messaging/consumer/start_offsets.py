"""Where work on a newly assigned partition begins: the group's commit held against the log.

A commit is an offset, and an offset means nothing in another log. Where the two do not fit, work
begins where nothing can be skipped, and an error and a metric say so::

    commit before the start of the log   records were deleted unhandled: begins at the start
    commit behind the end                the log was lost: begins at the start
    of a topic with another id           it was created anew: begins at the start
    of an epoch that ended before        that part was lost, and others were written: begins there
    of another cluster                   a tool copied the commit: the offset counts, no more
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog
from aiokafka import TopicPartition

from messaging.consumer.metrics import LOG_FAULTS
from messaging.consumer.offset_metadata import UNKNOWN_LOG, LogIdentity, decode
from messaging.kafka.partition_logs import (
    PartitionLog,
    fetch_epoch_end_offsets,
    fetch_partition_logs,
)

log = structlog.get_logger(__name__)


class LogFault(StrEnum):
    """How a log is not what the commit was about."""

    DELETED = "deleted"
    LOST = "lost"
    RECREATED = "recreated"
    TRUNCATED = "truncated"


_WHAT_TO_KNOW: Final = {
    LogFault.DELETED: "records were deleted before they were handled; raise the topic's retention",
    LogFault.LOST: "the log ends before the commit: it was lost; all that is there is handled",
    LogFault.RECREATED: "the topic was created anew; all that is there is handled",
    LogFault.TRUNCATED: "records before the commit were replaced by others; those are handled",
}


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where work on a partition begins.

    Attributes:
        offset: the first to read; None if neither a commit nor the log tells.
        finished: what lies beyond and is finished already.
        log: which log it is.
        fault: how the log does not fit the commit, if it does not.
    """

    offset: int | None = None
    finished: tuple[range, ...] = ()
    log: LogIdentity = UNKNOWN_LOG
    fault: LogFault | None = None


async def beginnings(
    client: Any, commits: Mapping[TopicPartition, Any], partitions: Collection[TopicPartition]
) -> dict[TopicPartition, Beginning]:
    """Return where to begin with each partition; log and count what does not fit.

    Args:
        client: aiokafka's client.
        commits: the group's, with their metadata.
        partitions: those newly assigned.

    Raises:
        KafkaError: a broker does not answer.
    """
    logs = await fetch_partition_logs(client, partitions)
    told = {
        one: account.log.epoch
        for one, commit in commits.items()
        if one in logs
        and (account := decode(commit.offset, commit.metadata)).log.epoch >= 0
        and account.log.epoch < logs[one].identity.epoch
    }
    ends = await fetch_epoch_end_offsets(client, told)
    found = {one: begin(commits.get(one), logs.get(one), ends.get(one)) for one in partitions}
    for partition, beginning in found.items():
        if beginning.fault is not None:
            report(
                partition,
                beginning.fault,
                logs[partition],
                committed=commits[partition].offset,
                begins_at=beginning.offset,
            )
    return found


def begin(commit: Any, found: PartitionLog | None, epoch_end: int | None) -> Beginning:
    """Decide where to begin.

    Args:
        commit: offset and metadata; None if the group has none.
        found: the log as it is; None if its leader does not tell.
        epoch_end: where the epoch that the commit was made in ended, if that was asked for.
    """
    identity = found.identity if found else UNKNOWN_LOG
    if commit is None or commit.offset < 0:
        return Beginning(found.start if found else None, log=identity)
    account = decode(commit.offset, commit.metadata)
    if found is None:
        return Beginning(commit.offset, account.finished)
    told = account.log
    foreign = bool(told.cluster and identity.cluster) and told.cluster != identity.cluster
    fault = _fault(commit.offset, found, UNKNOWN_LOG if foreign else told, epoch_end)
    if fault is None:
        return Beginning(commit.offset, () if foreign else account.finished, identity)
    if fault is LogFault.DELETED:
        return Beginning(found.start, () if foreign else account.finished, identity, fault)
    first = max(found.start, epoch_end or 0) if fault is LogFault.TRUNCATED else found.start
    return Beginning(first, (), identity, fault)


def _fault(
    offset: int, found: PartitionLog, told: LogIdentity, epoch_end: int | None
) -> LogFault | None:
    identity = found.identity
    if told.topic and identity.topic and told.topic != identity.topic:
        return LogFault.RECREATED
    if offset > found.end:
        return LogFault.LOST
    if epoch_end is not None and 0 <= epoch_end < offset and found.start < offset:
        return LogFault.TRUNCATED
    return LogFault.DELETED if offset < found.start else None


def report(
    partition: TopicPartition, fault: LogFault, found: PartitionLog, **offsets: int | None
) -> None:
    """Log and count that a log is not what was expected.

    Args:
        partition: which.
        fault: how it differs.
        found: the log as it is.
        offsets: what was expected and what follows, by name.
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
