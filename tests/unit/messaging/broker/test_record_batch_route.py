"""A handler of ``list[Record]``: called with many where nothing else is to be done."""

from __future__ import annotations

from typing import Annotated

import pytest
from faststream import BaseMiddleware, Context
from faststream.kafka import TestKafkaBroker

from contracts.topics import build_dlq_topic
from messaging import KafkaSettings, Record, ReliableKafkaBroker, StageSettings
from messaging.broker.record_batches import RecordBatchRoute, ReturnedFromBatchError
from messaging.stage import TopicSubscription

DLQ = build_dlq_topic("guardrail")
RECORDS = [Record(DLQ.name, 0, offset, b"k", b"\xff", (), 1) for offset in range(3)]


class PassingOn(BaseMiddleware):
    """A middleware, so that FastStream's own steps are taken."""


def broker_of(**options: object) -> ReliableKafkaBroker:
    broker = ReliableKafkaBroker(
        service="control",
        settings=StageSettings(),
        kafka=KafkaSettings(),
        dead_letters=False,
        allow_auto_create_topics=False,
        **options,  # type: ignore[arg-type]  # as the broker takes them
    )
    broker.context.set_global("kept", [])
    return broker


async def route_of(broker: ReliableKafkaBroker) -> TopicSubscription:
    broker.read_settings()
    broker._setup_logger()
    for subscriber in broker.subscribers:
        await subscriber.start()
    return broker._new_stage().route(DLQ.name)


async def keep(records: list[Record], kept: Annotated[list[object], Context()]) -> None:
    kept.append(records)


async def test_a_handler_of_many_records_is_called_with_all_of_them() -> None:
    broker = broker_of()
    broker.subscriber(DLQ)(keep)
    route = await route_of(broker)
    assert isinstance(route, RecordBatchRoute)
    assert (route.is_json, route.wants_delivery) == (False, False)
    await route.handle_many(RECORDS)
    await route.handle(RECORDS[0], None)
    assert broker.context.get("kept") == [RECORDS, RECORDS[:1]]


async def test_behind_a_middleware_it_is_called_with_one() -> None:
    broker = broker_of(middlewares=(PassingOn,))
    broker.subscriber(DLQ)(keep)
    route = await route_of(broker)
    assert (route.handle_many, route.is_json) == (None, False)
    async with TestKafkaBroker(broker):
        await broker.publish(b"\xff", DLQ.name)
    ((record,),) = broker.context.get("kept")
    assert (record.topic, record.value) == (DLQ.name, b"\xff")


async def test_one_that_publishes_is_called_with_one() -> None:
    broker = broker_of()

    @broker.subscriber(DLQ)
    @broker.publisher("elsewhere")
    async def count(records: list[Record]) -> int:
        return len(records)

    assert (await route_of(broker)).handle_many is None


async def test_what_a_handler_of_many_returns_would_be_lost_and_is_an_error() -> None:
    broker = broker_of()

    @broker.subscriber(DLQ)
    async def count(records: list[Record]) -> int:
        return len(records)

    route = await route_of(broker)
    assert route.handle_many is not None
    with pytest.raises(ReturnedFromBatchError, match="count returned something"):
        await route.handle_many(RECORDS)
