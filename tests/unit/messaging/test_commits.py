"""By what a member knows, after a rebalance, that a partition has been its own all the while."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import OffsetAndMetadata, TopicPartition

from messaging.consumer.commits import OffsetCommitter
from unit.messaging.fetched import P0

Commit = tuple[int, str]


class Group:
    """A consumer's group, which takes commits and answers them, or does not."""

    def __init__(self) -> None:
        self.takes = self.answers = True
        self.commit_of: Commit | None = None
        self.sent: list[Commit] = []

    def assignment(self) -> set[TopicPartition]:
        return {P0}

    async def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self.sent.append(tuple(offsets[P0]))
        if self.takes:
            self.commit_of = self.sent[-1]
        if not self.answers:
            raise TimeoutError


async def finish_and_commit(commits: OffsetCommitter, group: Any, offset: int) -> None:
    ledger = commits.ledger(P0)
    ledger.start(offset)
    ledger.finish(offset)
    await commits.commit(group)


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def commits() -> OffsetCommitter:
    commits = OffsetCommitter()
    commits.open_ledger(P0, at=0)
    return commits


@pytest.mark.parametrize("acknowledged", [0, 1, 2])
@pytest.mark.parametrize("unanswered", [1, 2, 5])
@pytest.mark.parametrize("taken", [0, 1, 3])
async def test_a_partition_is_ours_whichever_unanswered_commit_the_group_has(
    commits: OffsetCommitter, group: Group, acknowledged: int, unanswered: int, taken: int
) -> None:
    for offset in range(acknowledged):
        await finish_and_commit(commits, group, offset)
    group.answers = False
    for number in range(unanswered):
        group.takes = number < taken
        await finish_and_commit(commits, group, acknowledged + number)
    assert len(group.sent) == acknowledged + unanswered
    assert commits.is_own_commit(P0, group.commit_of)


async def test_a_commit_that_we_never_sent_is_of_another_owner(
    commits: OffsetCommitter, group: Group
) -> None:
    for offset in range(3):
        await finish_and_commit(commits, group, offset)
    assert not commits.is_own_commit(P0, (99, ""))
    assert not commits.is_own_commit(P0, None), "the group has forgotten what it acknowledged"


async def test_a_commit_older_than_the_last_acknowledged_one_is_of_another_owner(
    commits: OffsetCommitter, group: Group
) -> None:
    group.answers = False
    for offset in range(3):
        await finish_and_commit(commits, group, offset)
    group.answers = True
    await finish_and_commit(commits, group, 3)
    assert commits.is_own_commit(P0, group.sent[3])
    assert not any(commits.is_own_commit(P0, one) for one in group.sent[:3])


def test_a_partition_taken_over_is_ours_while_the_group_has_the_commit_it_began_at() -> None:
    commits = OffsetCommitter()
    commits.open_ledger(P0, at=5, commit=(5, "metadata"))
    assert commits.is_own_commit(P0, (5, "metadata"))
    assert not commits.is_own_commit(P0, (5, ""))
    assert not commits.is_own_commit(P0, None)


async def test_the_delay_is_the_time_since_all_was_committed() -> None:
    now_s = 100.0
    commits = OffsetCommitter(clock=lambda: now_s)
    now_s += 5
    assert commits.delay_s == 5
    await commits.commit(Group())
    assert commits.delay_s == 0
    commits.suspend()
    now_s += 3
    await commits.commit(Group())
    assert commits.delay_s == 3
