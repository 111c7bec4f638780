"""Decides where each consumer group goes on after a restoration, and counts what is lost; pure.

A committed offset has no meaning in another log, and none where the records behind it are deleted::

    the same log, still there          the backup's offset, with what was finished beyond it
    deleted by retention since         the same; what was deleted unfinished is lost, and counted
    the topic was made anew            the start of the new log; what was unfinished is lost
    the log ends before the offset     likewise
    a partition the backup lacks       the start of its log: it is new, and all of it is unread
    a topic that is missing            nothing can be set: it has to be made first
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from backup.manifest import GroupPosition, LogOfPartition
from contracts.topics import CONTROL, INGESTION, PERSISTENCE, PIPELINE
from messaging.consumer.offset_metadata import decode_commit_metadata

SET_BACK: Final = (INGESTION, PERSISTENCE, CONTROL)
"""Services whose groups are set back, as what they did is in PostgreSQL. The others' results are in
Kafka alone: asking models again would be paid again."""

SERVICES: Final = (*PIPELINE, CONTROL)


class LogChange(StrEnum):
    """How a partition's log differs from the one that a backup was made of."""

    SAME = "same"
    DELETED = "deleted"
    REPLACED = "replaced"
    ADDED = "added"
    MISSING = "missing"


NO_LOG: Final = LogOfPartition()


@dataclass(frozen=True, slots=True)
class PresentLog:
    """A partition's log as it is now."""

    start: int
    end: int
    log: LogOfPartition = NO_LOG


@dataclass(frozen=True, slots=True)
class PlannedPosition:
    """Where a group goes on in a partition after a restoration.

    Attributes:
        service: whose group.
        topic: without prefix.
        partition: its number.
        change: how its log differs from the backup's.
        offset: what is committed; None: what the group has is left as it is.
        metadata: of that commit.
        lost: records that the group had not finished and that are gone.
        again: records that are read once more, or for the first time.
    """

    service: str
    topic: str
    partition: int
    change: LogChange
    offset: int | None
    metadata: str = ""
    lost: int = 0
    again: int = 0


@dataclass(frozen=True, slots=True)
class PositionPlan:
    """Plan for all groups: what is committed, and what is lost."""

    positions: tuple[PlannedPosition, ...] = field(default_factory=tuple)

    @property
    def missing(self) -> tuple[str, ...]:
        """Topics that have to be made first, without prefix."""
        return tuple(
            sorted({one.topic for one in self.positions if one.change is LogChange.MISSING})
        )

    @property
    def lost(self) -> int:
        """Unfinished records that are gone."""
        return sum(one.lost for one in self.positions)

    @property
    def again(self) -> int:
        """Records that are read once more, or for the first time."""
        return sum(one.again for one in self.positions)

    @property
    def has_losses(self) -> bool:
        """Whether anything is lost, or may be, as a log is gone that had more later."""
        return any(one.lost or one.change is LogChange.REPLACED for one in self.positions)

    def describe_losses(self) -> list[str]:
        """Return a line for each service and topic of which something is lost."""
        lost: dict[tuple[str, str, LogChange], int] = {}
        for one in self.positions:
            if one.lost or one.change is LogChange.REPLACED:
                key = one.service, one.topic, one.change
                lost[key] = lost.get(key, 0) + one.lost
        return [
            f"{topic}, for {service}: {number} record{'s' * (number != 1)} {_WHY[change]}"
            for (service, topic, change), number in sorted(lost.items())
        ]


_WHY: Final = {
    LogChange.DELETED: "deleted, by retention or by somebody, that would have to be read again",
    LogChange.MISSING: "that were unfinished at the backup are gone with the topic",
    LogChange.REPLACED: "that were unfinished at the backup are gone with the log that was there "
    "before, as is whatever was written to it later",
}


def plan_positions(
    backup: Iterable[GroupPosition],
    present: Mapping[tuple[str, int], PresentLog],
    committed: Mapping[tuple[str, str, int], int],
    consumed: Mapping[str, tuple[str, ...]],
) -> PositionPlan:
    """Plan where each group goes on.

    Args:
        backup: positions of the backup.
        present: the logs there are now, by topic without prefix and partition.
        committed: what groups have committed now, by service, topic and partition.
        consumed: the topics of each service, without prefix.
    """
    known = {(one.service, one.topic, one.partition): one for one in backup}
    places = dict.fromkeys(known)
    for service, topics in consumed.items():
        places |= {
            (service, topic, partition): None for topic, partition in present if topic in topics
        }
        places |= {
            (service, topic, 0): None
            for topic in topics
            if not any(one == topic for one, _ in present)
        }
    return PositionPlan(
        tuple(
            _plan(place, known.get(place), present.get(place[1:]), has_commit=place in committed)
            for place in sorted(places)
        )
    )


def _plan(
    place: tuple[str, str, int],
    before: GroupPosition | None,
    now: PresentLog | None,
    *,
    has_commit: bool,
) -> PlannedPosition:
    service, topic, partition = place
    change = _compare(before, now)
    # Whoever is not set back goes on where it is; a commit that is gone is put back.
    stays = service not in SET_BACK and (has_commit or change is LogChange.ADDED)
    lost = (
        _count_lost(before, now, change)
        if service in SET_BACK or change is not LogChange.DELETED
        else 0
    )
    if now is None or stays:
        return PlannedPosition(service, topic, partition, change, None, lost=lost)
    if before is None or change is LogChange.REPLACED:
        return PlannedPosition(
            service, topic, partition, change, now.start, lost=lost, again=now.end - now.start
        )
    offset = before.start if before.committed is None else before.committed
    finished = decode_commit_metadata(offset, before.metadata).finished
    first = max(offset, now.start)
    again = now.end - first - _count(finished, first, now.end)
    return PlannedPosition(service, topic, partition, change, offset, before.metadata, lost, again)


def _compare(before: GroupPosition | None, now: PresentLog | None) -> LogChange:
    if now is None:
        return LogChange.MISSING
    if before is None:
        return LogChange.ADDED
    if _differ(before.log.topic, now.log.topic) or _is_of_other_cluster(before.log, now.log):
        return LogChange.REPLACED
    offset = before.start if before.committed is None else before.committed
    if now.end < max(offset, before.end):
        return LogChange.REPLACED
    return LogChange.DELETED if now.start > offset else LogChange.SAME


def _is_of_other_cluster(before: LogOfPartition, now: LogOfPartition) -> bool:
    """A cluster that was renamed has the same topic ids; without these, its name decides."""
    same_topic = bool(before.topic) and before.topic == now.topic
    return not same_topic and _differ(before.cluster, now.cluster)


def _differ(one: str, other: str) -> bool:
    return bool(one) and bool(other) and one != other


def _count_lost(before: GroupPosition | None, now: PresentLog | None, change: LogChange) -> int:
    if before is None or change in {LogChange.SAME, LogChange.ADDED}:
        return 0
    first = max(before.start if before.committed is None else before.committed, before.start)
    end = now.start if now is not None and change is LogChange.DELETED else before.end
    metadata = before.metadata if before.committed is not None else ""
    finished = decode_commit_metadata(first, metadata).finished
    return max(0, end - first - _count(finished, first, end))


def _count(finished: Iterable[range], first: int, end: int) -> int:
    return sum(max(0, min(one.stop, end) - max(one.start, first)) for one in finished)
