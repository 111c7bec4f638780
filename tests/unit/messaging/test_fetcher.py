"""What a poll does about partitions of which the client does not know where to read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError

from messaging.consumer.assignment import AssignmentListener
from messaging.consumer.commits import OffsetCommitter
from messaging.consumer.fetcher import Fetcher
from messaging.consumer.prefetch import PrefetchBudget
from messaging.consumer.retry_topics import SubscribedTopics
from messaging.consumer.window import InFlightWindow
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.processing.processor import MessageProcessor
from messaging.processing.waiting_decisions import WaitingDecisions
from messaging.stage_metrics import StageMetrics
from unit.messaging.fetched import P0, P1


class Withholding:
    """An assignment some of whose partitions are not taken over yet."""

    def __init__(self, *withheld: TopicPartition) -> None:
        self.withheld = set(withheld)
        self.epoch = 1


class Consumer:
    """A client that has been given ``P0``, and found no commit of a partition."""

    def __init__(self, without_commit: TopicPartition) -> None:
        self._without_commit = without_commit

    def assignment(self) -> set[TopicPartition]:
        return {P0}

    async def getmany(self, *_: TopicPartition, **__: Any) -> dict[TopicPartition, Any]:
        raise NoOffsetForPartitionError(self._without_commit)


async def fetch(assignment: Withholding, consumer: Consumer) -> Any:
    intake = Fetcher(
        cast("InFlightWindow", None),
        PrefetchBudget(10, 1_000),
        cast("MessageProcessor", SimpleNamespace(metrics=StageMetrics("probe"))),
        commits=OffsetCommitter(),
        assignment=cast("AssignmentListener", assignment),
        sources=SubscribedTopics({}, {}),
        decisions=WaitingDecisions(),
        idle_pause_s=0.0,
    )
    intake._consumer = consumer
    return await intake._fetch((), 0.0, 1)


@pytest.mark.parametrize("without_commit", [P0, P1])
async def test_a_partition_that_is_not_taken_over_or_is_gone_may_lack_a_commit(
    without_commit: TopicPartition,
) -> None:
    assert await fetch(Withholding(P0), Consumer(without_commit)) == {}


async def test_a_partition_that_is_read_and_has_no_position_has_the_client_replaced() -> None:
    with pytest.raises(KafkaUnavailableError):
        await fetch(Withholding(), Consumer(P0))
