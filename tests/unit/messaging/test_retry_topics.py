"""Messages of retry topics: held until due, remembered beyond that, and fetched again when due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from aiokafka import TopicPartition

from messaging import KafkaSettings
from messaging.consumer import assignment as assignment_module
from messaging.consumer import deleted_records, retry_topics
from messaging.consumer.assignment import AssignmentListener
from messaging.consumer.commits import OffsetCommitter
from messaging.consumer.deleted_records import DeletedRecordsHandler
from messaging.consumer.offset_metadata import UNKNOWN_LOG
from messaging.consumer.offsets import OffsetWentBackError
from messaging.consumer.prefetch import PrefetchBudget
from messaging.consumer.retry_topics import RetryTopicReader, SubscribedTopics
from messaging.consumer.start_offsets import StartPosition
from messaging.consumer.window import InFlightWindow
from messaging.kafka.partition_logs import PartitionLog
from messaging.processing.inflight import InFlightMessage
from messaging.processing.waiting_decisions import WaitingDecisions
from messaging.stage import Stage as MessagingStage
from messaging.stage_metrics import StageMetrics
from telemetry.metrics import LOG_FAULTS
from unit.messaging.fetched import RETRY, Received, waiting

NOW_S = 1_000_000.0
BATCH = 50
SIZE = 10_000
LIMIT_BYTES = 800_000
"""Ten messages of ``SIZE`` may be held that are not due, and ten that are."""


class Log:
    """A partition, and a consumer that reads it in batches."""

    def __init__(self, records: list[Received]) -> None:
        self.records = records
        self.position = 0
        self.fetched = 0
        self.seeks = 0
        self._coordinator = None
        self._client = None

    def seek(self, _: Any, offset: int) -> None:
        self.position = offset
        self.seeks += 1

    def assignment(self) -> set[TopicPartition]:
        return {RETRY}

    def pause(self, *_: Any) -> None:
        pass

    def partitions_for_topic(self, _: str) -> set[int]:
        return {0}

    def batch(self) -> list[Received]:
        found = [one for one in self.records if one.offset >= self.position][:BATCH]
        if found:
            self.position = found[-1].offset + 1
            self.fetched += len(found)
        return found


class Stage:
    """A window whose messages end when the test says, and the retry topic before it."""

    def __init__(self, *records: Received, limit_bytes: int = LIMIT_BYTES) -> None:
        self.log = Log(list(records))
        self.now = 0.0
        self.open = True
        self.begun: list[int] = []
        self.most_held = 0
        self.read_ahead = PrefetchBudget(10_000, limit_bytes)
        self.window = InFlightWindow(
            self._work,
            size=4,
            size_bytes=1 << 30,
            by_key=False,
            read_ahead=self.read_ahead,
            may_start=lambda: self.open,
        )
        self.commits = OffsetCommitter()
        self.assignment = AssignmentListener(
            MessagingStage("probe"),
            KafkaSettings(),
            window=self.window,
            commits=self.commits,
            drain=lambda going: self.window.drain(going, 0.0),
            forget=lambda _: None,
        )
        self.assignment.follow(self.log)
        self.retries = RetryTopicReader(
            self.window,
            self.read_ahead,
            self.commits,
            SubscribedTopics({RETRY.topic: "probe-retry-1"}, {RETRY.topic: 1}),
            decisions=WaitingDecisions(),
            metrics=StageMetrics("probe"),
            clock=lambda: NOW_S + self.now,
            now=lambda: self.now,
        )

    async def _work(self, job: InFlightMessage) -> None:
        self.begun.append(job.received.offset)
        job.finish()

    async def read(self, polls: int = 200, *, epoch: int = 1) -> None:
        """Poll until nothing more comes."""
        for _ in range(polls):
            self.retries.refetch_due([RETRY], self.log, epoch)
            if not (self.retries.wanted([RETRY]) and (found := self.log.batch())):
                return
            self.retries.take(RETRY, found, self.log, epoch)
            self.window.fill()
            await _settled()
            self.most_held = max(self.most_held, self.read_ahead.retried)


async def _settled() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


@pytest.fixture
async def stages() -> AsyncIterator[list[Stage]]:
    made: list[Stage] = []
    yield made
    for stage in made:
        await stage.window.cancel(None)
        assert stage.read_ahead.held == 0


def late(offset: int, *, in_s: float = 3_600.0) -> Received:
    return waiting(offset, not_before_s=NOW_S + in_s, delay_s=in_s, size=SIZE)


def due(offset: int) -> Received:
    return waiting(offset, not_before_s=NOW_S - 1, delay_s=10, size=SIZE)


async def test_what_is_due_comes_past_thousands_that_wait_long(stages: list[Stage]) -> None:
    stage = Stage(*(late(offset) for offset in range(3_000)), due(3_000))
    stages.append(stage)
    await stage.read()
    assert stage.begun == [3_000]
    assert stage.read_ahead.not_due <= LIMIT_BYTES / 8
    assert stage.retries.deferred > 2_900


async def test_what_was_remembered_comes_when_it_is_due(stages: list[Stage]) -> None:
    records = [late(offset, in_s=600) for offset in range(1_000)]
    records[500], records[501] = late(500, in_s=20), late(501, in_s=20)
    stage = Stage(*records)
    stages.append(stage)
    await stage.read()
    assert stage.begun == []
    assert stage.retries.next_due_in_s() == 20
    stage.now = 20
    await stage.read()
    assert stage.begun == [500, 501]
    assert stage.log.position == 1_000, "reading goes on where it stood"
    stage.log.records.append(due(1_000))
    await stage.read()
    assert stage.begun == [500, 501, 1_000]


async def test_no_more_is_held_than_there_is_room_for_and_all_come_in_the_end(
    stages: list[Stage],
) -> None:
    stage = Stage(*(due(offset) for offset in range(200)))
    stages.append(stage)
    stage.open = False
    await stage.read()
    assert stage.most_held <= LIMIT_BYTES / 4 + 2 * SIZE
    assert stage.retries.deferred > 100
    stage.open = True
    stage.window.fill()
    await _settled()
    await stage.read()
    assert sorted(stage.begun) == list(range(200))
    assert stage.retries.deferred == 0
    assert stage.commits.ledger(RETRY).position == 200


def deleted(topic: str) -> float:
    return float(LOG_FAULTS.labels(topic, "deleted")._value.get())


@pytest.mark.parametrize("is_refetching", [False, True])
async def test_those_that_their_topic_deleted_hold_up_nobody_and_are_counted(
    stages: list[Stage], monkeypatch: pytest.MonkeyPatch, *, is_refetching: bool
) -> None:
    stage = Stage(*(late(offset, in_s=20) for offset in range(100)), limit_bytes=100)
    stages.append(stage)
    await stage.read()
    stage.now = 20
    if is_refetching:
        stage.retries.refetch_due([RETRY], stage.log, 1)
    del stage.log.records[:60]  # all but one, which is held, are to be fetched again
    stage.log.records.append(due(100))
    position, before = stage.log.position, deleted(RETRY.topic)

    async def look_at(*_: Any) -> dict[TopicPartition, PartitionLog]:
        return {RETRY: PartitionLog(UNKNOWN_LOG, start=60, end=101)}

    monkeypatch.setattr(deleted_records, "fetch_partition_logs", look_at)
    behind = DeletedRecordsHandler(stage.commits, stage.retries, stage.assignment)
    await behind.skip_deleted(stage.log, {RETRY: min(position, 59)})
    await stage.read()
    assert set(range(60, 101)) <= set(stage.begun)
    assert stage.commits.ledger(RETRY).unfinished <= 1
    assert deleted(RETRY.topic) == before + 1


async def test_a_position_behind_the_end_of_its_log_begins_everything_anew(
    stages: list[Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(*(due(offset) for offset in range(10)))
    stages.append(stage)
    await stage.read()

    async def look_at(*_: Any) -> dict[TopicPartition, PartitionLog]:
        return {RETRY: PartitionLog(UNKNOWN_LOG, start=0, end=5)}

    monkeypatch.setattr(deleted_records, "fetch_partition_logs", look_at)
    with pytest.raises(OffsetWentBackError):
        await DeletedRecordsHandler(stage.commits, stage.retries, stage.assignment).skip_deleted(
            stage.log, {RETRY: 10}
        )


@pytest.mark.parametrize("polls", ["before", "between", "both", "never"])
async def test_a_rebalance_between_looking_for_remembered_messages_and_their_arrival_loses_none(
    stages: list[Stage], monkeypatch: pytest.MonkeyPatch, polls: str
) -> None:
    """Positions are set anew at both of its ends, and messages are looked for in between."""
    number = 300
    stage = Stage(*(late(offset, in_s=20) for offset in range(number)))
    stages.append(stage)

    async def commits(*_: Any) -> dict[TopicPartition, Any]:
        return {}

    async def beginnings(*_: Any) -> dict[TopicPartition, StartPosition]:
        return {RETRY: StartPosition(0)}

    monkeypatch.setattr(assignment_module, "fetch_committed_offsets", commits)
    monkeypatch.setattr(assignment_module, "find_start_positions", beginnings)
    await stage.assignment.on_partitions_assigned({RETRY})
    await stage.assignment.wait_until_complete()
    monkeypatch.setattr(
        assignment_module, "find_start_positions", commits
    )  # nothing is new from now on
    await stage.read(epoch=stage.assignment.epoch)
    stage.now = 20
    if polls in {"before", "both"}:
        stage.retries.refetch_due([RETRY], stage.log, stage.assignment.epoch)
    await stage.assignment.on_partitions_revoked(())
    if polls in {"between", "both"}:
        stage.retries.refetch_due([RETRY], stage.log, stage.assignment.epoch)
    await stage.assignment.on_partitions_assigned({RETRY})
    assert stage.log.position == number
    stage.log.records.append(due(number))
    # The poll that was under way during the rebalance sees the assignment as it is now.
    stage.retries.take(RETRY, stage.log.batch(), stage.log, stage.assignment.epoch)
    await stage.read(epoch=stage.assignment.epoch)
    await stage.assignment.close()
    assert stage.retries.deferred == 0
    unfinished = {*range(number + 1)} - {*stage.begun}
    assert len(unfinished) == stage.commits.ledger(RETRY).unfinished, "none was given up"
    assert len(stage.begun) > number - 20, "the others are held until their timers end"


async def test_a_message_that_does_not_come_when_it_is_looked_for_is_not_given_up(
    stages: list[Stage],
) -> None:
    stage = Stage(*(late(offset, in_s=20) for offset in range(100)), due(100))
    stages.append(stage)
    stage.open = False
    await stage.read()
    stage.now = 20
    unfinished = stage.commits.ledger(RETRY).unfinished
    stage.retries.refetch_due([RETRY], stage.log, 1)
    stage.log.position = 100  # as if the seek had been lost
    with pytest.raises(OffsetWentBackError):
        stage.retries.take(RETRY, stage.log.batch(), stage.log, 1)
    assert stage.commits.ledger(RETRY).unfinished == unfinished


async def test_going_back_waits_until_many_fit_at_once(stages: list[Stage]) -> None:
    number = 200
    stage = Stage(*(due(offset) for offset in range(number)))
    stages.append(stage)
    stage.open = False
    await stage.read()
    room = number - stage.retries.deferred
    stage.log.seeks = stage.log.fetched = 0
    while stage.window.start_one():
        await _settled()
        await stage.read()
        if len(stage.begun) == number // 2:
            stage.log.records.append(due(number))
    assert sorted(stage.begun) == list(range(number + 1))
    # Back and forth for every quarter of the room at most.
    assert stage.log.seeks <= 2 * (number / (room / 4) + 1)


async def test_messages_that_are_due_later_do_not_overtake_those_that_wait_for_room(
    stages: list[Stage],
) -> None:
    number, more = 100, 200
    stage = Stage(*(due(offset) for offset in range(number)))
    stages.append(stage)
    stage.open = False
    await stage.read()
    for arrived in range(number, number + more):
        stage.log.records.append(due(arrived))
        assert stage.window.start_one()
        await _settled()
        await stage.read()
    assert {*range(number)} <= {*stage.begun}, "whatever arrives meanwhile"


async def test_a_rebalance_while_going_back_loses_nothing(stages: list[Stage]) -> None:
    records = [late(offset, in_s=20) for offset in range(300)]
    stage = Stage(*records)
    stages.append(stage)
    await stage.read()
    stage.now = 20
    await stage.read(1)
    begun = len(stage.begun)
    assert stage.retries.deferred
    # The partition stays, and its position is set behind what was read.
    stage.log.position = 300
    await stage.read(epoch=2)
    assert len(stage.begun) > begun
    assert stage.retries.deferred == 0


async def test_a_clock_ahead_at_the_writer_makes_nobody_wait_longer_than_told(
    stages: list[Stage],
) -> None:
    day_s = 86_400.0
    stage = Stage(
        waiting(0, not_before_s=NOW_S + day_s + 10, delay_s=10, size=SIZE), limit_bytes=100
    )
    stage.window.admit_delayed = lambda job, delay_s: held.append(delay_s)  # type: ignore[method-assign]
    held: list[float] = []
    await stage.read()
    assert held == [10]


async def test_a_message_that_does_not_say_how_long_waits_until_it_says() -> None:
    stage = Stage(waiting(0, not_before_s=NOW_S + 50, delay_s=None))
    held: list[float] = []
    stage.window.admit_delayed = lambda job, delay_s: held.append(delay_s)  # type: ignore[method-assign]
    await stage.read()
    assert held == [50]


async def test_no_more_are_remembered_than_so_many(
    stages: list[Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_topics, "MAX_DEFERRED", 100)
    stage = Stage(*(late(offset) for offset in range(1_000)))
    stages.append(stage)
    await stage.read()
    assert stage.retries.deferred < 100 + BATCH
    assert stage.log.position < 300


@pytest.mark.parametrize("seed", range(8))
async def test_all_come_once_in_their_time_whatever_the_waits(
    stages: list[Stage], seed: int
) -> None:
    random = Random(seed)
    waits = {offset: random.choice((0, 5, 5, 60, 600)) for offset in range(400)}
    records = [late(offset, in_s=wait) for offset, wait in waits.items()]
    stage = Stage(*records, limit_bytes=random.choice((100, LIMIT_BYTES)))
    stages.append(stage)
    stage.window.admit_delayed = (  # type: ignore[method-assign]
        lambda job, delay_s: pytest.fail("nothing is held") if delay_s <= 0 else on_time(job)
    )
    held: list[InFlightMessage] = []

    def on_time(job: InFlightMessage) -> None:
        held.append(job)

    for moment in (0, 5, 60, 600):
        stage.now = moment
        for job in [one for one in held if waits[one.received.offset] <= moment]:
            held.remove(job)
            stage.window.admit(job)
        stage.window.fill()
        await _settled()
        await stage.read()
        assert sorted(stage.begun) == [one for one, wait in waits.items() if wait <= moment]
    assert stage.commits.ledger(RETRY).position == 400
