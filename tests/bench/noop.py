"""A stage that does nothing: consume, validate, produce, commit, beside a hand-written loop."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata

from bench.harness import Lab, Result, Side, at_least, interleaved, paired, producer, spread, stored
from bench.sides import (
    PEER,
    WITH_MACHINERY,
    Consume,
    available,
    ours,
    ours_with_machinery,
)
from contracts import headers as h
from contracts.events import NotesStored, NotesValidated
from contracts.topics import NOTES_STORED, NOTES_VALIDATED, PERSISTENCE

IN_FLIGHT: Final = 1_000
"""The window of ours, and the size of the hand-written loop's batches."""
AT_MOST_ONCE: Final = "FastStream at most once"
PEERS: Final = {AT_MOST_ONCE: 64, PEER: 512}
"""In flight."""
MACHINERY_GOAL: Final = 1.5
"""Of FastStream's own at-most-once, with all of FastStream's machinery taking part."""
PATIENCE_S: Final = 300.0
HAND: Final = "hand-written loop"


async def measure(lab: Lab) -> Result:
    """Messages a second from the first one received to the last one committed."""
    number, few = lab.scaled(20_000, least=2_000), lab.scaled(2_000, least=500)
    consumers, notes = available()
    runs: dict[str, Side] = {
        HAND: partial(_by_hand, lab, number),
        "ours": partial(run_stage, lab, ours, IN_FLIGHT, number),
        WITH_MACHINERY: partial(run_stage, lab, ours_with_machinery, IN_FLIGHT, few),
    }
    for name, in_flight in PEERS.items():
        if name in consumers:
            runs[name] = partial(run_stage, lab, consumers[name], in_flight, few)
    found = await interleaved(lab.repeats, runs)
    ratio = paired(found[WITH_MACHINERY], found[AT_MOST_ONCE])
    return Result(
        figure=paired(found["ours"], found[HAND]),
        goal=0.8,
        better="higher",
        unit="of a hand-written aiokafka loop, messages/s",
        sides={name: spread(rates) for name, rates in found.items()},
        shortfalls=at_least(
            "with FastStream's machinery / its at most once", ratio, MACHINERY_GOAL
        ),
        notes=(
            *notes,
            f"FastStream's sides: the rate of {few} of {number} messages",
        ),
    )


async def run_stage(lab: Lab, consume: Consume, in_flight: int, number: int) -> float:
    """Return how many messages a second a side handles, from the first call to the last commit."""
    kafka = await lab.filled(number)
    calls = Count(number)

    async def handle(event: NotesValidated) -> NotesStored:
        calls.one()
        return stored(event)

    async with consume(kafka, handle, in_flight) as settle, asyncio.timeout(PATIENCE_S):
        await calls.done.wait()
        await settle()
        return calls.rate()


class Count:
    """Counts calls, and tells when all were there."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._seen = 0
        self._from = 0.0
        self.done = asyncio.Event()

    def one(self) -> None:
        """Another call."""
        if not self._seen:
            self._from = time.perf_counter()
        self._seen += 1
        if self._seen == self._number:
            self.done.set()

    def rate(self) -> float:
        """Calls a second since the first."""
        return self._seen / (time.perf_counter() - self._from)


async def _by_hand(lab: Lab, number: int) -> float:
    kafka = await lab.filled(number)
    consumer = AIOKafkaConsumer(
        kafka.topic(NOTES_VALIDATED.name),
        **kafka.client_options(),
        group_id=kafka.topic(PERSISTENCE),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    seen, begin = 0, 0.0
    async with producer(kafka) as bare, consumer, asyncio.timeout(PATIENCE_S):
        while seen < number:
            batches = await consumer.getmany(timeout_ms=1_000, max_records=IN_FLIGHT)
            begin = begin or (time.perf_counter() if batches else 0.0)
            for records in batches.values():
                seen += len(records)
            await _answer(bare, kafka.topic(NOTES_STORED.name), batches.values())
            ends = {
                partition: OffsetAndMetadata(records[-1].offset + 1, "")
                for partition, records in batches.items()
            }
            if ends:
                await consumer.commit(ends)
        return seen / (time.perf_counter() - begin)


async def _answer(bare: Any, topic: str, batches: Iterable[Any]) -> None:
    sending = []
    for records in batches:
        for record in records:
            result = stored(NotesValidated.model_validate_json(record.value))
            key = result.key.encode()
            body = result.model_dump_json().encode()
            sending.append(await bare.send(topic, body, key=key, headers=_headers(key)))
    await asyncio.gather(*sending)


def _headers(key: bytes) -> list[tuple[str, bytes]]:
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    return [
        (h.CONTENT_TYPE, b"application/json"),
        (h.CE_SPECVERSION, b"1.0"),
        (h.CE_ID, str(uuid4()).encode()),
        (h.CE_TYPE, NotesStored.ce_type.encode()),
        (h.CE_SOURCE, b"/bench"),
        (h.CE_SUBJECT, key),
        (h.CE_TIME, datetime.now(UTC).isoformat().encode()),
        (h.TRACEPARENT, trace.encode()),
    ]
