"""A stage: which topics a service reads, and how the messages of each are handled.

Handlers are declared with FastStream's decorators on a ``ReliableKafkaBroker``, and nowhere else.
When the broker starts, it puts their routes (``messaging.broker.routes``) into a stage. The
consumer, the processor and the failure router know only the stage, and nothing of FastStream.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

from contracts.errors import BadMessageError, ErrorCode
from messaging.delivery import Delivery, PropagatedContext, Record
from messaging.processing.inflight import InFlightMessage
from messaging.producer.outgoing import Outgoing

RecordBatchHandler: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]


class UnknownSourceTopicError(BadMessageError):
    """Raised when a retried message names a source topic that the service does not consume."""

    code = ErrorCode.INVALID_EVENT


class TopicSubscription(Protocol):
    """Interface of a service's subscription to a topic, with the route to its handler.

    Attributes:
        topic: its name without prefix.
        wants_delivery: whether handling takes the delivery; else it may be None.
        is_json: whether its records are JSON, and so are held to its limits and deadlines.
        handle_many: handles many records of one partition at once, for which nothing is sent; None
            if they are handled one by one.
    """

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def wants_delivery(self) -> bool: ...  # noqa: D102
    @property
    def is_json(self) -> bool: ...  # noqa: D102
    @property
    def handle_many(self) -> RecordBatchHandler | None: ...  # noqa: D102

    def read(self, job: InFlightMessage) -> tuple[Any, PropagatedContext]:
        """What is handled, and what of the message's headers is carried on."""

    async def handle(self, subject: Any, delivery: Delivery | None) -> Sequence[Outgoing]:
        """Handle a message; what it causes, in order."""


class Stage:
    """Declaration of one service's topics: subscriptions with handlers, retry topics and DLQ.

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

    def add(self, subscription: TopicSubscription) -> None:
        """Add a subscription.

        Raises:
            ValueError: the topic has one.
        """
        if subscription.topic in self._routes:
            raise ValueError(f"{self.service} handles {subscription.topic} already")
        self._routes[subscription.topic] = subscription
