"""A subscribed topic of a FastStream broker, as the consumer sees it.

Two ways lead to a handler. The direct one decodes the record and calls the function; it is taken
where that is all that FastStream would do. Everything else (middlewares, dependencies, filters,
parsers, decoders, synchronous handlers) takes the steps of FastStream's ``process_message``
(``internals/pipeline.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, Final

from aiokafka import ConsumerRecord
from faststream.exceptions import HandlerException, NackMessage, RejectMessage
from pydantic import ValidationError

from contracts.errors import ErrorCode, RejectedError, RetryableError
from contracts.events import Event
from messaging.broker.internals import (
    AckRecordingMessage,
    AckStatus,
    ManagedSubscriber,
    PreparedHandler,
    RecordPipeline,
    publishing_to,
)
from messaging.broker.payloads import (
    convert_validation_error,
    decode_payload,
    is_event_type,
    is_model_type,
    is_record_type,
    takes_many_records,
)
from messaging.broker.record_batches import RecordBatchRoute
from messaging.broker.registrator import DELIVERY
from messaging.broker.results import (
    HandlerResults,
    extract_events,
    get_declared_events,
    require_publishers,
)
from messaging.codec import read_event_headers
from messaging.delivery import (
    NO_CONTEXT,
    Delivery,
    Headers,
    PropagatedContext,
    Record,
    get_header_text,
)
from messaging.processing.inflight import InFlightMessage
from messaging.producer.outgoing import DISCARDED, Outgoing
from messaging.stage import TopicSubscription
from messaging.tracing import generate_correlation_id

_SCOPED: Final = frozenset({"message", "handler_", "logger", "log_context"})
"""What FastStream puts into its context for one message only."""


class RedeliveryRequestedError(RetryableError):
    """Raised when a handler asked for redelivery by ``message.nack()``."""

    code = ErrorCode.NACKED


class RejectedByHandlerError(RejectedError):
    """Raised when a handler rejected its message by ``message.reject()``."""

    code = ErrorCode.REJECTED


@dataclass(frozen=True, slots=True)
class _Correlated:
    """A decoded message whose correlation id goes on to what is published."""

    payload: Any
    correlation_id: str


@dataclass(frozen=True, slots=True)
class DirectRoute:
    """Route that decodes a topic's records and calls the handler, without FastStream.

    Attributes:
        topic: its name without prefix.
        call: the handler.
        payload: the type it takes; an event, a model or the record.
        config: FastStream's settings of the broker.
        context: reads a value of FastStream's context.
        correlates: whether it has publishers of topics that are not declared, whose messages carry
            FastStream's correlation id.
        declared: the events that its publishers are declared for.
        wants_delivery: whether the handler asks for the delivery.
        is_json: whether the handler takes what was JSON.
    """

    topic: str
    call: PreparedHandler
    payload: Any
    config: Any
    context: Callable[[str], Any]
    correlates: bool
    declared: frozenset[type[Event]]
    wants_delivery: bool
    is_json: bool
    handle_many: None = None

    def read(self, job: InFlightMessage) -> tuple[Any, PropagatedContext]:
        """Decode the record.

        Raises:
            BadMessageError: it is not what the handler takes.
        """
        headers = job.headers
        if self.payload is Record:
            return job.record, read_event_headers(headers)[1]
        payload, lineage = decode_payload(job.received.value, headers, self.payload)
        if self.correlates:
            return _Correlated(payload, _correlation_id(headers)), lineage
        return payload, lineage

    async def handle(self, subject: Any, delivery: Delivery | None) -> Sequence[Outgoing]:
        """Call the handler and return what its publishers are to send."""
        call, correlation_id = self.call, None
        if isinstance(subject, _Correlated):
            subject, correlation_id = subject.payload, subject.correlation_id
        try:
            if call.context:
                known = {
                    name: delivery if key == DELIVERY else self.context(key)
                    for name, key in call.context.items()
                }
                returned = await call.function(**{call.payloads[0][0]: subject}, **known)
            else:
                returned = await call.function(subject)
        except HandlerException as instruction:
            _raise_instruction(instruction)
            return ()
        events = extract_events(returned)
        if events is not None and not self.correlates:
            require_publishers(events, self.declared)
            return events
        results = HandlerResults(self.config, NO_CONTEXT)
        token = publishing_to.set(results)
        try:
            for publisher in call.publishers:
                await publisher.publish_result(returned, correlation_id)
        finally:
            publishing_to.reset(token)
        return results.records


@dataclass(frozen=True, slots=True)
class _ReceivedRecord:
    """A record as aiokafka has it, and what of its headers is carried on."""

    record: Any
    lineage: PropagatedContext


@dataclass(frozen=True, slots=True)
class FastStreamRoute:
    """Route that passes a topic's records through FastStream's middlewares to its handlers.

    Attributes:
        topic: its name without prefix.
        pipeline: the steps to its handlers.
        config: FastStream's settings of the broker.
        prefix: of the installation's topics.
        is_json: whether its records are held to JSON's limits.
        declared: the events that its publishers are declared for; None if some are for anything.
    """

    topic: str
    pipeline: RecordPipeline
    config: Any
    prefix: str
    is_json: bool
    declared: frozenset[type[Event]] | None
    wants_delivery: bool = True
    handle_many: None = None

    def read(self, job: InFlightMessage) -> tuple[_ReceivedRecord, PropagatedContext]:
        """Return the record; FastStream decodes it."""
        lineage = read_event_headers(job.headers)[1]
        if job.tier is None:
            return _ReceivedRecord(job.received, lineage), lineage
        return _ReceivedRecord(_received(job.record, self.prefix + self.topic), lineage), lineage

    async def handle(
        self, subject: _ReceivedRecord, delivery: Delivery | None
    ) -> Sequence[Outgoing]:
        """Run FastStream's machinery and return what its publishers are to send.

        Raises:
            RedeliveryRequestedError: the handler nacked the message.
            RejectedByHandlerError: the handler rejected the message.
            BadMessageError: the message does not fit the handler's parameters.
        """
        results = HandlerResults(self.config, subject.lineage)
        token = publishing_to.set(results)
        try:
            response = await self.pipeline.run(subject.record, (DELIVERY, delivery))
        except HandlerException as instruction:
            _raise_instruction(instruction)
            return results.records
        except ValidationError as error:
            if (blamed := convert_validation_error(error, self.topic)) is None:
                raise
            raise blamed from None
        finally:
            publishing_to.reset(token)
        _raise_acknowledgement(results.message)
        if self.declared is not None and (events := extract_events(response.body)):
            require_publishers(events, self.declared)
        return DISCARDED if response.body is DISCARDED else results.records


def _correlation_id(headers: Headers) -> str:
    return get_header_text(headers, "correlation_id") or generate_correlation_id()


def _raise_instruction(instruction: HandlerException) -> None:
    """Raise our error for FastStream's ``NackMessage`` or ``RejectMessage``; others settle it."""
    if isinstance(instruction, NackMessage):
        raise RedeliveryRequestedError("the handler raised NackMessage") from instruction
    if isinstance(instruction, RejectMessage):
        raise RejectedByHandlerError("the handler raised RejectMessage") from instruction


def _raise_acknowledgement(message: AckRecordingMessage | None) -> None:
    """Raise our error if the handler called ``message.nack()`` or ``message.reject()``."""
    if message is None:
        return
    if message.committed is AckStatus.NACKED:
        raise RedeliveryRequestedError("the handler called message.nack()")
    if message.committed is AckStatus.REJECTED:
        raise RejectedByHandlerError("the handler called message.reject()")


def _received(record: Record, topic: str) -> Any:
    """A record as aiokafka has it, without the headers that a retry topic added."""
    key, value = record.key, record.value
    return ConsumerRecord(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp_ms,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=-1 if key is None else len(key),
        serialized_value_size=-1 if value is None else len(value),
        headers=record.headers,
    )


def build_routes(subscriber: ManagedSubscriber, prefix: str) -> list[TopicSubscription]:
    """Build a subscriber's routes, one for each topic, by which records reach its handler.

    Args:
        subscriber: started, so that its handlers are ready.
        prefix: of the installation's topics.
    """
    topics = subscriber.names_without(prefix)
    if (call := _direct(subscriber)) is None:
        return [_build_faststream_route(subscriber, topic, prefix) for topic in topics]
    payload = call.payloads[0][1]
    if takes_many_records(payload):
        return [RecordBatchRoute(topic, call, subscriber.context.resolve) for topic in topics]
    return [
        DirectRoute(
            topic,
            call,
            payload,
            subscriber.configuration,
            subscriber.context.resolve,
            correlates=any(one.declared is None for one in call.publishers),
            declared=get_declared_events(call.publishers),
            wants_delivery=DELIVERY in call.context.values(),
            is_json=payload is not Record,
        )
        for topic in topics
    ]


def _build_faststream_route(
    subscriber: ManagedSubscriber, topic: str, prefix: str
) -> FastStreamRoute:
    calls = subscriber.prepared_handlers()
    publishers = tuple(one for call in calls for one in call.publishers)
    return FastStreamRoute(
        topic,
        subscriber.build_pipeline(),
        subscriber.configuration,
        prefix,
        is_json=all(one.payloads and not is_record_type(one.payloads[0][1]) for one in calls),
        declared=(
            get_declared_events(publishers)
            if all(one.declared is not None for one in publishers)
            else None
        ),
    )


def _direct(subscriber: ManagedSubscriber) -> PreparedHandler | None:
    """The only handler of a subscriber, if calling it is all that FastStream would do."""
    calls = subscriber.prepared_handlers()
    if len(calls) != 1 or subscriber.has_middlewares:
        return None
    (call,) = calls
    if not call.is_plain or not iscoroutinefunction(call.function):
        return None
    payload = call.payloads[0][1]
    if not (is_event_type(payload) or is_model_type(payload) or is_record_type(payload)):
        return None
    # A handler of many records has no message's delivery, and sends nothing for any of them.
    if takes_many_records(payload) and (call.publishers or DELIVERY in call.context.values()):
        return None
    if any(key.partition(".")[0] in _SCOPED for key in call.context.values()):
        return None
    return call
