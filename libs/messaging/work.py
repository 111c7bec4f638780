"""Sees one message through to its end: handled, waiting in a retry topic, or a dead letter.

This is the only place where a handler's failure is caught. Whatever happens, a message is settled
only once the broker has acknowledged what came of it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import ceil

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from contracts.errors import BadMessageError, ErrorCode, OutageError, ThrottledError
from contracts.events import Event
from contracts.topics import dlq_topic, retry_topic
from messaging import failures, letters
from messaging.codec import decode, read_headers
from messaging.deadlines import Deadlines
from messaging.delivery import Headers, Record, append, wait_headers
from messaging.jobs import Job
from messaging.outage import OutageGate, Stoppage
from messaging.publisher import Publisher, TooLargeToSendError
from messaging.settings import StageSettings
from messaging.stage import Route, Stage

log = structlog.get_logger(__name__)


class LeakedCancellationError(Exception):
    """A handler let the cancellation of something inside it out: a bug, not our own stop."""


class DeadlinePassedError(BadMessageError):
    """The message's own deadline, told in its header, has passed: no try can be in time."""

    code = ErrorCode.TIMEOUT


class StuckError(OutageError):
    """A message can be neither handled nor set aside, so it is kept and tried again."""


class Worker:
    """Settles the messages of one stage.

    Args:
        stage: the handlers.
        settings: tries, deadlines, retry delays.
        publisher: where results, retries and dead letters go.
        group: the consumer group, as dead letters name it.
    """

    def __init__(
        self, stage: Stage, settings: StageSettings, publisher: Publisher, *, group: str
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._publisher = publisher
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines(self._loop)
        pauses = (settings.outage_pause_s, settings.outage_pause_max_s)
        # One gate each: that the broker answers says nothing of the model, and the reverse.
        self._handling = OutageGate(*pauses)
        self._publishing = OutageGate(*pauses)
        # Messages that die take longer than those that do not, so of what is in flight together
        # the deaths come last; a window of twice that does not take them for all there is.
        window = max(settings.stop_window, 2 * settings.max_in_flight)
        self.stoppage = Stoppage(window, settings.stop_share, *pauses)
        self._republishing: set[asyncio.Task[None]] = set()
        self._backoff = wait_random_exponential(multiplier=settings.retry_wait_s)

    @property
    def trouble(self) -> str:
        """What holds up the whole stage, for people; empty while nothing is known to."""
        return (
            self._handling.reason
            or self._publishing.reason
            or self.stoppage.gate.reason
            or self._publisher.trouble
        )

    @property
    def wants_a_probe(self) -> bool:
        """Whether the stage has stopped for want of a message that does not die."""
        return not self.stoppage.gate.is_open

    async def work(self, job: Job) -> None:
        """Work on a message; outages are waited out, however long.

        When it returns, there is nothing left to do but to wait for the broker: ``job.finish()``
        is called when what came of the message is acknowledged, which may be later.
        """
        gate = self.stoppage.gate
        if gate.is_open or not await gate.wait_for_turn():
            await self._settle(job)
            return
        try:
            self.stoppage.probe_ended(well=await self._settle(job))
        finally:
            gate.end_turn()

    async def close(self) -> None:
        """Stop watching deadlines, and sending again what the broker did not take."""
        self._deadlines.close()
        for task in list(self._republishing):
            task.cancel()
        await asyncio.gather(*self._republishing, return_exceptions=True)

    async def _settle(self, job: Job) -> bool:
        """Whether it ended well, that is, not in a dead letter."""
        try:
            route, subject = self._read(job)
            events = await self._handling.run(partial(self._handle, job, route, subject))
            if events:
                await self._publish(job, events)
            else:
                self._ended_well(job)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises has a row in the design's table
            return await self._set_aside(job, error)
        return True

    def _read(self, job: Job) -> tuple[Route, Event | Record]:
        route = self._stage.route(job.source_topic)
        if route.event is None:
            _, job.lineage = read_headers(job.headers)
            return route, job.record
        subject, job.lineage = decode(job.received.value, job.headers, route.event)
        if self._left_s(job) <= 0:
            raise DeadlinePassedError("the message's own deadline has passed")
        return route, subject

    async def _handle(self, job: Job, route: Route, subject: Event | Record) -> tuple[Event, ...]:
        try:
            return await self._before_deadline(job, route, subject)
        except OutageError:
            raise
        except Exception as error:
            if self._stage.dead_letters:
                raise
            log.exception("stuck", topic=job.topic, offset=job.received.offset)
            raise StuckError(f"{type(error).__name__} on {job.topic}; see the log") from error

    async def _before_deadline(
        self, job: Job, route: Route, subject: Event | Record
    ) -> tuple[Event, ...]:
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

    def _deadline(self, job: Job) -> float:
        """When this delivery's work must be done: in its own time, or at the message's deadline."""
        return self._loop.time() + min(self._settings.deadline_s, self._left_s(job))

    def _left_s(self, job: Job) -> float:
        """Seconds until the message's own deadline; an operator's replay outweighs it."""
        told = job.lineage.deadline_s
        return float("inf") if told is None or job.delivery.replays else told - time.time()

    async def _try(self, job: Job, route: Route, subject: Event | Record) -> tuple[Event, ...]:
        try:
            return await self._once(job, route, subject)
        except Exception as error:
            if not self._may_try_again(error, job):
                raise
            await asyncio.sleep(self._first_wait(error))
        return await self._retrying(job)(self._once, job, route, subject)

    async def _once(self, job: Job, route: Route, subject: Event | Record) -> tuple[Event, ...]:
        try:
            if not route.wants_delivery:
                return await route.handle(subject, None)
            return await route.handle(subject, replace(job.delivery, deadline=job.deadline))
        except Exception as error:
            job.note_failure(error)
            raise

    def _retrying(self, job: Job) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception(lambda error: self._may_try_again(error, job)),
            wait=self._wait,
            reraise=True,
        )

    def _may_try_again(self, error: BaseException, job: Job) -> bool:
        if isinstance(error, ThrottledError):
            # A wait beyond the deadline would end as a timeout, and being told to wait is none.
            left_s = job.deadline - self._loop.time()
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
        sent = partial(self._sent, job, events)
        try:
            await self._publisher.send(events, sent, cause=job.lineage)
        except (OutageError, TooLargeToSendError):
            await self._publish_again(job, events)

    def _sent(self, job: Job, events: tuple[Event, ...], error: Exception | None) -> None:
        if error is None:
            self._ended_well(job)
            return
        task = job.task = asyncio.ensure_future(self._publish_again(job, events))
        self._republishing.add(task)
        task.add_done_callback(self._republishing.discard)

    async def _publish_again(self, job: Job, events: tuple[Event, ...]) -> None:
        cause = job.lineage
        try:
            await self._publishing.run(lambda: self._publisher.publish(events, cause=cause))
        except Exception as error:  # noqa: BLE001 - an event that no topic takes is a dead letter
            await self._set_aside(job, error)
        else:
            self._ended_well(job)

    def _ended_well(self, job: Job) -> None:
        self.stoppage.settled()
        job.finish()

    async def _set_aside(self, job: Job, error: Exception) -> bool:
        """Whether the message is to be tried again later; if not, it is a dead letter now."""
        if not job.tries:
            job.note_failure(error)
        decision = failures.decide(error, job.delivery, self._settings)
        failure = letters.describe(error, self._stage.service)
        if failures.is_bug(error):
            log.error("bug", exc_info=error, fingerprint=failure.fingerprint)
        if isinstance(decision, failures.RetryLater):
            await self._publishing.run(lambda: self._retry_later(job, decision, failure))
            job.finish()
            return True
        await self._publishing.run(lambda: self._dead_letter(job, failure))
        if not isinstance(error, DeadlinePassedError):  # that says nothing of the stage
            self.stoppage.died(failure.fingerprint, failure.code)
        job.finish()
        return False

    async def _retry_later(
        self, job: Job, decision: failures.RetryLater, failure: letters.Failure
    ) -> None:
        topic = retry_topic(self._stage.service, decision.tier).name
        not_before_ms = ceil((time.time() + decision.delay_s) * 1000)
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


def _forget_cancellation() -> int:
    """Take back the deadline's cancellation; how many of others are left."""
    task = asyncio.current_task()
    assert task is not None
    return task.uncancel()


def _meaning_of(error: asyncio.CancelledError, job: Job) -> BaseException:
    """Tell a deadline and a leak from our own wish to stop.

    A cancellation that leaks out of a handler would, taken for ours, end the task that works on
    messages without a trace, and without settling this one.
    """
    if job.expired and _forget_cancellation() == 0:
        timeout = TimeoutError()
        job.note_failure(timeout)
        return timeout
    task = asyncio.current_task()
    return error if task is not None and task.cancelling() else LeakedCancellationError()
