"""A stage: which topics a service reads, and the handler of each.

A handler takes an event and returns the events it causes, or none. It raises to fail: the
branch of the error decides what becomes of the message. It never acknowledges, retries or logs.

    stage = Stage("enrichment")

    @stage.on(CHUNKS_READY)
    async def draft_notes(chunk: ChunkReady, delivery: Delivery) -> NotesDrafted:
        return await drafter.draft(chunk, deadline=delivery.deadline)
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from contracts.errors import BadMessageError, ErrorCode
from contracts.events import Event
from contracts.topics import Topic
from messaging.codec import decode_event, read_event_headers
from messaging.delivery import Delivery, PropagatedContext, Record
from messaging.processing.inflight import InFlightMessage
from messaging.producer.outgoing import Outgoing

Returned = Event | Iterable[Event] | None
"""What a handler returns: one event, several in the order they are to be sent, or none."""

Handler = Callable[..., Awaitable[Returned]]
H = TypeVar("H", bound=Handler)


class UnknownSourceTopicError(BadMessageError):
    """Raised for a message in a retry topic that its service did not put there."""

    code = ErrorCode.INVALID_EVENT


@dataclass(frozen=True, slots=True)
class TopicRoute:
    """Route from one subscribed topic to its handler.

    Attributes:
        topic: its name without prefix.
        event: the event it carries; None hands the raw record to the handler.
        handler: takes the event (or record), and the delivery if it wants it.
        wants_delivery: whether the handler takes a second argument.
    """

    topic: str
    event: type[Event] | None
    handler: Handler
    wants_delivery: bool

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
        return (result,) if isinstance(result, Event) else tuple(result)


class TopicSubscription(Protocol):
    """Subscription to one topic, with the way its messages are handled.

    Attributes:
        topic: its name without prefix.
        wants_delivery: whether handling takes the delivery; else it may be None.
        is_json: whether its records are JSON, and so are held to its limits and deadlines.
    """

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def wants_delivery(self) -> bool: ...  # noqa: D102
    @property
    def is_json(self) -> bool: ...  # noqa: D102

    def read(self, job: InFlightMessage) -> tuple[Any, PropagatedContext]:
        """What is handled, and what of the message's headers is carried on."""

    async def handle(self, subject: Any, delivery: Delivery | None) -> Sequence[Outgoing]:
        """Handle a message; what it causes, in order."""


class Stage:
    """Processing stage: one service's subscriptions, with its retry topics and DLQ.

    Args:
        service: its name; also its consumer group and the stem of its retry topics and DLQ.
        dead_letters: whether it has retry topics and a DLQ. A stage without them (control, which
            reads the DLQs) keeps a message it cannot handle and tries it again until it can.
        optional_topics: names, without prefix, of topics that it works without while they do not
            exist.

    Attributes:
        share: the share of its topics' partitions that this replica holds, from 0 to 1; kept up to
            date by the consumption. What replicas have to share without talking to each other, such
            as an endpoint's rate limit, they share by it.
        notice: tells what slows the stage down although it works, such as an endpoint that asked
            to be called later; empty if nothing does. Shown beside its readiness.
    """

    def __init__(
        self, service: str, *, dead_letters: bool = True, optional_topics: Iterable[str] = ()
    ) -> None:
        self.service = service
        self.dead_letters = dead_letters
        self.optional_topics = frozenset(optional_topics)
        self.share = 1.0
        self.notice: Callable[[], str] = str
        self._routes: dict[str, TopicSubscription] = {}

    @property
    def routes(self) -> tuple[TopicSubscription, ...]:
        """All subscriptions, in the order they were declared."""
        return tuple(self._routes.values())

    def on(self, topic: Topic) -> Callable[[H], H]:
        """Handle a topic's events with the decorated coroutine function."""
        if topic.event is None:
            raise TypeError(f"{topic.name} carries records of any kind: use on_raw")
        return self._register(topic.name, topic.event)

    def on_raw(self, topic: Topic) -> Callable[[H], H]:
        """Handle a topic's records as they are (``messaging.Record``)."""
        return self._register(topic.name, None)

    def route(self, topic: str) -> TopicSubscription:
        """Return the subscription of a topic.

        Raises:
            UnknownSourceTopicError: the stage does not read this topic.
        """
        try:
            return self._routes[topic]
        except KeyError:
            # The name is the message's own claim, and not repeated.
            raise UnknownSourceTopicError(
                f"it is in a retry topic, and {self.service} reads no such topic as its headers "
                "say it came from"
            ) from None

    def _register(self, topic: str, event: type[Event] | None) -> Callable[[H], H]:
        def decorate(handler: H) -> H:
            arguments = len(inspect.signature(handler).parameters)
            self.add(TopicRoute(topic, event, handler, wants_delivery=arguments > 1))
            return handler

        return decorate

    def add(self, subscription: TopicSubscription) -> None:
        """Add a subscription.

        Raises:
            ValueError: the topic has one.
        """
        if subscription.topic in self._routes:
            raise ValueError(f"{self.service} handles {subscription.topic} already")
        self._routes[subscription.topic] = subscription
