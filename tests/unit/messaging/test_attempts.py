from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import TopicPartition

from contracts.errors import RetryableError, ThrottledError
from contracts.topics import CHUNKS_READY
from messaging import Delivery, Record, StageSettings
from messaging.processing.attempts import HandlerRunner
from messaging.processing.failure_policy import DeadlinePassedError
from messaging.processing.inflight import InFlightMessage
from support import virtual_time
from support.stages import Stage

QUICK = StageSettings(deadline_s=0.1, tries=3, retry_wait_s=30.0)


@dataclass(frozen=True)
class Received:
    """What of a fetched record is looked at."""

    partition: int = 0
    offset: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0


class WrongAnswerError(RetryableError):
    """What the handler raises."""


async def handled(
    handler: Any, settings: StageSettings, *, due_s: float = float("inf")
) -> tuple[InFlightMessage, BaseException | None]:
    """A message after its delivery, and how that ended."""
    stage = Stage("probe")
    stage.on_raw(CHUNKS_READY)(handler)
    place = TopicPartition(CHUNKS_READY.name, 0)
    job = InFlightMessage(Received(), place, place.topic, None, lambda _: None)
    job.due_s = due_s
    attempts = HandlerRunner(settings, has_dead_letters=True)

    async def handle() -> None:
        await attempts.handle(job, stage.route(CHUNKS_READY.name), job.record)

    job.task = asyncio.create_task(handle())
    done = await asyncio.gather(job.task, return_exceptions=True)
    attempts.close()
    return job, done[0] if isinstance(done[0], BaseException) else None


async def test_time_that_runs_out_between_two_tries_is_no_try_that_timed_out() -> None:
    async def fail(_: Record) -> None:
        raise WrongAnswerError("wrong")

    job, error = await handled(fail, QUICK)
    assert isinstance(error, WrongAnswerError), "the last try's own failure"
    assert (job.delivery.attempts, job.delivery.timeouts) == (1, 0)


async def test_time_that_runs_out_during_a_try_is_one_that_timed_out() -> None:
    async def hang(_: Record) -> None:
        await asyncio.Event().wait()

    job, error = await handled(hang, QUICK)
    assert isinstance(error, TimeoutError)
    assert (job.delivery.attempts, job.delivery.timeouts) == (1, 1)


@pytest.mark.parametrize("tries", [1, 2, 3])
async def test_tries_as_often_as_told_and_counts_each(tries: int) -> None:
    calls = 0

    async def fail(_: Record) -> None:
        nonlocal calls
        calls += 1
        raise WrongAnswerError("wrong")

    settings = StageSettings(deadline_s=30.0, tries=tries, retry_wait_s=0.001)
    job, error = await handled(fail, settings)
    assert isinstance(error, WrongAnswerError)
    assert (calls, job.tries, job.delivery.attempts) == (tries, tries, tries)


async def test_a_message_past_its_own_deadline_is_not_tried_at_all() -> None:
    calls = 0

    async def count(_: Record) -> None:
        nonlocal calls
        calls += 1

    job, error = await handled(count, QUICK, due_s=1.0)
    assert isinstance(error, DeadlinePassedError)
    assert (calls, job.tries) == (0, 0)


async def test_a_handler_that_turns_its_deadline_into_a_failure_is_not_tried_again() -> None:
    calls = 0

    async def cover_up(_: Record) -> None:
        nonlocal calls
        calls += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise WrongAnswerError("wrong") from None

    settings = StageSettings(deadline_s=0.05, tries=3, retry_wait_s=0.001)
    async with asyncio.timeout(5):
        _, error = await handled(cover_up, settings)
    assert isinstance(error, WrongAnswerError)
    assert calls == 1


async def test_who_is_told_to_come_back_at_once_again_and_again_still_pauses() -> None:
    calls = 0

    async def refuse(_: Record) -> None:
        nonlocal calls
        calls += 1
        raise ThrottledError("at once", retry_after=0.0)

    settings = StageSettings(deadline_s=0.3, tries=3, retry_wait_s=0.1, throttle_ceiling_s=30.0)
    _, error = await handled(refuse, settings)
    assert isinstance(error, ThrottledError)
    assert 1 < calls <= 4


def test_while_its_clock_is_stopped_a_delivery_uses_up_no_time() -> None:
    left: list[float] = []

    async def wait(_: Record, delivery: Delivery) -> None:
        now = asyncio.get_running_loop().time
        for _try in range(2):
            with delivery.clock.stopped():
                await asyncio.sleep(2 * QUICK.deadline_s)
            left.append(delivery.clock.deadline - now())

    job, error = virtual_time.run(handled(wait, QUICK))
    assert (error, job.tries, job.expired) == (None, 0, False)
    assert left == pytest.approx([QUICK.deadline_s] * 2)


def test_when_its_clock_goes_on_a_delivery_has_what_time_was_left() -> None:
    ended: list[float] = []

    async def hang(_: Record, delivery: Delivery) -> None:
        with delivery.clock.stopped():
            await asyncio.sleep(2 * QUICK.deadline_s)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(asyncio.get_running_loop().time())

    job, error = virtual_time.run(handled(hang, QUICK))
    assert ended == pytest.approx([3 * QUICK.deadline_s])
    assert isinstance(error, TimeoutError)
    assert (job.delivery.attempts, job.delivery.timeouts) == (1, 1)


async def test_a_stopped_clock_does_not_stop_the_message_s_own_deadline() -> None:
    async def hang(_: Record, delivery: Delivery) -> None:
        with delivery.clock.stopped():
            await asyncio.Event().wait()

    settings = QUICK.model_copy(update={"deadline_s": 30.0})
    async with asyncio.timeout(5):
        _, error = await handled(hang, settings, due_s=time.time() + 0.2)
    assert isinstance(error, TimeoutError)
