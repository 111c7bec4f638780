"""Processing of one message until it is settled: published, in a retry topic, or dead-lettered.

This is the only place where a handler's failure is caught. Whatever happens, a message is settled
only once the broker has acknowledged what came of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from contracts import headers as h
from contracts.content_bugs import convert_bugs_triggered_by_message
from contracts.errors import (
    BugTriggeredByMessageError,
    ErrorCode,
    OutageError,
    RejectedError,
    ThrottledError,
)
from contracts.waiting_decisions import WaitingAction
from messaging.dead_letters import headers as dead_letter_headers
from messaging.dead_letters.failure_router import FailureRouter
from messaging.dead_letters.metrics import DeadLetterMetrics
from messaging.delivery import get_header_text, split_headers
from messaging.limits import MessageLimits
from messaging.processing import failure_policy
from messaging.processing.attempts import HandlerRunner
from messaging.processing.decoding import decode_for_handler
from messaging.processing.failure_policy import drop_tracebacks
from messaging.processing.failure_rate_breaker import FailureRateBreaker
from messaging.processing.inflight import InFlightMessage
from messaging.processing.outage_gate import OutageGate
from messaging.processing.record_batches import RecordBatchProcessor
from messaging.processing.throttle import ThrottledMessages
from messaging.processing.waiting_decisions import (
    DecisionOnWait,
    GivenUpError,
    WaitingDecisions,
)
from messaging.producer.outgoing import DISCARDED, Outgoing
from messaging.producer.publisher import Publisher, RecordTooLargeError
from messaging.settings import StageSettings
from messaging.stage import Stage
from messaging.stage_metrics import StageMetrics

log = structlog.get_logger(__name__)

_DECODING: Final = convert_bugs_triggered_by_message("decoding the message")

MAX_NEWCOMERS: Final = 256
"""Messages that may be admitted beyond the window, one by one, while all in it wait."""


class MessageProcessor:
    """Processor that calls the handlers, and applies the failure policy to failed messages.

    Args:
        stage: the handlers.
        settings: tries, deadlines, retry delays.
        publisher: where results, retries and dead letters go.
        group: the consumer group, as dead letters name it.
        decisions: what operators decided about messages that wait.

    Attributes:
        decisions: what operators decided about messages that wait.
        metrics: counts what becomes of messages.
        breaker: watches how messages end, and stops the stage if too many fail.
        failure: why a message could not be settled although nobody works on it any more.
    """

    def __init__(
        self,
        stage: Stage,
        settings: StageSettings,
        publisher: Publisher,
        *,
        group: str,
        decisions: WaitingDecisions | None = None,
    ) -> None:
        self._stage = stage
        self.decisions = WaitingDecisions() if decisions is None else decisions
        self._settings = settings
        self._publisher = publisher
        self.metrics = StageMetrics(stage.service)
        self._attempts = HandlerRunner(
            settings, has_dead_letters=stage.dead_letters, metrics=self.metrics
        )
        self._dead_letter_metrics = DeadLetterMetrics(stage.service)
        self._failure_router = FailureRouter(stage.service, group, publisher)
        pauses = (settings.outage_pause_s, settings.outage_pause_max_s)
        # One gate each: that the broker answers says nothing of the model, and the reverse.
        self._handling = OutageGate(*pauses, self.metrics.paused)
        self._publishing = OutageGate(*pauses, self.metrics.paused)
        # Messages that fail take longer than those that do not, so of what is in flight together
        # the failures come last; a window of twice that does not take them for all there is.
        window = max(settings.stop_window, 2 * settings.max_in_flight)
        shares = (settings.stop_share, settings.stop_share_of_all)
        self.breaker = FailureRateBreaker(window, *shares, *pauses, on_close=self.metrics.paused)
        self._batches = RecordBatchProcessor(stage, self._handling, settings.deadline_s)
        self._limits = MessageLimits(
            stage.service, settings.max_message_bytes, settings.max_json_values
        )
        self._throttle = ThrottledMessages()
        self._has_tiers = stage.dead_letters and bool(settings.retry_delays_s)
        self._working = 0
        self._most_in_flight = 2 * settings.max_in_flight + MAX_NEWCOMERS
        self._republishing: set[asyncio.Task[None]] = set()
        self._closed = False
        self.failure: Exception | None = None

    @property
    def trouble(self) -> str:
        """The reason why the whole stage is held up, for people; empty if it is not."""
        return (
            self._handling.reason
            or self._publishing.reason
            or self.breaker.gate.reason
            or self._publisher.trouble
        )

    @property
    def can_publish(self) -> bool:
        """Whether the broker takes what comes of messages, as far as is known."""
        return self._publishing.is_open and not self._publisher.trouble

    @property
    def detail(self) -> str:
        """What delays single messages although the stage works, for people; may be empty."""
        suspected = (
            f"{gate.suspects} of its messages meet an outage while others pass ({gate.suspicion})"
            for gate in (self._handling, self._publishing)
            if gate.suspects
        )
        throttled = self._throttle.describe(datetime.now(UTC))
        return "; ".join(filter(None, (throttled, *suspected)))

    def admits_newcomer(self, *, in_flight: int, room: int) -> bool:
        """Return whether to start one more message, room or not, as a probe.

        So it is where all that is worked on waits: for a closed gate, as whoever could open it may
        have been cancelled by a rebalance, or may fail for reasons of its own; or, with no room
        left, for turns of their own as they meet an outage that others do not.

        Args:
            in_flight: how many messages are in flight.
            room: how many more there is room for.
        """
        gates = (self.breaker.gate, self._handling, self._publishing)
        if not in_flight:
            return not all(gate.is_open for gate in gates)
        if room > 0 and all(gate.is_open for gate in gates):
            return False
        waiting = sum(gate.waiting for gate in gates)
        active = self._working + len(self._republishing)
        untried = sum(gate.untried for gate in gates)
        return 0 < waiting >= active and not untried and in_flight < self._most_in_flight

    async def work(self, job: InFlightMessage) -> None:
        """Process a message; outages are waited out, however long.

        When it returns, there is nothing left to do but to wait for the broker: ``job.finish()``
        is called when what came of the message is acknowledged, which may be later.
        """
        self._working += 1
        self.metrics.waited(time.monotonic() - job.fetched_at)
        gate = self.breaker.gate
        try:
            if gate.is_open or not await gate.wait_for_turn():
                await self._settle(job)
                return
            try:
                self.breaker.probe_ended(well=await self._settle(job))
            finally:
                gate.end_turn()
        finally:
            self._working -= 1

    def may_work_together(self, job: InFlightMessage) -> bool:
        """Return whether a message may be processed together with others of its partition."""
        return self._batches.takes(job)

    async def work_together(self, jobs: Sequence[InFlightMessage]) -> bool:
        """Process messages of one partition together that may be.

        Returns:
            Whether they are finished; else each has to be processed by itself.
        """
        self._working += 1
        began = time.monotonic()
        try:
            if not await self._batches.process(jobs):
                return False
        finally:
            self._working -= 1
        took_s = time.monotonic() - began
        for job in jobs:
            job.handled = True
            self.metrics.waited(began - job.fetched_at)
            self.metrics.called(took_s)
            self._ended_well(job)
        return True

    async def close(self) -> None:
        """Stop watching deadlines, and cancel republishing."""
        self._closed = True
        self._attempts.close()
        for task in list(self._republishing):
            task.cancel()
        await asyncio.gather(*self._republishing, return_exceptions=True)

    async def _settle(self, job: InFlightMessage) -> bool | None:
        """Whether it ended well; None if its end says nothing of the stage."""
        resumed = self.breaker.resumed
        try:
            if job.tier is not None and await self._follow_decision(job):
                return None
            with _DECODING:
                route, subject = decode_for_handler(self._stage, self._limits, job)
            proved = job.tier is not None and job.delivery.own_outage
            events = await self._handling.run(
                self._attempts.handle,
                *(job, route, subject),
                may_be_its_own=self._has_tiers,
                proved=proved,
            )
            job.handled = True
            if events:
                await self._publish(job, events)
            elif events is DISCARDED:
                self.metrics.discarded(1)
                self._finish_well(job)
            else:
                self._ended_well(job)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises has a row in the design's table
            job.handled = True
            await self._salvage(job, error)
            is_well = await self._dead_letter(job, error, resumed=resumed)
            drop_tracebacks(error)
            return is_well
        return True

    async def _follow_decision(self, job: InFlightMessage) -> bool:
        """Do what an operator decided about a message of a retry topic, unless it is to be tried.

        Returns:
            Whether the message is settled by that: it is held, or a dead letter.
        """
        decision = self.decisions.find(job.delivery)
        if decision is None:
            return False
        if decision.action is WaitingAction.GIVE_UP:
            job.handled = True
            error = GivenUpError(_describe_giving_up(job, decision))
            failure = dead_letter_headers.describe_failure(error, self._stage.service)
            await self._publishing.run(self._failure_router.dead_letter, job, failure)
            self._count_dead_letter(job, failure.code)
        elif decision.action is WaitingAction.HOLD and decision.held_until_ms > time.time() * 1000:
            job.handled = True
            until_ms = decision.held_until_ms
            if await self._publishing.run(self._failure_router.hold, job, until_ms):
                self.metrics.held()
            else:
                self._count_dead_letter(job, ErrorCode.TOO_LARGE)
        else:
            return False
        job.finish()
        return True

    async def _publish(self, job: InFlightMessage, events: Sequence[Outgoing]) -> None:
        sent = partial(self._sent, job, events)
        try:
            await self._publisher.send(events, sent, cause=job.lineage)
        except (OutageError, RecordTooLargeError):
            await self._publish_again(job, events)

    def _sent(
        self, job: InFlightMessage, events: Sequence[Outgoing], error: Exception | None
    ) -> None:
        if error is None:
            try:
                self._ended_well(job)
            except Exception as unforeseen:  # noqa: BLE001 - whoever called has no use for it
                self._not_settled(job, unforeseen)
            return
        if self._closed:
            return  # what is not acknowledged is delivered again
        task = job.task = asyncio.ensure_future(self._publish_again(job, events))
        self._republishing.add(task)
        task.add_done_callback(partial(self._republished, job))

    def _republished(self, job: InFlightMessage, task: asyncio.Task[None]) -> None:
        self._republishing.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._not_settled(job, error)

    def _not_settled(self, job: InFlightMessage, error: Exception) -> None:
        # Nobody else works on the message: the consumption has to begin anew, which has it
        # delivered again.
        log.error("unsettled", topic=job.topic, offset=job.received.offset, exc_info=error)
        self.failure = self.failure or error

    async def _publish_again(self, job: InFlightMessage, events: Sequence[Outgoing]) -> None:
        cause = job.lineage
        try:
            await self._publishing.run(
                lambda: self._publisher.publish(events, cause=cause),
                may_be_its_own=self._has_tiers,
            )
        except Exception as error:  # noqa: BLE001 - an event that no topic takes is a dead letter
            await self._dead_letter(job, error)
        else:
            self._ended_well(job)

    async def _salvage(self, job: InFlightMessage, error: Exception) -> None:
        """Send on what is good in a message that is about to be a dead letter.

        Before the letter, so that a crash in between has both done again, and loses neither.
        """
        if not isinstance(error, RejectedError) or not (events := error.salvaged):
            return
        cause = job.lineage
        try:
            await self._publishing.run(
                lambda: self._publisher.publish(events, cause=cause), may_be_its_own=True
            )
        except Exception:
            # Whatever it is, the letter holds the message, and with it whatever was good.
            log.exception("not_salvaged", topic=job.topic, offset=job.received.offset)

    def _ended_well(self, job: InFlightMessage) -> None:
        self.metrics.done()
        self._finish_well(job)

    def _finish_well(self, job: InFlightMessage) -> None:
        self.breaker.settled()
        job.finish()

    async def _dead_letter(
        self, job: InFlightMessage, error: Exception, *, resumed: int | None = None
    ) -> bool | None:
        """Put a message into a retry topic or the DLQ, whole if nothing unforeseen prevents it.

        Returns:
            False: that is no good end; None if it says nothing of the stage.
        """
        failure = dead_letter_headers.describe_failure(error, self._stage.service)
        counts = failure_policy.counts_towards_failure_rate(error)
        _log_bug(error, failure)
        try:
            await self._write_dead_letter(job, error, failure)
        except Exception as unforeseen:
            # Left unsettled, the message would be delivered again, and end here again, for ever.
            log.exception("not_set_aside", topic=job.topic, offset=job.received.offset)
            bug = dead_letter_headers.describe_failure(
                unforeseen, self._stage.service, code=ErrorCode.BUG
            )
            bug = replace(bug, message=f"{failure.code}, then not set aside whole: {bug.message}")
            await self._publishing.run(self._failure_router.dead_letter_without_content, job, bug)
            self._count_dead_letter(job, bug.code)
            drop_tracebacks(unforeseen)
        if counts:
            subject = job.subject if isinstance(job.subject, bytes) else None
            self.breaker.failed(failure.fingerprint, failure.code, subject=subject, resumed=resumed)
        job.finish()
        return False if counts else None

    async def _write_dead_letter(
        self,
        job: InFlightMessage,
        error: Exception,
        failure: dead_letter_headers.FailureDescription,
    ) -> None:
        if not job.tries:
            job.note_failure(error)
        now = datetime.now(UTC)
        decision = failure_policy.decide_next_step(error, job.delivery, self._settings, now=now)
        # An outage of these writes is never the message's own: there is no other place for it.
        if isinstance(decision, failure_policy.RetryLater):
            if isinstance(error, ThrottledError):
                self._throttle.note(failure, error.retry_after, decision.delay_s, now)
            retry_later = self._failure_router.retry_later
            if await self._publishing.run(retry_later, job, decision, failure):
                self.metrics.retried(decision.tier)
            else:
                self._count_dead_letter(job, failure.code)
        else:
            await self._publishing.run(self._failure_router.dead_letter, job, failure)
            self._count_dead_letter(job, failure.code)

    def _count_dead_letter(self, job: InFlightMessage, code: ErrorCode) -> None:
        self.metrics.dead()
        self._dead_letter_metrics.record(job.record, code)


def _describe_giving_up(job: InFlightMessage, decision: DecisionOnWait) -> str:
    _, added = split_headers(job.received.headers)
    waited = get_header_text(added, h.ERROR_CODE)
    why = f" ({waited})" if waited else ""
    reason = f": {decision.reason}" if decision.reason else ""
    return f"given up by {decision.decided_by} while it waited to be tried again{why}{reason}"


def _log_bug(error: Exception, failure: dead_letter_headers.FailureDescription) -> None:
    if isinstance(error, BugTriggeredByMessageError):
        # Not the exception itself: its text, and those of what led to it, may quote the message.
        log.error(
            "bug",
            reason=failure.message,
            error_type=failure.error_type,
            stack=failure.stack,
            fingerprint=failure.fingerprint,
        )
    elif failure_policy.is_unexpected_error(error):
        log.error("bug", exc_info=error, fingerprint=failure.fingerprint)
