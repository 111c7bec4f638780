"""Sees one message through to its end: handled, waiting in a retry topic, or a dead letter.

This is the only place where a handler's failure is caught. Whatever happens, a message is settled
only once the broker has acknowledged what came of it.
"""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from contracts.errors import OutageError, RejectedError
from contracts.events import Event
from messaging import failures, letters
from messaging.attempts import Attempts
from messaging.codec import decode, read_headers
from messaging.delivery import Record
from messaging.failures import DeadlinePassedError
from messaging.jobs import Job
from messaging.limits import Limits, TooLargeError
from messaging.outage import OutageGate, Stoppage
from messaging.publisher import Publisher, TooLargeToSendError
from messaging.setting_aside import Aside
from messaging.settings import StageSettings
from messaging.stage import Route, Stage

log = structlog.get_logger(__name__)


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
        self._attempts = Attempts(settings, sets_aside=stage.dead_letters)
        self._aside = Aside(stage.service, group, publisher)
        pauses = (settings.outage_pause_s, settings.outage_pause_max_s)
        # One gate each: that the broker answers says nothing of the model, and the reverse.
        self._handling = OutageGate(*pauses)
        self._publishing = OutageGate(*pauses)
        # Messages that die take longer than those that do not, so of what is in flight together
        # the deaths come last; a window of twice that does not take them for all there is.
        window = max(settings.stop_window, 2 * settings.max_in_flight)
        self.stoppage = Stoppage(window, settings.stop_share, *pauses)
        self._limits = Limits(stage.service, settings.max_message_bytes, settings.max_json_values)
        self._republishing: set[asyncio.Task[None]] = set()
        self._closed = False

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
        """Whether a gate is closed, so that some message has to try whether it may open.

        Those that closed it may have been cancelled by a rebalance since.
        """
        gates = (self.stoppage.gate, self._handling, self._publishing)
        return not all(gate.is_open for gate in gates)

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
        self._closed = True
        self._attempts.close()
        for task in list(self._republishing):
            task.cancel()
        await asyncio.gather(*self._republishing, return_exceptions=True)

    async def _settle(self, job: Job) -> bool:
        """Whether it ended well: neither in a retry topic nor as a dead letter."""
        try:
            route, subject = self._read(job)
            events = await self._handling.run(self._attempts.handle, job, route, subject)
            if events:
                await self._publish(job, events)
            else:
                self._ended_well(job)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises has a row in the design's table
            await self._salvage(job, error)
            return await self._set_aside(job, error)
        return True

    def _read(self, job: Job) -> tuple[Route, Event | Record]:
        if self._stage.dead_letters:  # a stage without them takes whatever there is
            _refuse(job, self._limits.complaint_about(job.received))
        route = self._stage.route(job.source_topic)
        if route.event is None:
            _, job.lineage = read_headers(job.headers)
            return route, job.record
        _refuse(job, self._limits.complaint_about_json(job.received.value))
        subject, job.lineage = decode(job.received.value, job.headers, route.event)
        told = job.lineage.deadline_s
        if told is not None and not job.delivery.replays:  # an operator's replay outweighs it
            job.due_s = told
        return route, subject

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
        if self._closed:
            return  # what is not acknowledged is delivered again
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

    async def _salvage(self, job: Job, error: Exception) -> None:
        """Send on what is good in a message that is about to be a dead letter.

        Before the letter, so that a crash in between has both done again, and loses neither.
        """
        if not isinstance(error, RejectedError) or not (events := error.salvaged):
            return
        cause = job.lineage
        try:
            await self._publishing.run(lambda: self._publisher.publish(events, cause=cause))
        except TooLargeToSendError:
            # The letter holds the message, and with it whatever was good.
            log.exception("salvage_too_large", topic=job.topic, offset=job.received.offset)

    def _ended_well(self, job: Job) -> None:
        self.stoppage.settled()
        job.finish()

    async def _set_aside(self, job: Job, error: Exception) -> bool:
        """False: that a message waits in a retry topic, or is a dead letter, is no good end."""
        if not job.tries:
            job.note_failure(error)
        decision = failures.decide(error, job.delivery, self._settings)
        failure = letters.describe(error, self._stage.service)
        if failures.is_bug(error):
            log.error("bug", exc_info=error, fingerprint=failure.fingerprint)
        if isinstance(decision, failures.RetryLater):
            await self._publishing.run(self._aside.retry_later, job, decision, failure)
            job.finish()
            return False
        await self._publishing.run(self._aside.dead_letter, job, failure)
        if not isinstance(error, DeadlinePassedError):  # that says nothing of the stage
            self.stoppage.died(failure.fingerprint, failure.code)
        job.finish()
        return False


def _refuse(job: Job, complaint: str) -> None:
    """Raise what is complained about, if anything; no frame of the error holds the message."""
    if complaint:
        job.shorten(complaint)
        raise TooLargeError(complaint)
