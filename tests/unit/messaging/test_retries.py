"""Messages of retry topics: held until due, remembered beyond that, and fetched again when due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from messaging import retries as retries_module
from messaging.commits import Commits
from messaging.jobs import Job
from messaging.read_ahead import ReadAhead
from messaging.retries import Retries, Sources
from messaging.window import Window
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

    def seek(self, _: Any, offset: int) -> None:
        self.position = offset

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
        self.read_ahead = ReadAhead(10_000, limit_bytes)
        self.window = Window(
            self._work,
            size=4,
            size_bytes=1 << 30,
            by_key=False,
            read_ahead=self.read_ahead,
            may_start=lambda: self.open,
        )
        self.commits = Commits()
        self.retries = Retries(
            self.window,
            self.read_ahead,
            self.commits,
            Sources({RETRY.topic: "probe-retry-1"}, {RETRY.topic: 1}),
            clock=lambda: NOW_S + self.now,
            now=lambda: self.now,
        )

    async def _work(self, job: Job) -> None:
        self.begun.append(job.received.offset)
        job.finish()

    async def read(self, polls: int = 200, *, epoch: int = 1) -> None:
        """Poll until nothing more comes."""
        for _ in range(polls):
            self.retries.go_back([RETRY], self.log, epoch)
            if not (self.retries.wanted([RETRY]) and (found := self.log.batch())):
                return
            self.retries.take(RETRY, found, self.log)
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


async def test_one_that_its_topic_has_forgotten_holds_up_nobody(stages: list[Stage]) -> None:
    records = [late(offset, in_s=20) for offset in range(100)]
    stage = Stage(*records, limit_bytes=100)
    stages.append(stage)
    await stage.read()
    del stage.log.records[:60]  # all but one, which is held, are to be fetched again
    stage.now = 20
    stage.log.records.append(due(100))
    await stage.read()
    assert set(range(60, 101)) <= set(stage.begun)
    assert stage.commits.ledger(RETRY).unfinished <= 1


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
    stage.window.hold = lambda job, delay_s: held.append(delay_s)  # type: ignore[method-assign]
    held: list[float] = []
    await stage.read()
    assert held == [10]


async def test_a_message_that_does_not_say_how_long_waits_until_it_says() -> None:
    stage = Stage(waiting(0, not_before_s=NOW_S + 50, delay_s=None))
    held: list[float] = []
    stage.window.hold = lambda job, delay_s: held.append(delay_s)  # type: ignore[method-assign]
    await stage.read()
    assert held == [50]


async def test_no_more_are_remembered_than_so_many(
    stages: list[Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries_module, "MOST_DEFERRED", 100)
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
    stage.window.hold = (  # type: ignore[method-assign]
        lambda job, delay_s: pytest.fail("nothing is held") if delay_s <= 0 else on_time(job)
    )
    held: list[Job] = []

    def on_time(job: Job) -> None:
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
