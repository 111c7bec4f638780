"""What a worker does where its parts fail: every message is settled, or begins anew, visibly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from structlog.testing import capture_logs

from contracts.errors import OutageError, RejectedError
from contracts.topics import CHUNKS_READY
from messaging import Record, Stage, StageSettings
from messaging.jobs import Job
from messaging.work import MOST_NEWCOMERS, Worker
from support.chunks import GOOD, drafted
from unit.messaging.test_attempts import Received

SETTINGS = StageSettings(tries=1, outage_pause_s=0.001, outage_pause_max_s=0.001)
HELD = StageSettings(tries=1, max_in_flight=2, outage_pause_s=3_600.0)
PLACE = TopicPartition(CHUNKS_READY.name, 0)


@dataclass
class Broker:
    """A publisher's part: what it is to raise, and what it took."""

    acknowledges: Exception | None = None
    publishes: Exception | None = None
    forwards: Exception | None = None
    letters: list[str] = field(default_factory=list)
    trouble: str = ""

    async def send(
        self, _: Any, acknowledged: Callable[[Exception | None], None], **__: Any
    ) -> None:
        acknowledged(self.acknowledges)

    async def publish(self, _: Any, **__: Any) -> None:
        if self.publishes is not None:
            raise self.publishes

    async def forward(self, topic: str, *_: Any) -> None:
        if self.forwards is not None:
            raise self.forwards
        self.letters.append(topic)


def worker_of(
    handle: Callable[[Record], Any], broker: Broker, settings: StageSettings = SETTINGS
) -> Worker:
    stage = Stage("probe")

    @stage.on_raw(CHUNKS_READY)
    async def call(record: Record) -> Any:
        return handle(record)

    return Worker(stage, settings, broker, group="probe")  # type: ignore[arg-type]  # its part


def job(finished: list[Job], value: bytes = b"1") -> Job:
    return Job(Received(value=value), PLACE, PLACE.topic, None, finished.append)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_event_that_cannot_be_sent_again_for_an_unforeseen_reason_is_a_letter() -> None:
    broker, finished = Broker(ZeroDivisionError(), ZeroDivisionError()), list[Job]()
    worker = worker_of(lambda _: drafted(GOOD), broker)
    await worker.work(job(finished))
    await settled()
    assert broker.letters == ["probe-dlq"]
    assert (len(finished), worker.failure) == (1, None)
    await worker.close()


async def test_what_can_be_neither_sent_again_nor_set_aside_is_told_to_the_consumption() -> None:
    why = KeyError("unforeseen")
    broker, finished = Broker(OutageError("away"), ZeroDivisionError(), why), list[Job]()
    worker = worker_of(lambda _: drafted(GOOD), broker)
    with capture_logs() as logs:
        await worker.work(job(finished))
        await settled()
    assert worker.failure is why
    assert not finished, "it is delivered again"
    assert [one["offset"] for one in logs if one["event"] == "unsettled"] == [0]
    await worker.close()


async def test_a_message_whose_end_cannot_be_entered_is_told_to_the_consumption() -> None:
    def refuse(_: Job) -> None:
        raise ValueError("offset 7 was never started")

    worker = worker_of(lambda _: drafted(GOOD), Broker())
    await worker.work(Job(Received(), PLACE, PLACE.topic, None, refuse))
    assert isinstance(worker.failure, ValueError)
    await worker.close()


@pytest.mark.parametrize("error", [ZeroDivisionError(), RecursionError()])
async def test_what_is_good_in_a_rejected_message_does_not_keep_it_from_becoming_a_letter(
    error: Exception,
) -> None:
    def reject(_: Record) -> None:
        raise RejectedError("rejected", salvaged=(drafted(GOOD),))

    broker, finished = Broker(publishes=error), list[Job]()
    worker = worker_of(reject, broker)
    await worker.work(job(finished))
    assert broker.letters == ["probe-dlq"]
    assert len(finished) == 1
    await worker.close()


async def test_a_newcomer_is_wanted_when_all_that_is_worked_on_waits() -> None:
    def fail(_: Record) -> None:
        raise OutageError("down")

    worker = worker_of(fail, Broker(), HELD)
    assert not worker.wants_a_newcomer(in_flight=0, room=2)
    assert not worker.wants_a_newcomer(in_flight=2, room=0), "none has begun yet"
    working = [asyncio.create_task(worker.work(job([])))]
    await settled()
    assert worker.wants_a_newcomer(in_flight=1, room=1), "it has failed and waits"
    assert worker.wants_a_newcomer(in_flight=0, room=2), "those that waited are gone"
    working.append(asyncio.create_task(worker.work(job([]))))
    await settled()
    assert not worker.wants_a_newcomer(in_flight=2, room=0), "the newcomer has not been tried"
    assert worker.trouble == "kafka_unavailable: down"
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    await worker.close()


async def test_no_more_newcomers_are_admitted_than_memory_is_meant_for() -> None:
    def fail(_: Record) -> None:
        raise OutageError("down")

    worker = worker_of(fail, Broker(), HELD)
    working = asyncio.create_task(worker.work(job([])))
    await settled()
    most = 2 * HELD.max_in_flight + MOST_NEWCOMERS
    assert worker.wants_a_newcomer(in_flight=most - 1, room=-1)
    assert not worker.wants_a_newcomer(in_flight=most, room=-1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await worker.close()
