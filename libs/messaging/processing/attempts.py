"""Calling of handlers: a few tries in place, within the delivery's deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from contracts.errors import OutageError, ThrottledError
from messaging.processing import failure_policy
from messaging.processing.deadlines import DeadlineTimer
from messaging.processing.failure_policy import DeadlinePassedError
from messaging.processing.inflight import InFlightMessage
from messaging.producer.outgoing import Outgoing
from messaging.settings import StageSettings
from messaging.stage import TopicSubscription
from messaging.stage_metrics import StageMetrics

log = structlog.get_logger(__name__)


class LeakedCancellationError(Exception):
    """Raised in place of a ``CancelledError`` that a handler raised without being cancelled."""


class StuckMessageError(OutageError):
    """Raised when a message can be neither handled nor written to the DLQ; it is retried."""


class InFlightDeadlineClock:
    """Deadline clock of a message in flight, which its handler can pause.

    Args:
        job: the message.
        timer: watches its deadline.
    """

    def __init__(self, job: InFlightMessage, timer: DeadlineTimer) -> None:
        self._job = job
        self._timer = timer

    @property
    def deadline(self) -> float:
        """When the work must be done, by the loop's clock, in seconds."""
        return self._job.deadline

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock within the context; the message's own deadline goes on."""
        job, loop = self._job, asyncio.get_running_loop()
        began, deadline = loop.time(), job.deadline
        latest = began + job.due_s - time.time()
        job.deadline = latest
        try:
            yield
        finally:
            # Expired meanwhile, it is watched no more.
            if not job.expired:
                job.deadline = min(deadline + loop.time() - began, latest)
                self._timer.begin(job)


class HandlerRunner:
    """Runner that calls a handler, with immediate retries, within one deadline.

    Args:
        settings: tries, deadlines, waits between tries.
        has_dead_letters: whether the stage has a place for messages that fail.
        metrics: counts the calls; None where they are not to be counted, as in a rehearsal.
    """

    def __init__(
        self,
        settings: StageSettings,
        *,
        has_dead_letters: bool,
        metrics: StageMetrics | None = None,
    ) -> None:
        self._metrics = metrics
        self._settings = settings
        self._has_dead_letters = has_dead_letters
        self._loop = asyncio.get_running_loop()
        self._deadlines = DeadlineTimer(self._loop)
        self._backoff = wait_random_exponential(multiplier=settings.retry_wait_s)

    def close(self) -> None:
        """Stop watching deadlines."""
        self._deadlines.close()

    async def handle(
        self, job: InFlightMessage, route: TopicSubscription, subject: Any
    ) -> Sequence[Outgoing]:
        """Call the handler, with tries in place, and return its result.

        Args:
            job: the message; its failed tries are put on its account.
            route: whose handler.
            subject: what the handler takes.

        Raises:
            OutageError: no message can be handled now; also where the stage has no place to set
                the message aside.
            DeadlinePassedError: the message's own deadline has passed before the first try.
            TimeoutError: the delivery's time ran out during a try.
            Exception: whatever the last try raised.
        """
        if job.due_s <= time.time():
            raise DeadlinePassedError("the message's own deadline has passed")
        began = time.monotonic()
        try:
            return await self._before_deadline(job, route, subject)
        except OutageError:
            if self._metrics is not None:
                self._metrics.met_outage()
            raise
        except Exception as error:
            if self._has_dead_letters:
                raise
            log.exception("stuck", topic=job.topic, offset=job.received.offset)
            raise StuckMessageError(
                f"{type(error).__name__} on {job.topic}; see the log"
            ) from error
        finally:
            if self._metrics is not None:
                self._metrics.called(time.monotonic() - began)

    async def _before_deadline(
        self, job: InFlightMessage, route: TopicSubscription, subject: Any
    ) -> Sequence[Outgoing]:
        job.tries, job.expired = 0, False
        job.deadline = self._deadline(job)
        self._deadlines.begin(job)
        try:
            result = await self._try(job, route, subject)
        except asyncio.CancelledError as error:
            raise _meaning_of(error, job) from error
        except Exception:
            if job.expired:
                _forget_cancellation()
            raise
        finally:
            self._deadlines.end(job)
        if job.expired:  # and the handler went on all the same
            raise _meaning_of(asyncio.CancelledError(), job)
        return result

    def _deadline(self, job: InFlightMessage) -> float:
        """When this delivery's work must be done: in its own time, or at the message's deadline."""
        time_s = self._settings.deadline_s if job.time_s is None else job.time_s
        own_deadline = self._loop.time() + time_s
        if job.due_s == float("inf"):
            return own_deadline
        return min(own_deadline, self._loop.time() + job.due_s - time.time())

    async def _try(
        self, job: InFlightMessage, route: TopicSubscription, subject: Any
    ) -> Sequence[Outgoing]:
        try:
            return await self._once(job, route, subject)
        except Exception as error:
            if not self._may_try_again(error, job):
                raise
            await asyncio.sleep(self._first_wait(error))
        return await self._retrying(job)(self._once, job, route, subject)

    async def _once(
        self, job: InFlightMessage, route: TopicSubscription, subject: Any
    ) -> Sequence[Outgoing]:
        job.failure = None
        try:
            if not route.wants_delivery:
                return await route.handle(subject, None)
            clock = InFlightDeadlineClock(job, self._deadlines)
            delivery = replace(job.delivery, deadline=job.deadline, clock=clock)
            return await route.handle(subject, delivery)
        except Exception as error:
            job.note_failure(error)
            raise

    def _retrying(self, job: InFlightMessage) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception(lambda error: self._may_try_again(error, job)),
            wait=self._wait,
            reraise=True,
        )

    def _may_try_again(self, error: BaseException, job: InFlightMessage) -> bool:
        if job.expired:
            return False
        if isinstance(error, ThrottledError):
            # A wait beyond the deadline would end as a timeout, and being told to wait is none.
            left_s = job.deadline - self._loop.time()
            return self._requested_wait(error) < min(left_s, self._settings.throttle_ceiling_s)
        return failure_policy.is_retried_in_place(error) and job.tries < self._settings.tries

    def _first_wait(self, error: Exception) -> float:
        if isinstance(error, ThrottledError):
            return self._requested_wait(error)
        return self._settings.retry_wait_s

    def _requested_wait(self, error: ThrottledError) -> float:
        # Whoever says "at once" again and again is not to be asked without a pause.
        return max(error.retry_after, self._settings.retry_wait_s)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return (
            self._requested_wait(error)
            if isinstance(error, ThrottledError)
            else self._backoff(state)
        )


def _forget_cancellation() -> int:
    """Undo the deadline's cancellation, and return how many other cancellations are left."""
    task = asyncio.current_task()
    assert task is not None
    return task.uncancel()


def _meaning_of(error: asyncio.CancelledError, job: InFlightMessage) -> BaseException:
    """Return the error a cancellation stands for: a passed deadline, a leak, or our own stop.

    A cancellation that leaks out of a handler would, taken for ours, end the task that works on
    messages without a trace, and without settling this one.
    """
    if job.expired and _forget_cancellation() == 0:
        if job.failure is not None:
            return job.failure  # time ran out between two tries: none of them timed out
        timeout = TimeoutError()
        job.note_failure(timeout)
        return timeout
    task = asyncio.current_task()
    return error if task is not None and task.cancelling() else LeakedCancellationError()
