"""What ``messaging.broker.internals`` relies on; an upgrade of FastStream may fail here.

Each test names what breaks if it fails.
"""

from __future__ import annotations

import ast
import inspect
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import pytest
from faststream import BaseMiddleware, Context, Depends
from faststream.kafka import KafkaBroker
from faststream.kafka.subscriber.usecase import DefaultSubscriber
from pydantic import BaseModel

from messaging import CurrentDelivery, KafkaRouter, ReliableKafkaBroker
from messaging.broker import internals
from messaging.broker.internals import (
    AckRecordingMessage,
    ManagedSubscriber,
    PreparedHandler,
    publishing_to,
)

TESTED = "0.7"
PACKAGE = Path(internals.__file__).parents[2]


class Order(BaseModel):
    number: int


def ready(broker: ReliableKafkaBroker) -> list[PreparedHandler]:
    """The handlers of a broker's one subscriber, made ready as at its start."""
    (subscriber,) = broker.subscribers
    assert isinstance(subscriber, ManagedSubscriber)
    subscriber._build_fastdepends_model()
    return subscriber.prepared_handlers()


def test_the_release_is_one_that_was_tested() -> None:
    """A new minor release: read its changes to what is pinned here, then raise ``TESTED``."""
    assert version("faststream").rpartition(".")[0] == TESTED


def test_no_other_module_touches_what_is_private_to_faststream() -> None:
    for path in (one for one in PACKAGE.rglob("*.py") if one.parent.name != "internals"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.module.startswith("faststream._internal"), path


def test_messages_are_processed_by_a_method_that_raises() -> None:
    """Everything: failures are decided by what it raises."""
    source = inspect.getsource(DefaultSubscriber.consume)
    assert "await self.process_message(msg)" in source
    assert list(inspect.signature(DefaultSubscriber.process_message).parameters) == ["self", "msg"]


def test_a_subscriber_starts_in_two_steps() -> None:
    """``ManagedSubscriber.start`` takes the first step and leaves out the second, the consumer."""
    source = inspect.getsource(DefaultSubscriber.start)
    assert source.index("super().start()") < source.index("self.builder(")
    assert "self._post_start()" in source


def test_a_plain_handler_is_known_to_be_one() -> None:
    """The direct way to a handler, and with it the throughput of every service."""
    broker = ReliableKafkaBroker()

    @broker.subscriber("orders", group_id="g")
    async def handle(
        order: Order, delivery: CurrentDelivery, store: Annotated[str, Context()]
    ) -> None: ...

    (call,) = ready(broker)
    assert call.is_plain
    assert call.payloads == (("order", Order),)
    assert call.context == {"delivery": "delivery", "store": "store"}
    assert call.function.__name__ == "handle"


def dependency() -> int:
    return 1


async def with_dependency(order: Order, number: Annotated[int, Depends(dependency)]) -> None: ...


async def with_default(order: Order, store: Annotated[str, Context(default="x")]) -> None: ...


async def with_conversion(order: Order, store: Annotated[str, Context(cast=True)]) -> None: ...


async def with_two(order: Order, other: Order) -> None: ...


@pytest.mark.parametrize("handler", [with_dependency, with_default, with_conversion, with_two])
def test_a_handler_that_needs_faststream_is_known_to_be_one(handler: Any) -> None:
    """Dependencies and the like would silently be left out."""
    broker = ReliableKafkaBroker()
    broker.subscriber("orders", group_id="g")(handler)
    assert not ready(broker)[0].is_plain


def test_options_of_a_subscriber_or_broker_need_faststream_too() -> None:
    """As above."""

    async def handle(order: Order) -> None: ...

    async def as_it_is(message: Any) -> Any: ...

    given: tuple[dict[str, Any], ...] = (
        {"dependencies": [Depends(dependency)]},
        {"decoder": as_it_is},
    )
    for options in given:
        broker = ReliableKafkaBroker()
        broker.subscriber("orders", group_id="g", **options)(handle)
        assert not ready(broker)[0].is_plain
        broker = ReliableKafkaBroker(**options)
        broker.subscriber("orders", group_id="g")(handle)
        assert not ready(broker)[0].is_plain
    broker = ReliableKafkaBroker()
    subscriber = broker.subscriber("orders", group_id="g")
    subscriber(handle, filter=lambda _: True)
    assert not ready(broker)[0].is_plain


def test_middlewares_of_broker_and_router_are_seen() -> None:
    """A middleware would silently be left out."""
    router = KafkaRouter(middlewares=(BaseMiddleware,))
    subscriber = router.subscriber("orders", group_id="g")
    assert subscriber.has_middlewares
    broker = ReliableKafkaBroker()
    assert not broker.subscriber("orders", group_id="g").has_middlewares
    broker.add_middleware(BaseMiddleware)
    assert broker.subscriber("bills", group_id="g").has_middlewares


def test_the_brokers_prefix_goes_before_all_topics() -> None:
    """``KAFKA_TOPIC_PREFIX``."""
    broker = ReliableKafkaBroker()
    router = KafkaRouter(prefix="own-")
    subscriber = router.subscriber("orders", group_id="g")
    publisher = router.publisher("bills")
    broker.include_router(router)
    broker.config.broker_config.prefix = "test-"
    assert [one.name for one in subscriber.topics] == ["test-own-orders"]
    assert subscriber.names_without("test-") == ["own-orders"]
    assert publisher.topic == "test-own-bills"


async def test_a_result_goes_to_whoever_takes_it_and_else_to_the_producer() -> None:
    """At-least-once: results are sent with the message's settlement, not before."""
    broker = ReliableKafkaBroker()
    taken: list[Any] = []

    class Taking:
        message: AckRecordingMessage | None = None

        async def publish(self, cmd: Any) -> None:
            taken.append((cmd.destination, cmd.body, cmd.correlation_id))

    token = publishing_to.set(Taking())
    try:
        await broker.publisher("bills").publish_result({"a": 1}, "c-1")
    finally:
        publishing_to.reset(token)
    assert taken == [("bills", {"a": 1}, "c-1")]
    with pytest.raises(RuntimeError, match="start the broker"):
        await broker.publisher("bills").publish_result({"a": 1}, "c-1")


def test_faststreams_own_broker_is_the_base() -> None:
    """``TestKafkaBroker`` and ``faststream run`` know the broker by its base."""
    assert issubclass(ReliableKafkaBroker, KafkaBroker)
