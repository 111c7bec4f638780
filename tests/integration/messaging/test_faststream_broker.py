"""FastStream on a real broker: middlewares, dependencies, acknowledgement, publishing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from faststream import BaseMiddleware, Context, Depends
from faststream.exceptions import AckMessage, NackMessage, RejectMessage, SkipMessage
from faststream.kafka import KafkaMessage, KafkaResponse
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware
from faststream.kafka.prometheus import KafkaPrometheusMiddleware
from faststream.kafka.schemas import Topic as KafkaTopic
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from contracts import headers as h
from contracts.errors import ErrorCode, OutageError
from contracts.events import ChunkReady, NotesStored
from contracts.topics import CHUNKS_READY, NOTES_STORED, build_dlq_topic
from messaging import CurrentDelivery, KafkaRouter, ReliableKafkaBroker, ServiceApplication
from messaging.kafka.admin import list_missing_topics
from support.broker import PROBE, QUICK, Bench, RunningApplication
from support.chunks import CHUNK
from support.on_faststream import PassingOn
from support.waiting import until

DLQ = build_dlq_topic(PROBE).name
ORDER = b'{"number": 7}'
JSON = (("content-type", b"application/json"),)


class Order(BaseModel):
    number: int


class Invoice(BaseModel):
    order: int


def on(bench: Bench, **options: Any) -> ReliableKafkaBroker:
    return ReliableKafkaBroker(
        service=PROBE,
        settings=QUICK,
        kafka=bench.kafka,
        allow_auto_create_topics=False,
        **options,
    )


@asynccontextmanager
async def running(broker: ReliableKafkaBroker) -> AsyncIterator[None]:
    serving = RunningApplication(ServiceApplication(broker))
    try:
        await serving.is_ready()
        yield
    finally:
        await serving.stop()


async def codes(bench: Bench, number: int) -> list[str]:
    letters = await bench.records(DLQ, number)
    return [dict(one.headers)[h.ERROR_CODE].decode() for one in letters]


async def test_faststreams_prometheus_middleware_counts(bench: Bench) -> None:
    registry = CollectorRegistry()
    broker = on(bench, middlewares=[KafkaPrometheusMiddleware(registry=registry)])

    @broker.subscriber(CHUNKS_READY)
    @broker.publisher(NOTES_STORED)
    async def handle(chunk: ChunkReady) -> NotesStored:
        return stored(chunk)

    async with running(broker):
        await bench.send(CHUNKS_READY.name, CHUNK.model_dump_json().encode(), b"no JSON")
        await bench.is_committed(CHUNKS_READY.name, 2)

    found = {
        (one.name, one.labels.get("status")): one.value
        for metric in registry.collect()
        for one in metric.samples
    }
    assert found["faststream_received_messages_total", None] == 2
    assert found["faststream_received_processed_messages_total", "acked"] == 1
    assert found["faststream_received_processed_messages_total", "error"] == 1
    assert found["faststream_published_messages_total", "success"] == 1
    assert await codes(bench, 1) == ["undecodable"]


async def test_faststreams_opentelemetry_middleware_traces_from_message_to_message(
    bench: Bench,
) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    broker = on(bench, middlewares=[KafkaTelemetryMiddleware(tracer_provider=provider)])

    @broker.subscriber(CHUNKS_READY)
    @broker.publisher(NOTES_STORED)
    async def handle(chunk: ChunkReady) -> NotesStored:
        return stored(chunk)

    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = ((h.TRACEPARENT, f"00-{trace}-b7ad6b7169203331-01".encode()),)
    async with running(broker):
        await bench.send(CHUNKS_READY.name, CHUNK.model_dump_json().encode(), headers=headers)
        (sent,) = await bench.records(NOTES_STORED.name, 1)

    assert trace in dict(sent.headers)[h.TRACEPARENT].decode()
    names = {one.name for one in spans.get_finished_spans()}
    prefix = bench.kafka.topic_prefix
    assert f"{prefix}{CHUNKS_READY.name} process" in names
    assert f"{prefix}{NOTES_STORED.name} publish" in names
    assert {f"{one.context.trace_id:032x}" for one in spans.get_finished_spans()} == {trace}


def stored(chunk: ChunkReady) -> NotesStored:
    return NotesStored(
        transcript_id=chunk.transcript_id,
        revision=chunk.revision,
        study_id=chunk.study.study_id,
        chunk_id=chunk.chunk_id,
    )


async def nack_by_method(message: KafkaMessage) -> None:
    await message.nack()


async def reject_by_method(message: KafkaMessage) -> None:
    await message.reject()


async def ack_by_method(message: KafkaMessage) -> None:
    await message.ack()


def raising(error: Exception) -> Callable[[Any], Awaitable[None]]:
    async def instruct(_: Any) -> None:
        raise error

    return instruct


@pytest.mark.parametrize("middlewares", [(), (PassingOn,)], ids=["direct", "machinery"])
@pytest.mark.parametrize(
    ("instruct", "code", "tries"),
    [
        (raising(NackMessage()), "nacked", 6),
        (raising(RejectMessage()), "rejected", 1),
        (raising(AckMessage()), None, 1),
        (raising(SkipMessage()), None, 1),
        (raising(ValueError("unforeseen")), "bug", 1),
    ],
)
async def test_what_a_handler_raises_is_what_becomes_of_the_message(
    bench: Bench, instruct: Any, code: str | None, tries: int, middlewares: Any
) -> None:
    broker, calls = on(bench, middlewares=middlewares), 0

    @broker.subscriber(CHUNKS_READY.name)
    async def handle(_: Order) -> None:
        nonlocal calls
        calls += 1
        await instruct(None)

    async with running(broker):
        await bench.send(CHUNKS_READY.name, ORDER)
        await bench.is_committed(CHUNKS_READY.name, 1)
        if code is not None:
            assert await codes(bench, 1) == [code]
    assert calls == tries
    assert await bench.size(DLQ) == (0 if code is None else 1)


@pytest.mark.parametrize(
    ("instruct", "code"),
    [(nack_by_method, "nacked"), (reject_by_method, "rejected"), (ack_by_method, None)],
)
async def test_what_a_handler_says_by_the_messages_methods_counts(
    bench: Bench, instruct: Any, code: str | None
) -> None:
    broker = on(bench)

    @broker.subscriber(CHUNKS_READY.name)
    async def handle(_: Order, message: KafkaMessage) -> None:
        await instruct(message)

    async with running(broker):
        await bench.send(CHUNKS_READY.name, ORDER)
        await bench.is_committed(CHUNKS_READY.name, 1)
        if code is not None:
            assert await codes(bench, 1) == [code]
    assert await bench.size(DLQ) == (0 if code is None else 1)


async def doubled(number: int) -> int:
    return 2 * number


async def parsed(number: int) -> Order:
    return Order.model_validate({"number": "not from the message" if number == 8 else number})


async def test_dependencies_filters_and_synchronous_handlers_work(bench: Bench) -> None:
    broker, seen = on(bench), list[Any]()
    subscriber = broker.subscriber(CHUNKS_READY.name)

    @subscriber(filter=lambda message: message.headers.get("kind") == "sync")
    def at_once(number: int) -> None:
        seen.append(("sync", number))

    @subscriber
    async def other(number: int, twice: Annotated[int, Depends(doubled)]) -> None:
        seen.append((number, twice))

    async with running(broker):
        await bench.send(CHUNKS_READY.name, b"7")
        await bench.send(CHUNKS_READY.name, b"7", headers=(("kind", b"sync"),))
        await bench.is_committed(CHUNKS_READY.name, 2)
    assert sorted(map(str, seen)) == ["('sync', 7)", "(7, 14)"]


@pytest.mark.parametrize("middlewares", [(), (PassingOn,)], ids=["direct", "machinery"])
@pytest.mark.parametrize("result", [Invoice(order=7), {"order": 7}, KafkaResponse({"order": 7})])
async def test_any_result_is_published_as_faststream_would(
    bench: Bench, result: Any, middlewares: Any
) -> None:
    broker = on(bench, middlewares=middlewares)

    @broker.subscriber(CHUNKS_READY.name)
    @broker.publisher(NOTES_STORED.name, key=b"k", headers={"a": "1"})
    async def handle(_: Order) -> Any:
        return result

    async with running(broker):
        await bench.send(CHUNKS_READY.name, ORDER, headers=(("correlation_id", b"c-1"),))
        (sent,) = await bench.records(NOTES_STORED.name, 1)
    assert sent.value.replace(b" ", b"") == b'{"order":7}'
    assert sent.key == b"k"
    headers = dict(sent.headers)
    assert headers["content-type"] == b"application/json"
    assert headers["a"] == b"1"
    assert headers["correlation_id"] == b"c-1"


@pytest.mark.parametrize("middlewares", [(), (PassingOn,)], ids=["direct", "machinery"])
async def test_an_event_that_no_publisher_is_for_is_a_bug_and_not_lost(
    bench: Bench, middlewares: Any
) -> None:
    broker = on(bench, middlewares=middlewares)

    @broker.subscriber(CHUNKS_READY)
    @broker.publisher(NOTES_STORED)
    async def handle(chunk: ChunkReady) -> ChunkReady:
        return chunk

    async with running(broker):
        await bench.send(CHUNKS_READY.name, CHUNK.model_dump_json().encode())
        assert await codes(bench, 1) == ["bug"]


async def test_nothing_is_sent_for_a_handler_that_fails_after_all(bench: Bench) -> None:
    class Failing(BaseMiddleware):
        async def after_processed(
            self, exc_type: Any = None, exc_val: Any = None, exc_tb: Any = None
        ) -> bool | None:
            raise ValueError("when everything was published")

    broker = on(bench, middlewares=(Failing,))

    @broker.subscriber(CHUNKS_READY)
    @broker.publisher(NOTES_STORED)
    async def handle(chunk: ChunkReady) -> NotesStored:
        return stored(chunk)

    async with running(broker):
        await bench.send(CHUNKS_READY.name, CHUNK.model_dump_json().encode())
        assert await codes(bench, 1) == ["bug"]
    assert await bench.size(NOTES_STORED.name) == 0


async def test_what_does_not_fit_the_parameters_is_the_messages_fault(bench: Bench) -> None:
    broker, seen = on(bench), list[Any]()

    @broker.subscriber(CHUNKS_READY.name)
    async def handle(number: int, order: Annotated[Order, Depends(parsed)]) -> None:
        seen.append(order)

    async with running(broker):
        for value in (b'"secret"', b"{", b"8", b"7"):
            await bench.send(CHUNKS_READY.name, value, headers=JSON)
        await bench.is_committed(CHUNKS_READY.name, 4)
    assert sorted(await codes(bench, 3)) == ["bug", "invalid_event", "undecodable"]
    letters = await bench.records(DLQ, 3)
    assert not any(b"secret" in content for one in letters for _, content in one.headers)
    assert seen == [Order(number=7)]


async def test_publishing_within_a_handler_and_outside_waits_for_the_broker(bench: Bench) -> None:
    broker, deadlines = on(bench), list[float]()
    event = stored(CHUNK)

    @broker.subscriber(CHUNKS_READY.name)
    async def handle(_: Order, delivery: CurrentDelivery) -> None:
        deadlines.append(delivery.deadline)
        await broker.publish(event)
        assert await bench.size(NOTES_STORED.name) == 2

    async with running(broker):
        await broker.publish(event)
        assert await bench.size(NOTES_STORED.name) == 1
        await bench.send(CHUNKS_READY.name, ORDER)
        await bench.is_committed(CHUNKS_READY.name, 1)
    first, second = await bench.records(NOTES_STORED.name, 2)
    assert first.value == second.value == event.model_dump_json().encode()
    assert dict(first.headers)[h.CE_TYPE] == NotesStored.ce_type.encode()
    assert deadlines[0] > asyncio.get_running_loop().time() - 60


async def test_a_broker_without_handlers_publishes(bench: Bench) -> None:
    broker = on(bench)
    async with broker:
        await broker.publish({"number": 7}, bench.kafka.topic(NOTES_STORED.name), key=b"k")
    (sent,) = await bench.records(NOTES_STORED.name, 1)
    assert sent.key == b"k"


async def test_the_topics_of_subscribers_and_publishers_are_created(bench: Bench) -> None:
    """A broker need not create topics by itself; Kafka's advice is that it does not."""
    broker = ReliableKafkaBroker(service=PROBE, settings=QUICK, kafka=bench.kafka)
    router = KafkaRouter(prefix="shop-")
    others = KafkaTopic("others", declare=False)

    @router.subscriber("orders")
    @router.publisher("invoices")
    @router.publisher(others)
    async def handle(order: Order) -> Invoice:
        return Invoice(order=order.number)

    broker.include_router(router)
    broker.publisher("receipts")
    async with running(broker):
        created = ["shop-orders", "shop-invoices", "receipts", DLQ, f"{PROBE}-retry-1"]
        names = [bench.kafka.topic(name) for name in [*created, "shop-others"]]
        assert await list_missing_topics(bench.kafka, names) == (bench.kafka.topic("shop-others"),)


async def test_a_dependency_that_is_not_there_is_waited_for(bench: Bench) -> None:
    broker, seen, down = on(bench), list[str](), True

    @asynccontextmanager
    async def lifespan(context: Annotated[Any, Context()]) -> AsyncIterator[None]:
        if down:
            raise OutageError("the store is down", code=ErrorCode.DATABASE_UNAVAILABLE)
        context.set_global("store", "a store")
        yield

    @broker.subscriber(CHUNKS_READY.name)
    async def handle(_: Order, store: Annotated[str, Context()]) -> None:
        seen.append(store)

    serving = RunningApplication(ServiceApplication(broker, lifespan=lifespan))
    try:
        await bench.send(CHUNKS_READY.name, ORDER)
        await until(lambda: "the store is down" in broker.health.reason)
        down = False
        await serving.is_ready()
        await until(lambda: seen == ["a store"])
    finally:
        await serving.stop()
