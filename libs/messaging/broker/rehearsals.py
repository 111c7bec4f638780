"""Rehearsals: a record is taken through a stage's current code, and nothing comes of it.

::

    POST /rehearse ─▶ read ─▶ handler ─▶ passes: what it would have written
                        │        ├─────▶ fails: the error as a dead letter would have it
                        └────────┘─────▶ undecided: a model's answer is needed, or an outage

Nothing is published or committed, no gate or breaker hears of it, and databases roll back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition

from contracts.content_bugs import convert_bugs_triggered_by_message
from contracts.encoded import unwrap_event_class
from contracts.errors import ErrorCode, OutageError, RetryableError, ThrottledError
from contracts.events import Event
from contracts.rehearsals import (
    RehearsedRecord,
    StageOutcome,
    StageRehearsal,
    StageRehearsalRequest,
    build_rehearsed_record,
)
from contracts.topics import build_retry_topic, get_event_topic
from messaging.codec import encode_event
from messaging.dead_letters.headers import describe_failure
from messaging.delivery import PropagatedContext
from messaging.limits import MessageLimits
from messaging.processing.attempts import HandlerRunner
from messaging.processing.decoding import decode_for_handler
from messaging.processing.failure_policy import drop_tracebacks
from messaging.processing.inflight import InFlightMessage
from messaging.producer.outgoing import Outgoing
from messaging.settings import StageSettings
from messaging.stage import Stage
from rehearsal import Rehearsal, rehearsing

AT_ONCE: Final = 2
"""Records that a service rehearses at the same time; others wait for their turn."""

_DECODING: Final = convert_bugs_triggered_by_message("decoding the message")

_PASSING_FAILURES: Final = frozenset({ErrorCode.CONFLICT, ErrorCode.OUT_OF_MEMORY})
"""Failures that say how busy a service is, and nothing of the message."""


class RecordRehearser:
    """Runner that passes a record to a service's handlers without effects, to predict a replay.

    Args:
        source: the CloudEvents ``source`` of what the service writes.
        prefix: of the installation's topics.
    """

    def __init__(self, source: str, prefix: str) -> None:
        self._source = source
        self._prefix = prefix
        self._places = asyncio.Semaphore(AT_ONCE)

    async def rehearse(
        self, stage: Stage, settings: StageSettings, asked: StageRehearsalRequest
    ) -> StageRehearsal:
        """Take a record through a stage's code, without tries in place, and undo what it did.

        Args:
            stage: the handlers.
            settings: how long a message may take, and its limits.
            asked: the record, as its topic has it, and whether models may be called.
        """
        async with self._places:
            rehearsal = Rehearsal(asked.mode, asked.budget_usd)
            runner = HandlerRunner(
                settings.model_copy(update={"tries": 1, "throttle_ceiling_s": 0.0}),
                has_dead_letters=True,
            )
            job = self._build_job(stage.service, asked.record)
            try:
                with rehearsing(rehearsal):
                    # A task of its own, as deadlines cancel the task that works on a message.
                    task = asyncio.create_task(_handle(stage, settings, runner, job))
                    job.task = task
                written, error = await _wait_for(task)
            finally:
                runner.close()
                await rehearsal.cleanup.aclose()
        return self._describe(stage.service, rehearsal, asked.wanted, job, written, error)

    def _build_job(self, service: str, record: RehearsedRecord) -> InFlightMessage:
        topic = record.topic
        is_replay = topic == build_retry_topic(service, 0).name
        key, value = record.key, record.value
        received: Any = ConsumerRecord(
            topic=self._prefix + topic,
            partition=0,
            offset=0,
            timestamp=-1,
            timestamp_type=0,
            key=key,
            value=value,
            checksum=None,
            serialized_key_size=-1 if key is None else len(key),
            serialized_value_size=-1 if value is None else len(value),
            headers=record.get_headers(),
        )
        place = TopicPartition(self._prefix + topic, 0)
        return InFlightMessage(received, place, topic, 0 if is_replay else None, _finish_nothing)

    def _describe(  # noqa: PLR0913, PLR0917 - what it describes has as many parts
        self,
        service: str,
        rehearsal: Rehearsal,
        wanted: Collection[str],
        job: InFlightMessage,
        written: Sequence[Outgoing],
        error: Exception | None,
    ) -> StageRehearsal:
        calls = {
            "calls_cached": rehearsal.calls_cached,
            "calls_made": rehearsal.calls_made,
            "calls_needed": rehearsal.calls_needed,
            "cost_usd": rehearsal.cost_usd,
        }
        # Whoever catches the error of a call that was not made goes on as without its answer.
        if rehearsal.calls_needed:
            reason = f"it takes a model's answer: {rehearsal.reason}"
            return StageRehearsal(outcome=StageOutcome.UNDECIDED, reason=reason, **calls)
        if rehearsal.cut_off:
            return StageRehearsal(outcome=StageOutcome.UNDECIDED, reason=rehearsal.cut_off, **calls)
        if error is None:
            records = tuple(self._encode(written, wanted, job.lineage))
            return StageRehearsal(outcome=StageOutcome.PASSES, written=records, **calls)
        failure = describe_failure(error, service)
        if (undecided := _why_undecided(error)) is not None:
            return StageRehearsal(outcome=StageOutcome.UNDECIDED, reason=undecided, **calls)
        drop_tracebacks(error)
        return StageRehearsal(
            outcome=StageOutcome.FAILS,
            error_code=failure.code.value,
            error_type=failure.error_type,
            # A lone surrogate, as of a header's name, is no text that JSON could have.
            error_message=failure.message.encode(errors="backslashreplace").decode(),
            **calls,
        )

    def _encode(
        self, written: Sequence[Outgoing], wanted: Collection[str], cause: PropagatedContext
    ) -> Iterator[RehearsedRecord]:
        for one in written:
            if not isinstance(one, Event):
                continue  # no stage of onrecord writes anything else
            topic = get_event_topic(unwrap_event_class(one)).name
            if topic in wanted:
                key, value, headers = encode_event(one, source=self._source, cause=cause)
                yield build_rehearsed_record(topic, key, value, headers)


async def _handle(
    stage: Stage, settings: StageSettings, runner: HandlerRunner, job: InFlightMessage
) -> Sequence[Outgoing]:
    limits = MessageLimits(stage.service, settings.max_message_bytes, settings.max_json_values)
    with _DECODING:
        route, subject = decode_for_handler(stage, limits, job)
    return await runner.handle(job, route, subject)


async def _wait_for(
    task: asyncio.Task[Sequence[Outgoing]],
) -> tuple[Sequence[Outgoing], Exception | None]:
    """Return what a record caused, or why it failed; cancelled, end its task first."""
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    if task.cancelled():
        return (), OutageError("the rehearsal was given up", code=ErrorCode.TIMEOUT)
    error = task.exception()
    if error is not None and not isinstance(error, Exception):
        raise error
    return (task.result(), None) if error is None else ((), error)


def _why_undecided(error: Exception) -> str | None:
    """Return why a failure says nothing of the record; None if it does."""
    if isinstance(error, OutageError):
        return f"a dependency of the service is away: {error.code.value}"
    if isinstance(error, ThrottledError):
        return "the service is asked to wait before it goes on"
    if isinstance(error, RetryableError) and error.code in _PASSING_FAILURES:
        return f"the service is busy: {error.code.value}"
    return None


def _finish_nothing(_: InFlightMessage) -> None:
    """Settle nothing: there is no offset to commit."""
