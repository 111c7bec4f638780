from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import TopicPartition

from contracts.errors import RetryableError
from contracts.topics import CHUNKS_READY
from messaging import Record, Stage, StageSettings
from messaging.attempts import Attempts
from messaging.jobs import Job

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


async def handled(handler: Any, settings: StageSettings) -> tuple[Job, BaseException | None]:
    """A message after its delivery, and how that ended."""
    stage = Stage("probe")
    stage.on_raw(CHUNKS_READY)(handler)
    place = TopicPartition(CHUNKS_READY.name, 0)
    job = Job(Received(), place, place.topic, None, lambda _: None)
    attempts = Attempts(settings, sets_aside=True)

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
