"""A stage whose handlers are plain functions, as tests write them.

It stands where a service has its router: ``support.on_faststream`` declares the functions on the
FastStream broker that services use, and unit tests of the consumer's parts take it as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from contracts.events import Event
from contracts.topics import Topic
from messaging import stage
from messaging.codec import decode_event, read_event_headers
from messaging.delivery import Delivery, PropagatedContext, Record
from messaging.processing.inflight import InFlightMessage
from messaging.producer.outgoing import DISCARDED
from messaging.stage import RecordBatchHandler

Returned = Event | Iterable[Event] | None
"""What a handler returns: one event, several in the order they are to be sent, or none."""

Handler = Callable[..., Awaitable[Returned]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True)
class FunctionRoute:
    """Route from one subscribed topic to a function.

    Attributes:
        topic: its name without prefix.
        event: the event it carries; None hands the raw record to the handler.
        handler: takes the event (or record), and the delivery if it asks for it.
        wants_delivery: whether the handler takes a second argument.
        handle_many: handles many records at once; None: one by one.
    """

    topic: str
    event: type[Event] | None
    handler: Handler
    wants_delivery: bool
    handle_many: RecordBatchHandler | None = None

    @property
    def is_json(self) -> bool:
        """Whether the topic's records are JSON, and so are held to its limits and deadlines."""
        return self.event is not None

    def read(self, job: InFlightMessage) -> tuple[Event | Record, PropagatedContext]:
        """What the handler takes, and what of the message's headers is carried on.

        Raises:
            BadMessageError: the record is not what the topic carries.
        """
        if self.event is None:
            return job.record, read_event_headers(job.headers)[1]
        return decode_event(job.received.value, job.headers, self.event)

    async def handle(self, subject: Event | Record, delivery: Delivery | None) -> tuple[Event, ...]:
        """Call the handler; what it returns, as a tuple in order."""
        if self.wants_delivery:
            result = await self.handler(subject, delivery)
        else:
            result = await self.handler(subject)
        if result is None:
            return ()
        events = (result,) if isinstance(result, Event) else tuple(result)
        return DISCARDED if result is DISCARDED else events


class Stage(stage.Stage):
    """Stage whose handlers are functions of the event and, if they ask for it, the delivery.

    stage = Stage(PROBE)

    @stage.on(CHUNKS_READY)
    async def draft_notes(chunk: ChunkReady, delivery: Delivery) -> NotesDrafted: ...
    """

    def on(self, topic: Topic) -> Callable[[H], H]:
        """Handle a topic's events with the decorated coroutine function."""
        assert topic.event is not None, f"{topic.name} carries records of any kind: use on_raw"
        return self._register(topic.name, topic.event)

    def on_raw(self, topic: Topic) -> Callable[[H], H]:
        """Handle a topic's records as they are (``messaging.Record``)."""
        return self._register(topic.name, None)

    def _register(self, topic: str, event: type[Event] | None) -> Callable[[H], H]:
        def decorate(handler: H) -> H:
            arguments = len(inspect.signature(handler).parameters)
            self.add(FunctionRoute(topic, event, handler, wants_delivery=arguments > 1))
            return handler

        return decorate
