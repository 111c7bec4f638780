"""The steps of a record to its handler are FastStream's own, which stand beside them here."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from aiokafka import ConsumerRecord
from fast_depends import dependency_provider
from faststream import BaseMiddleware, Context, Depends, Header
from faststream.kafka import KafkaResponse
from faststream.kafka.subscriber.usecase import DefaultSubscriber
from pydantic import BaseModel

from messaging import KafkaRouter, ReliableKafkaBroker
from messaging.broker.internals import ManagedSubscriber, publishing_to
from messaging.broker.results import HandlerResults
from messaging.delivery import NO_CONTEXT

Log = list[Any]
Declare = Callable[[Log], ReliableKafkaBroker]
DECLARATIONS: list[Declare] = []


class Order(BaseModel):
    number: int


class Bill(BaseModel):
    total: float


def compared(declare: Declare) -> Declare:
    """Compare both ways for the broker that this declares."""
    DECLARATIONS.append(declare)
    return declare


def record(value: bytes, *headers: tuple[str, bytes]) -> Any:
    return ConsumerRecord("orders", 0, 7, 1_000, 0, b"k", value, None, 1, len(value), headers)


RECORDS = {
    "an order": record(b'{"number": 2}', ("x", b"5"), ("correlation_id", b"c-1")),
    "an order that wants an answer": record(b'{"number": 1}', ("x", b"6"), ("reply_to", b"there")),
    "a wrong one": record(b'{"number": "two"}', ("x", b"5")),
    "no JSON": record(b"\xff", ("x", b"5")),
    "one without headers": record(b'{"number": 3}'),
}


def middleware(log: Log, name: str, *, swallows: bool = False, refuses: str = "") -> Any:
    """A middleware that logs its steps and the message that it finds in the context."""

    def note(middleware: Any, step: str, *more: Any) -> None:
        message = middleware.context.get_local("message")
        log.append((name, step, message and message.body, *more))
        if step == refuses:
            raise ValueError(f"{name} refuses {step}")

    class Logging(BaseMiddleware):
        async def on_receive(self) -> None:
            note(self, "on_receive")

        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            note(self, "consume", msg.correlation_id == "c-1")
            return await call_next(msg)

        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            note(self, "publish", cmd.destination)
            return await call_next(cmd)

        async def after_processed(
            self, exc_type: Any = None, exc_val: Any = None, exc_tb: Any = None
        ) -> bool | None:
            note(self, "after", exc_type and exc_type.__name__)
            return swallows

    return Logging


@compared
def without_anything(log: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(service="s")

    @broker.subscriber("orders")
    @broker.publisher("bills", key=b"own", headers={"of": "all"})
    async def handle(order: Order) -> Bill:
        log.append(order)
        return Bill(total=order.number)

    return broker


@compared
def with_middlewares(log: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(
        service="s", middlewares=[middleware(log, "outer"), middleware(log, "inner")]
    )

    @broker.subscriber("orders", no_reply=True)
    @broker.publisher("bills")
    async def handle(order: Order) -> Any:
        log.append(order)
        return KafkaResponse({"total": 1}, key=b"k", headers={"h": "v"})

    return broker


@compared
def with_a_failing_handler(log: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(service="s", middlewares=[middleware(log, "only")])

    @broker.subscriber("orders")
    async def handle(order: Order) -> None:
        raise LookupError(order.number)

    return broker


@compared
def with_a_middleware_that_swallows(log: Log) -> ReliableKafkaBroker:
    broker = with_a_failing_handler(log)
    broker.insert_middleware(middleware(log, "first", swallows=True))
    return broker


@compared
def with_a_middleware_that_refuses(log: Log) -> ReliableKafkaBroker:
    broker = with_a_failing_handler(log)
    broker.add_middleware(middleware(log, "last", refuses="on_receive"))
    return broker


@compared
def with_a_middleware_that_refuses_results(log: Log) -> ReliableKafkaBroker:
    broker = without_anything(log)
    broker.add_middleware(middleware(log, "last", refuses="publish"))
    return broker


@compared
def with_filters(log: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(service="s", middlewares=[middleware(log, "only")])
    subscriber = broker.subscriber("orders")

    @subscriber(filter=lambda message: message.headers.get("x") == "6")
    async def first(order: Order) -> str:
        log.append(("first", order))
        return "one"

    @subscriber(filter=lambda message: message.headers.get("x") == "5")
    async def second(order: Order) -> str:
        log.append(("second", order))
        return "two"

    return broker


@compared
def with_a_publisher_of_another_router(log: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(service="s")
    router = KafkaRouter(prefix="own-", middlewares=[middleware(log, "the router's")])
    publisher = router.publisher("bills")
    broker.include_router(router)

    @broker.subscriber("orders")
    @publisher
    async def handle(order: Order) -> dict[str, int]:
        return {"number": order.number}

    return broker


SharedLog = Annotated[Log, Context("log")]


def in_a_thread(order: Order, log: SharedLog) -> int:
    log.append(threading.current_thread() is threading.main_thread())
    return order.number


async def nested(number: Annotated[int, Depends(in_a_thread)], log: SharedLog) -> str:
    log.append("nested")
    return str(number)  # converted to the type of the parameter that takes it


async def opened(x: Annotated[int, Header("x")], log: SharedLog) -> AsyncIterator[int]:
    log.append("opened")
    yield x
    log.append("closed")


def opened_in_a_thread(log: SharedLog) -> Iterator[str]:
    log.append("opened in a thread")
    yield "it"
    log.append("closed in a thread")


@compared
def with_dependencies(log: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(service="s", dependencies=[Depends(nested)])

    @broker.subscriber("orders", dependencies=[Depends(opened_in_a_thread)])
    @broker.publisher("bills")
    async def handle(  # noqa: PLR0917 - of each kind one
        order: Order,
        number: Annotated[int, Depends(nested)],
        again: Annotated[float, Depends(in_a_thread)],
        x: Annotated[int, Depends(opened)],
        message: Annotated[Any, Context()],
        store: Annotated[int, Context(cast=True)],
        missing: Annotated[str, Context("nowhere", default="none")],
        correlation: Annotated[str, Context("message.correlation_id")],
    ) -> str:
        known = correlation == "c-1"
        log.append((order, number, again, x, message.body, store, missing, known))
        return f"{number}"

    broker.context.set_global("store", "12")
    broker.context.set_global("log", log)
    return broker


async def failing() -> int:
    raise LookupError("nothing there")


async def one() -> int:
    return 1


def never_called() -> int:
    raise AssertionError("overridden")


@compared
def with_a_dependency_that_fails(_: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(service="s")

    @broker.subscriber("orders")
    async def handle(order: Order, number: Annotated[int, Depends(failing)]) -> None: ...

    return broker


@compared
def with_a_result_that_is_none_of_its_type(_: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(service="s")

    @broker.subscriber("orders")
    @broker.publisher("bills")
    async def handle(order: Order, delivery: Annotated[Any, Context()]) -> Bill:
        return {"total": "3.5" if order.number > 1 else "much"}  # type: ignore[return-value]

    return broker


@compared
def with_what_only_fastdepends_resolves(log: Log) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(service="s")

    @broker.subscriber("orders")
    async def handle(
        number: int, box: Annotated[list[int], Context("box", initial=lambda: [1])]
    ) -> None:
        log.append((number, box))

    return broker


async def traced(
    declare: Declare, received: Any, *, as_faststream: bool, patch: pytest.MonkeyPatch
) -> tuple[Log, Any, list[Any]]:
    """What happened to a record: the steps, how it ended, and what is to be sent."""
    if as_faststream:
        patch.setattr(ManagedSubscriber, "_resolve_in_event_loop", lambda _: None)
    log: Log = []
    broker = declare(log)
    broker._setup_logger()
    (subscriber,) = broker.subscribers
    assert isinstance(subscriber, ManagedSubscriber)
    await subscriber.start()
    results = HandlerResults(broker.config, NO_CONTEXT)
    token = publishing_to.set(results)
    ended: Any
    try:
        if as_faststream:
            with broker.context.scope("delivery", "the delivery"):
                ended = (await DefaultSubscriber.process_message(subscriber, received)).body
        else:
            pipeline = subscriber.build_pipeline()
            ended = (await pipeline.run(received, ("delivery", "the delivery"))).body
    except Exception as error:  # noqa: BLE001 - compared
        ended = type(error), str(error)
    finally:
        publishing_to.reset(token)
        patch.undo()
    left = [broker.context.get_local(name) for name in ("message", "log_context", "delivery")]
    assert left == [None, None, None]
    return log, ended, [_without_random_id(one) for one in results.records]


def _without_random_id(sent: Any) -> Any:
    headers = [
        (name, b"" if len(value) == len("8-4-4-4-12") * 4 - 4 and value.count(b"-") == 4 else value)
        for name, value in sent.headers
    ]
    return sent.topic, sent.key, sent.value, sent.partition, headers


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("declare", DECLARATIONS)
async def test_a_record_takes_the_steps_it_takes_in_faststream(
    declare: Declare, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await traced(declare, RECORDS[name], as_faststream=False, patch=monkeypatch)
    there = await traced(declare, RECORDS[name], as_faststream=True, patch=monkeypatch)
    assert here == there


@pytest.mark.parametrize("declare", [with_dependencies, with_middlewares])
async def test_what_is_compared_does_reach_the_handler(
    declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, ended, sent = await traced(
        declare, RECORDS["an order"], as_faststream=False, patch=monkeypatch
    )
    assert len(log) > 5, ended
    assert sent


async def test_a_handler_that_never_waits_is_not_made_to_wait() -> None:
    """A task of its own for each message would cost more than the handler."""
    broker = ReliableKafkaBroker(service="s")

    @broker.subscriber("orders")
    async def handle(
        order: Order, number: Annotated[int, Depends(one)], message: Annotated[Any, Context()]
    ) -> int:
        return order.number + number

    (subscriber,) = broker.subscribers
    assert isinstance(subscriber, ManagedSubscriber)
    broker._setup_logger()
    await subscriber.start()
    running = subscriber.build_pipeline().run(RECORDS["an order"])
    with pytest.raises(StopIteration) as returned:
        running.send(None)
    assert returned.value.value.body == 3


async def test_an_overridden_dependency_is_called_in_place_of_the_other() -> None:
    broker = ReliableKafkaBroker(service="s")

    @broker.subscriber("orders")
    async def handle(order: Order, number: Annotated[int, Depends(never_called)]) -> int:
        return order.number + number

    (subscriber,) = broker.subscribers
    assert isinstance(subscriber, ManagedSubscriber)
    broker._setup_logger()
    await subscriber.start()
    pipeline = subscriber.build_pipeline()
    with dependency_provider.scope(never_called, lambda: 40):
        response = await pipeline.run(RECORDS["an order"])
    assert response.body == 42
