"""Sees one message through to its end: handled, waiting in a retry topic, or a dead letter.

This is the only place where a handler's failure is caught. Whatever happens, a message is settled
only once the broker has acknowledged what came of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from contracts.errors import OutageError, ThrottledError
from contracts.events import Event
from contracts.headers import TRACEPARENT
from contracts.topics import dlq_topic, retry_topic
from messaging import failures, letters
from messaging.codec import decode
from messaging.delivery import Delivery, Headers, Record, append, wait_headers
from messaging.outage import OutageGate
from messaging.publisher import Publisher, TooLargeToSendError
from messaging.settings import StageSettings
from messaging.stage import Route, Stage

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Outcome(StrEnum):
    """How a delivery ended."""

    HANDLED = "handled"
    RETRY_LATER = "retry_later"
    DEAD_LETTER = "dead_letter"


class LeakedCancellationError(Exception):
    """A handler let the cancellation of something inside it out: a bug, not our own stop."""


class StuckError(OutageError):
    """A message can be neither handled nor set aside, so it is kept and tried again."""


@dataclass(slots=True)
class Job:
    """A message being worked on; its history grows with every failed try."""

    record: Record
    delivery: Delivery
    tries: int = 0
    deadline: float = float("inf")

    def note_failure(self, error: BaseException) -> None:
        """Put a failed try on the account; an outage, or being told to wait, is none."""
        if isinstance(error, ThrottledError | OutageError):
            return
        self.tries += 1
        self.delivery = self.delivery.failed(
            timed_out=failures.timed_out(error), at=datetime.now(UTC)
        )


class Worker:
    """Settles the messages of one stage.

    Args:
        stage: the handlers.
        settings: tries, deadlines, retry delays.
        publisher: where results, retries and dead letters go.
        group: the consumer group, as dead letters name it.
    """

    def __init__(
        self,
        stage: Stage,
        settings: StageSettings,
        publisher: Publisher,
        *,
        group: str,
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._publisher = publisher
        self._group = group
        # One gate each: that the broker answers says nothing of the model, and the reverse.
        self._handling = OutageGate(settings.outage_pause_s, settings.outage_pause_max_s)
        self._publishing = OutageGate(settings.outage_pause_s, settings.outage_pause_max_s)
        self._backoff = wait_random_exponential(multiplier=settings.retry_wait_s)

    @property
    def outage(self) -> str:
        """Which dependency is down and holds up the stage; empty while none is known to be."""
        return self._handling.reason or self._publishing.reason or self._publisher.trouble

    async def settle(self, record: Record, delivery: Delivery) -> Outcome:
        """Work on a message until it is settled; outages are waited out, however long."""
        job = Job(record, delivery)
        try:
            events = await _waiting_out(self._handling, lambda: self._handle(job))
            if events:
                await _waiting_out(self._publishing, lambda: self._publish(job, events))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises has a row in the design's table
            return await self._set_aside(job, error)
        return Outcome.HANDLED

    async def _handle(self, job: Job) -> tuple[Event, ...]:
        try:
            route = self._stage.route(job.delivery.origin.topic)
            subject = decode(job.record, route.event) if route.event else job.record
            return await self._before_deadline(job, route, subject)
        except OutageError:
            raise
        except Exception as error:
            if self._stage.dead_letters:
                raise
            log.exception("stuck", topic=job.record.topic, offset=job.record.offset)
            raise StuckError(
                f"{type(error).__name__} on {job.record.topic}; see the log"
            ) from error

    async def _before_deadline(
        self, job: Job, route: Route, subject: Event | Record
    ) -> tuple[Event, ...]:
        job.deadline = asyncio.get_running_loop().time() + self._settings.deadline_s
        job.tries = 0
        try:
            async with asyncio.timeout_at(job.deadline) as limit:
                return await self._try(job, route, subject)
        except TimeoutError as error:
            # A handler's own TimeoutError is on the account already.
            if limit.expired():
                job.note_failure(error)
            raise

    async def _try(self, job: Job, route: Route, subject: Event | Record) -> tuple[Event, ...]:
        async def once() -> tuple[Event, ...]:
            delivery = replace(job.delivery, deadline=job.deadline)
            try:
                return await _uncancelled(route.handle(subject, delivery))
            except Exception as error:
                job.note_failure(error)
                raise

        try:
            return await once()
        except Exception as error:
            if not self._may_try_again(error, job):
                raise
            await asyncio.sleep(self._first_wait(error))
        return await self._retrying(job)(once)

    def _retrying(self, job: Job) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception(lambda error: self._may_try_again(error, job)),
            wait=self._wait,
            reraise=True,
        )

    def _may_try_again(self, error: BaseException, job: Job) -> bool:
        if isinstance(error, ThrottledError):
            # A wait beyond the deadline would end as a timeout, and being told to wait is none.
            left_s = job.deadline - asyncio.get_running_loop().time()
            return error.retry_after < min(left_s, self._settings.throttle_ceiling_s)
        return failures.is_retried_in_place(error) and job.tries < self._settings.tries

    def _first_wait(self, error: Exception) -> float:
        return (
            error.retry_after if isinstance(error, ThrottledError) else self._settings.retry_wait_s
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return error.retry_after if isinstance(error, ThrottledError) else self._backoff(state)

    async def _publish(self, job: Job, events: tuple[Event, ...]) -> None:
        await self._publisher.publish(events, parent=job.record.header(TRACEPARENT))

    async def _set_aside(self, job: Job, error: Exception) -> Outcome:
        if not job.tries:
            job.note_failure(error)
        decision = failures.decide(error, job.delivery, self._settings)
        failure = letters.describe(error, self._stage.service)
        if failures.is_bug(error):
            log.error("bug", exc_info=error, fingerprint=failure.fingerprint)
        if isinstance(decision, failures.RetryLater):
            await _waiting_out(self._publishing, lambda: self._retry_later(job, decision, failure))
            return Outcome.RETRY_LATER
        await _waiting_out(self._publishing, lambda: self._dead_letter(job, failure))
        return Outcome.DEAD_LETTER

    async def _retry_later(
        self, job: Job, decision: failures.RetryLater, failure: letters.Failure
    ) -> None:
        topic = retry_topic(self._stage.service, decision.tier).name
        not_before_ms = int((time.time() + decision.delay_s) * 1000)
        await self._forward(topic, job, wait_headers(job.delivery, not_before_ms=not_before_ms))
        log.info(
            "retry_later",
            code=failure.code.value,
            reason=failure.message,
            topic=topic,
            delay_s=decision.delay_s,
            attempts=job.delivery.attempts,
        )

    async def _dead_letter(self, job: Job, failure: letters.Failure) -> None:
        service = self._stage.service
        added = letters.letter_headers(
            failure, job.delivery, service=service, group=self._group, at=datetime.now(UTC)
        )
        await self._forward(dlq_topic(service).name, job, added)
        log.warning(
            "dead_letter",
            code=failure.code.value,
            reason=failure.message,
            letter_id=str(letters.letter_id(service, job.delivery)),
            attempts=job.delivery.attempts,
            timeouts=job.delivery.timeouts,
        )

    async def _forward(self, topic: str, job: Job, added: Headers) -> None:
        record = job.record
        headers = append(record.headers, added)
        try:
            await self._publisher.forward(topic, record.key, record.value, headers)
        except TooLargeToSendError as error:
            # Nothing may be lost: the message stays until the topic's limit is raised.
            raise StuckError(
                f"{topic} refuses the record's size; raise max.message.bytes"
            ) from error


async def _waiting_out(gate: OutageGate, step: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            async with gate.passage():
                return await step()
        except OutageError as outage:
            log.warning("outage", code=outage.code.value, reason=str(outage))


async def _uncancelled(work: Awaitable[T]) -> T:
    """Tell our own cancellation (a stop, the deadline) from one that leaks out of ``work``.

    Taken for ours, it would end the message's task without a trace, and without settling it.
    """
    try:
        return await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise LeakedCancellationError from error
