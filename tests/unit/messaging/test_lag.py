"""How far a member is behind, by its ledgers and what it looks up."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import LeaderNotAvailableError, OffsetOutOfRangeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from messaging.consumer import lag
from messaging.consumer.commits import OffsetCommitter
from messaging.consumer.lag import LagMonitor
from messaging.consumer.offsets import OffsetLedger
from messaging.kafka.record_times import find_batch_timestamp
from unit.messaging.fetched import P0, P1

NOW_S = 10_000.0


class Log:
    """A broker on which a test's logs end where it says, with timestamps of 1 ms an offset."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ends = {P0: 0, P1: 0}
        self.looked_up: list[tuple[TopicPartition, int]] = []
        self.timestamp: int | None = 5_000_000
        monkeypatch.setattr(lag, "fetch_record_timestamp", self._fetch)
        monkeypatch.setattr(lag, "get_network_client", lambda _: None)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {one: self.ends[one] for one in partitions}

    async def _fetch(self, _: Any, partition: TopicPartition, offset: int) -> int | None:
        self.looked_up.append((partition, offset))
        return self.timestamp


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


@pytest.fixture
def commits() -> OffsetCommitter:
    commits = OffsetCommitter()
    commits.open_ledger(P0, at=0)
    return commits


@pytest.fixture
def monitor(commits: OffsetCommitter) -> LagMonitor:
    return LagMonitor(commits, clock=lambda: NOW_S)


def read_lag(monitor: LagMonitor) -> tuple[int, float]:
    return monitor.messages(P0.topic), monitor.age_s(P0.topic)


async def test_nothing_unread_and_nothing_unfinished_is_no_lag(
    monitor: LagMonitor, log: Log
) -> None:
    assert read_lag(monitor) == (0, 0.0)
    await monitor.look(log)
    assert read_lag(monitor) == (0, 0.0)
    assert log.looked_up == []


async def test_the_first_unread_record_is_looked_up_once(monitor: LagMonitor, log: Log) -> None:
    log.ends[P0] = 3
    for _ in range(3):
        await monitor.look(log)
    assert read_lag(monitor) == (3, NOW_S - 5_000)
    assert log.looked_up == [(P0, 0)]


async def test_what_is_in_memory_needs_no_look_up(
    monitor: LagMonitor, log: Log, commits: OffsetCommitter
) -> None:
    log.ends[P0] = 5
    ledger = commits.ledger(P0)
    for offset, timestamp_ms in enumerate([8_000_000, 7_000_000, 9_000_000]):
        ledger.start(offset, timestamp_ms)
    await monitor.look(log)
    assert read_lag(monitor) == (5, NOW_S - 7_000)
    ledger.finish(1)
    assert read_lag(monitor) == (4, NOW_S - 8_000)
    ledger.finish(0)
    ledger.finish(2)
    # All that was read is finished, and what is unread is no older than the latest of it.
    assert read_lag(monitor) == (2, NOW_S - 9_000)
    assert log.looked_up == []
    await monitor.look(log)
    assert read_lag(monitor) == (2, NOW_S - 5_000)


async def test_a_record_without_a_timestamp_counts_from_when_it_was_seen(
    monitor: LagMonitor, log: Log
) -> None:
    log.ends[P0], log.timestamp = 1, None
    await monitor.look(log)
    assert read_lag(monitor) == (1, 0.0)


async def test_a_timestamp_in_the_future_is_no_lag(
    monitor: LagMonitor, log: Log, commits: OffsetCommitter
) -> None:
    commits.ledger(P0).start(0, 11_000_000)
    assert read_lag(monitor) == (1, 0.0)


async def test_partitions_of_others_are_forgotten(
    monitor: LagMonitor, log: Log, commits: OffsetCommitter
) -> None:
    log.ends[P0] = 3
    await monitor.look(log)
    commits.forget(P0)
    assert read_lag(monitor) == (0, 0.0)
    assert P0 not in commits.partitions
    await monitor.look(log)
    commits.open_ledger(P0, at=3)
    assert read_lag(monitor) == (0, 0.0)


async def test_a_partition_that_is_lost_during_a_look_gets_no_ledger(
    monitor: LagMonitor, log: Log, commits: OffsetCommitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.ends[P0] = 3
    ends_of = log.end_offsets

    async def lose(partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        ends = await ends_of(partitions)
        commits.forget(P0)
        return ends

    monkeypatch.setattr(log, "end_offsets", lose)
    await monitor.look(log)
    assert commits.partitions == set()


def test_a_ledger_knows_the_earliest_timestamp_of_what_is_unfinished() -> None:
    ledger = OffsetLedger()
    assert ledger.oldest_ms is None
    ledger.start(0, 30)
    ledger.start(1, 20)
    ledger.start(2)
    assert (ledger.oldest_ms or 0, ledger.last_ms) == (20, -1)
    ledger.set_timestamp(2, 10)
    assert ledger.oldest_ms == 10
    for offset in (2, 1, 0):
        ledger.finish(offset)
    assert ledger.oldest_ms is None


def batch(base: int, *timestamps_ms: int, appended_ms: int | None = None) -> bytes:
    """A record batch as a broker keeps it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for place, timestamp_ms in enumerate(timestamps_ms):
        builder.append(place, timestamp=timestamp_ms, key=None, value=b"x", headers=[])
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, base)
    if appended_ms is not None:
        (attributes,) = struct.unpack_from(">h", data, 21)
        struct.pack_into(">h", data, 21, attributes | 0b1000)
        struct.pack_into(">q", data, 35, appended_ms)
    return bytes(data)


BATCHES = batch(10, 100, 150) + batch(12, 200) + batch(13, 300, appended_ms=999)


@pytest.mark.parametrize(
    ("offset", "timestamp_ms"), [(10, 100), (11, 100), (12, 200), (13, 999), (14, None)]
)
def test_the_batch_that_reaches_an_offset_tells_its_timestamp(
    offset: int, timestamp_ms: int | None
) -> None:
    assert find_batch_timestamp(BATCHES, offset) == timestamp_ms


@pytest.mark.parametrize("data", [b"", b"\0" * 20, BATCHES[:40], b"\xff" * 200])
def test_what_is_cut_off_or_of_another_format_tells_nothing(data: bytes) -> None:
    assert find_batch_timestamp(data, 12) is None


def test_endless_batches_end() -> None:
    """A length of -12 would have the next batch begin where this one does."""
    data = bytearray(batch(1, 100) * 2)
    struct.pack_into(">i", data, 8, -12)
    assert find_batch_timestamp(bytes(data), 50) is None


async def test_a_partition_without_a_leader_hides_no_other(
    monitor: LagMonitor, log: Log, commits: OffsetCommitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits.open_ledger(P1, at=0)
    log.ends[P0] = log.ends[P1] = 3
    ends_of = log.end_offsets

    async def fail(partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        if P0 in partitions:
            raise LeaderNotAvailableError
        return await ends_of(partitions)

    monkeypatch.setattr(log, "end_offsets", fail)
    await monitor.look(log)
    assert monitor.messages(P1.topic) == 3
    assert log.looked_up == [(P1, 0)]


async def test_a_record_that_cannot_be_read_is_asked_for_once_and_hides_no_other(
    monitor: LagMonitor, log: Log, commits: OffsetCommitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits.open_ledger(P1, at=0)
    log.ends[P0] = log.ends[P1] = 3
    asked: list[TopicPartition] = []

    async def fail(_: Any, partition: TopicPartition, offset: int) -> int | None:
        asked.append(partition)
        if partition == P0:
            raise OffsetOutOfRangeError
        return 5_000_000

    monkeypatch.setattr(lag, "fetch_record_timestamp", fail)
    for _ in range(3):
        await monitor.look(log)
    assert sorted(asked) == [P0, P1], "each is asked for once"
    assert monitor.messages(P0.topic) == (6 if P0.topic == P1.topic else 3)
    assert monitor.age_s(P1.topic) == NOW_S - 5_000
