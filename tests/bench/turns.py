"""A small interview behind a huge one at a stage whose calls take half a second, beside alone.

The huge one, 1,560 chunks, waits in the same partitions, and with it in a single one. The same run
tells how soon a retry that is due begins beside that backlog.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

from bench.harness import Lab, Result, at_most, event, interleaved, producer, spread, stored
from bench.sides import ours
from contracts.events import NotesStored, NotesValidated
from contracts.ids import derive_id
from contracts.topics import NOTES_VALIDATED, PERSISTENCE, build_retry_topic
from messaging import KafkaSettings
from messaging.codec import encode_event
from messaging.delivery import Delivery, Headers, MessageOrigin, append_headers, build_retry_headers
from support.waiting import until

CHUNKS: Final = 1_560
SMALL: Final = 64
IN_FLIGHT: Final = 64
CALL_S: Final = 0.5
RETRY_S: Final = 0.4
MOST_LATE_S: Final = 1.0
"""How long after it is due a retry may begin, in seconds."""
WITHIN_S: Final = 300.0

HUGE: Final = derive_id("transcript", "huge")
SMALL_ONE: Final = derive_id("transcript", "small")
AGAIN: Final = derive_id("transcript", "again")


async def measure(lab: Lab) -> Result:
    """Seconds from sending the small interview to its last chunk's end."""
    chunks = lab.scaled(CHUNKS, least=200)
    late: list[float] = []
    found = await interleaved(
        lab.repeats,
        {
            "alone": partial(_time, lab, 0, late),
            "beside, spread": partial(_time, lab, chunks, late),
            "beside, one partition": partial(_time, lab, chunks, late, partition=0),
        },
    )
    alone = sorted(found["alone"])[len(found["alone"]) // 2]
    worst = max(max(found[name]) for name in found if name != "alone")
    return Result(
        figure=worst - 2 * alone,
        goal=5.0,
        better="lower",
        unit="s more than twice the time alone, worst of all runs",
        sides={
            **{name: spread(times, "seconds") for name, times in found.items()},
            "a retry that is due, beside": spread(late, "seconds_late"),
        },
        shortfalls=at_most("seconds until a retry that is due begins", max(late), MOST_LATE_S),
        notes=(f"{chunks} chunks before {SMALL}, {IN_FLIGHT} in flight, calls of {CALL_S:g} s",),
    )


class Ends:
    """When messages ended, by interview."""

    def __init__(self) -> None:
        self.others = 0
        self.small = 0
        self.huge = 0
        self.again_began = 0.0

    async def handle(self, one: NotesValidated) -> NotesStored:
        """Take as long as a call."""
        self.others += 1
        if one.transcript_id == AGAIN:
            self.again_began = time.time()
        await asyncio.sleep(CALL_S)
        self.small += one.transcript_id == SMALL_ONE
        self.huge += one.transcript_id == HUGE
        return stored(one)


async def _time(lab: Lab, chunks: int, late: list[float], *, partition: int | None = None) -> float:
    kafka, ends = await lab.fresh(), Ends()
    async with ours(kafka, ends.handle, IN_FLIGHT):
        async with _sender(kafka, partition) as send:
            await send(chunks + SMALL, "first")
        await until(
            lambda: ends.others == 1, within_s=WITHIN_S
        )  # joining the group is not measured
        async with _sender(kafka, partition) as send:
            for number in range(chunks):
                await send(number, "huge")
        if chunks:
            await until(lambda: ends.huge >= IN_FLIGHT, within_s=WITHIN_S)
        begin = time.monotonic()
        async with _sender(kafka, partition) as send:
            for number in range(SMALL):
                await send(chunks + number, "small")
        await until(lambda: ends.small == SMALL, within_s=WITHIN_S)
        took_s = time.monotonic() - begin
        if chunks:
            assert ends.huge < chunks, "the huge one had ended: nothing was beside"
            due = await _retry(kafka)
            await until(lambda: ends.again_began > 0, within_s=WITHIN_S)
            late.append(round(ends.again_began - due, 3))
    return took_s


class Send:
    """Sends chunks' events."""

    def __init__(self, bare: object, topic: str, partition: int | None) -> None:
        self._bare, self._topic, self._partition = bare, topic, partition
        self.sent: list[asyncio.Future[object]] = []

    async def __call__(self, number: int, whose: str) -> None:
        """Send one chunk of an interview."""
        key, value, headers = encode_event(_event(number, whose), source="/bench")
        where = {"partition": self._partition} if self._partition is not None else {}
        sent = await self._bare.send(self._topic, value, key=key, headers=headers, **where)  # type: ignore[attr-defined]  # aiokafka is untyped
        self.sent.append(sent)


@asynccontextmanager
async def _sender(kafka: KafkaSettings, partition: int | None) -> AsyncIterator[Send]:
    async with producer(kafka) as bare:
        send = Send(bare, kafka.topic(NOTES_VALIDATED.name), partition)
        yield send
        await asyncio.gather(*send.sent)


def _event(number: int, whose: str) -> NotesValidated:
    about = {
        "chunk_id": derive_id("chunk", number),
        "transcript_id": derive_id("transcript", whose),
    }
    return event(number + 1).model_copy(update=about)


async def _retry(kafka: KafkaSettings) -> float:
    """Write a message that is due soon to a retry topic; when that is, in seconds."""
    key, value, original = encode_event(_event(0, "again"), source="/bench")
    due = time.time() + RETRY_S
    delivery = replace(Delivery(MessageOrigin(NOTES_VALIDATED.name, 0, 0)), attempts=1)
    added = build_retry_headers(
        delivery, not_before_ms=int(due * 1000), delay_ms=int(RETRY_S * 1000)
    )
    headers: Headers = append_headers(tuple(original), added)
    async with producer(kafka) as bare:
        topic = kafka.topic(build_retry_topic(PERSISTENCE, 1).name)
        await bare.send_and_wait(topic, value, key=key, headers=list(headers))
    return due
