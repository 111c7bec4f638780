"""A test's handlers on the FastStream broker that services use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from faststream import BaseMiddleware

from contracts.topics import EVENT_TOPICS, Topic
from messaging import (
    CurrentDelivery,
    KafkaRouter,
    KafkaSettings,
    Publisher,
    Record,
    ReliableKafkaBroker,
    ServiceApplication,
    StageSettings,
)
from support.admission import NothingErased
from support.stages import FunctionRoute, Stage


def broker_of(
    stage: Stage,
    settings: StageSettings | Callable[[], StageSettings],
    kafka: KafkaSettings | Callable[[], KafkaSettings] = KafkaSettings,
    *,
    machinery: bool = False,
) -> ReliableKafkaBroker:
    """A broker with a stage's handlers, which may return any event.

    Args:
        stage: the handlers.
        settings: of the window, deadlines and retries.
        kafka: how to reach the broker.
        machinery: whether messages take FastStream's own way, middlewares and all, in place of
            the direct one.
    """
    broker = ReliableKafkaBroker(
        service=stage.service,
        settings=settings,
        kafka=kafka,
        dead_letters=stage.dead_letters,
        optional_topics=[_declared(name) for name in stage.optional_topics],
        allow_auto_create_topics=False,
        middlewares=(PassingOn,) if machinery else (),
    )
    for route in stage.routes:
        assert isinstance(route, FunctionRoute)
        handler: Any = _handler(route)
        for topic in EVENT_TOPICS:
            handler = broker.publisher(topic)(handler)
        broker.subscriber(_declared(route.topic) if route.event else route.topic)(handler)
    return broker


def broker_with(
    service: str,
    router: KafkaRouter,
    settings: StageSettings,
    kafka: KafkaSettings | Callable[[], KafkaSettings] = KafkaSettings,
    **context: Any,
) -> ReliableKafkaBroker:
    """A broker with a service's own handlers, and what they take from the context.

    No interview is erased unless the context has other.
    """
    broker = ReliableKafkaBroker(
        service=service,
        settings=settings,
        kafka=kafka,
        allow_auto_create_topics=False,
        routers=[router],
    )
    for name, value in ({"erased": NothingErased()} | context).items():
        broker.context.set_global(name, value)
    return broker


def application_of(
    broker: ReliableKafkaBroker, stage: Stage, wrap: Callable[[Publisher], None] = lambda _: None
) -> ServiceApplication:
    """The application of a test's broker.

    Args:
        broker: with the handlers.
        stage: is told its share, and asked for its notice, as handlers' own adapters are.
        wrap: is given the publisher before anything is consumed.
    """

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        broker.notice = lambda: str(stage.notice())  # which may be set later
        wrap(broker.connected_publisher)
        yield

    return ServiceApplication(broker, lifespan=lifespan)


class PassingOn(BaseMiddleware):
    """A middleware that changes nothing; with one, FastStream's own way is taken."""

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        return await call_next(msg)


def _declared(name: str) -> Topic:
    return next(topic for topic in EVENT_TOPICS if topic.name == name)


def _handler(route: FunctionRoute) -> Callable[..., Any]:
    """The handler of a route, annotated as FastStream needs it."""

    async def handle(subject: Any, delivery: Any) -> Any:
        return await route.handler(subject, delivery)

    async def handle_alone(subject: Any) -> Any:
        return await route.handler(subject)

    chosen: Any = handle if route.wants_delivery else handle_alone
    chosen.__annotations__ = {"subject": route.event or Record}
    if route.wants_delivery:
        chosen.__annotations__["delivery"] = CurrentDelivery
    return chosen  # type: ignore[no-any-return]
