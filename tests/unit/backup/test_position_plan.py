"""Where groups go on after a restoration, and what of theirs is lost."""

from __future__ import annotations

from typing import Any

import pytest

from backup.manifest import GroupPosition, LogOfPartition
from backup.position_plan import (
    LogChange,
    PlannedPosition,
    PositionPlan,
    PresentLog,
    plan_positions,
)
from messaging.consumer.offset_metadata import encode_commit_metadata

OURS = LogOfPartition(cluster="c1", topic="t1")
TOPIC = "notes-validated"


def before(service: str = "persistence", **changes: Any) -> GroupPosition:
    known: dict[str, Any] = {"committed": 10, "start": 0, "end": 15, "log": OURS}
    return GroupPosition(service=service, topic=TOPIC, partition=0, **(known | changes))


def plan(
    position: GroupPosition | None, now: PresentLog | None, *, commits: bool = True
) -> PositionPlan:
    service = "persistence" if position is None else position.service
    return plan_positions(
        [] if position is None else [position],
        {} if now is None else {(TOPIC, 0): now},
        {(service, TOPIC, 0): 40} if commits else {},
        {service: (TOPIC,)},
    )


def only(found: PositionPlan) -> PlannedPosition:
    (position,) = found.positions
    return position


def test_the_backups_offset_is_set_with_what_was_finished_beyond_it() -> None:
    metadata = encode_commit_metadata(10, [range(12, 14)])
    found = plan(before(metadata=metadata), PresentLog(0, 50, OURS))
    one = only(found)
    assert (one.offset, one.metadata, one.change) == (10, metadata, LogChange.SAME)
    assert (one.again, one.lost) == (38, 0)
    assert not found.has_losses


def test_a_group_without_a_commit_begins_where_the_log_began() -> None:
    one = only(plan(before(committed=None, start=3), PresentLog(3, 50, OURS)))
    assert (one.offset, one.metadata, one.again) == (3, "", 47)


def test_services_whose_results_are_in_kafka_go_on_where_they_are() -> None:
    now = PresentLog(0, 50, OURS)
    assert only(plan(before("enrichment"), now)).offset is None
    # A commit that is gone, as of a group that nobody was in for long, is put back.
    assert only(plan(before("enrichment"), now, commits=False)).offset == 10


def test_what_retention_deleted_unfinished_is_counted() -> None:
    metadata = encode_commit_metadata(10, [range(12, 14)])
    found = plan(before(metadata=metadata), PresentLog(20, 50, OURS))
    one = only(found)
    assert (one.change, one.offset, one.lost, one.again) == (LogChange.DELETED, 10, 8, 30)
    assert found.has_losses
    (line,) = found.describe_losses()
    assert line.startswith(f"{TOPIC}, for persistence: 8 records deleted")


def test_what_had_been_finished_is_not_lost_when_it_is_deleted() -> None:
    metadata = encode_commit_metadata(10, [range(11, 15)])
    found = plan(before(metadata=metadata), PresentLog(11, 50, OURS))
    assert only(found).lost == 1
    assert not plan(before(), PresentLog(10, 50, OURS)).has_losses


@pytest.mark.parametrize(
    "log",
    [
        LogOfPartition(cluster="c1", topic="t2"),
        LogOfPartition(cluster="c2", topic=""),
        LogOfPartition(cluster="c2", topic="t2"),
    ],
)
def test_another_log_is_read_from_its_start(log: LogOfPartition) -> None:
    found = plan(before(), PresentLog(0, 50, log))
    one = only(found)
    assert (one.change, one.offset, one.metadata) == (LogChange.REPLACED, 0, "")
    assert (one.lost, one.again) == (5, 50)
    assert found.has_losses


def test_a_log_that_ends_before_what_it_had_is_another() -> None:
    assert only(plan(before(), PresentLog(0, 14, OURS))).change is LogChange.REPLACED
    nothing = plan(before(committed=15), PresentLog(0, 0, LogOfPartition(cluster="c2")))
    assert only(nothing).lost == 0
    # What was written to it after the backup is gone, and nobody knows how much that was.
    assert nothing.has_losses


def test_a_cluster_of_another_name_may_have_the_same_topics() -> None:
    renamed = LogOfPartition(cluster="c2", topic="t1")
    assert only(plan(before(), PresentLog(0, 50, renamed))).change is LogChange.SAME


def test_brokers_without_ids_are_believed() -> None:
    assert only(plan(before(log=LogOfPartition()), PresentLog(0, 50))).change is LogChange.SAME


def test_a_partition_that_came_later_is_unread() -> None:
    one = only(plan(None, PresentLog(0, 7, OURS)))
    assert (one.change, one.offset, one.again) == (LogChange.ADDED, 0, 7)


def test_topics_that_are_missing_are_named() -> None:
    found = plan(before(), None)
    assert found.missing == (TOPIC,)
    assert (found.lost, only(found).offset) == (5, None)
    assert plan(None, None).missing == (TOPIC,)
