"""What an outage of the model costs beyond its own length: enrichment on Kafka, down for 60 s."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from bench.harness import Lab, Result, at_most
from bench.model_lab import chunk, simulation
from contracts.topics import (
    CHUNKS_READY,
    ENRICHMENT,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    RETRY_DELAYS_S,
    build_dlq_topic,
    build_retry_topic,
)
from enrichment.drafter import NoteDrafter
from enrichment.handlers import router
from enrichment.settings import EnrichmentSettings
from messaging import KafkaSettings, Publisher
from messaging.kafka.admin import create_topics
from model_client import ModelClient
from support.on_faststream import broker_with

OUTAGE_S: Final = 60.0
BEFORE_S: Final = 4.0
LATENCY: Final = "lognormal:0.3,0.3"
RATE: Final = 20.0
"""Chunks a second that come in all the while."""
KINDS: Final = ("server_error", "disconnect", "hang")
GOAL_S: Final = 5.0


async def measure(lab: Lab) -> Result:
    """Seconds from the end of an outage to the first draft, and dead letters, by kind."""
    outage_s = OUTAGE_S * max(lab.scale, 0.1)
    sides = {kind: await _suffer(lab, kind, outage_s) for kind in KINDS}
    dead = sum(int(side["dead_letters"]) for side in sides.values())
    return Result(
        figure=max(float(side["first_draft_after_s"]) for side in sides.values()),
        goal=GOAL_S,
        better="lower",
        unit="s from the outage's end to the first draft, the worst of three kinds",
        sides=sides,
        shortfalls=at_most("dead letters", dead, 0),
        notes=(
            f"{RATE:g} chunks a second, {outage_s:g} s down",
            "caught_up_s: until all that had come in meanwhile was drafted",
        ),
    )


class _Drafts:
    """When each draft came."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def first_after(self, moment: float) -> float | None:
        return next((one for one in self.times if one >= moment), None)


async def _suffer(lab: Lab, kind: str, outage_s: float) -> dict[str, float | str]:
    kafka = await _fresh(lab)
    drafts = _Drafts()
    async with AsyncExitStack() as everything:
        model = await everything.enter_async_context(simulation(latency=LATENCY))
        client = await everything.enter_async_context(ModelClient(model.settings()))
        await everything.enter_async_context(_consuming(kafka, client))
        await everything.enter_async_context(_watching(kafka, drafts))
        sent = await everything.enter_async_context(_traffic(kafka))
        await _until(lambda: len(drafts.times) > RATE * BEFORE_S / 2)
        await model.control("PUT", "outages", [{"kind": kind, "lasts": outage_s}])
        end = time.monotonic() + outage_s
        await asyncio.sleep(outage_s)
        due = len(sent)
        await _until(lambda: drafts.first_after(end) is not None)
        first = drafts.first_after(end)
        assert first is not None
        await _until(lambda: len(drafts.times) >= due)
        caught_up = time.monotonic()
        dead = await _size(kafka, build_dlq_topic(ENRICHMENT).name)
        retried = await _size(kafka, build_retry_topic(ENRICHMENT, 1).name)
    return {
        "first_draft_after_s": round(first - end, 2),
        "caught_up_s": round(caught_up - end, 2),
        "dead_letters": dead,
        "through_a_retry_topic": retried,
        "chunks": due,
    }


async def _fresh(lab: Lab) -> KafkaSettings:
    kafka = await lab.fresh()
    retries = [build_retry_topic(ENRICHMENT, tier) for tier in range(len(RETRY_DELAYS_S))]
    own = (CHUNKS_READY, NOTES_REJECTED, NOTES_DRAFTED, *retries, build_dlq_topic(ENRICHMENT))
    await create_topics(kafka, [replace(one, partitions=1) for one in own])
    return kafka


@asynccontextmanager
async def _consuming(kafka: KafkaSettings, client: ModelClient) -> AsyncIterator[None]:
    settings = EnrichmentSettings(drain_grace_s=0)
    broker = broker_with(ENRICHMENT, router, settings, kafka, drafter=NoteDrafter(client))
    await broker.start()
    try:
        yield
    finally:
        await broker.stop()


@asynccontextmanager
async def _watching(kafka: KafkaSettings, drafts: _Drafts) -> AsyncIterator[None]:
    consumer = _reader(kafka, NOTES_DRAFTED.name)
    await consumer.start()

    async def watch() -> None:
        async for _ in consumer:
            drafts.times.append(time.monotonic())

    async with _meanwhile(watch()):
        yield
    await consumer.stop()


@asynccontextmanager
async def _traffic(kafka: KafkaSettings) -> AsyncIterator[list[int]]:
    sent: list[int] = []

    async def feed() -> None:
        async with Publisher(kafka, source="/bench") as publisher:
            while True:
                await publisher.publish([chunk(len(sent))])
                sent.append(len(sent))
                await asyncio.sleep(1 / RATE)

    async with _meanwhile(feed()):
        yield sent


@asynccontextmanager
async def _meanwhile(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _reader(kafka: KafkaSettings, topic: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        kafka.topic(topic),
        bootstrap_servers=kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        group_id=None,
    )


async def _size(kafka: KafkaSettings, topic: str) -> int:
    consumer = _reader(kafka, topic)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
    finally:
        await consumer.stop()
    return int(sum(ends.values()))


async def _until(look: Any, *, within_s: float = 120.0) -> None:
    async with asyncio.timeout(within_s):
        while not look():  # noqa: ASYNC110 - looks at what several tasks write
            await asyncio.sleep(0.02)
