"""FastStream's in-memory test broker as a backend: handlers, events and topics, nothing kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from faststream.kafka import KafkaBroker, KafkaMessage, TestKafkaBroker

from contracts.topics import EVENT_TOPICS
from messaging import StageSettings
from messaging.delivery import Headers
from support.broker import QUICK
from support.on_faststream import broker_of
from support.stages import Stage


@dataclass(frozen=True, slots=True)
class Written:
    """A record that a producer has written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class InMemory:
    """Topics in memory; a stage's handlers run while it reads them, one message at a time.

    There is no policy here: a handler's error ends with FastStream, and its message with it.
    """

    def __init__(self) -> None:
        self._unread: list[Written] = []
        self._broker: KafkaBroker | None = None
        self._records: defaultdict[str, list[Any]] = defaultdict(list)
        self._settled: defaultdict[str, int] = defaultdict(int)

    async def send(
        self, topic: str, *values: bytes | None, key: bytes | None = None, headers: Headers = ()
    ) -> None:
        """Write records; they are handled before this returns if a stage is at work."""
        self._unread += [Written(topic, key, value, headers) for value in values]
        await self._read()

    @asynccontextmanager
    async def running(
        self, stage: Stage, settings: StageSettings = QUICK, **more: Any
    ) -> AsyncIterator[InMemory]:
        """A stage's handlers at work; they have no settings."""
        broker = broker_of(stage, settings)
        for topic in EVENT_TOPICS:
            self._keep(broker, topic.name)
        async with TestKafkaBroker(broker):
            self._broker = broker
            try:
                await self._read()
                yield self
            finally:
                self._broker = None

    async def stop(self) -> None:
        """Nothing is at work between two messages."""

    async def settled(self, topic: str, number: int) -> None:
        """All records are handled as soon as they are written."""
        assert self._settled[topic] == number

    async def records(self, topic: str, number: int) -> list[Any]:
        """The records of a topic."""
        found = self._records[topic]
        assert len(found) == number
        return found

    async def size(self, topic: str) -> int:
        """How many records a topic has."""
        return len(self._records[topic])

    def _keep(self, broker: KafkaBroker, topic: str) -> None:
        @broker.subscriber(topic, group_id="reader", decoder=_as_it_is)
        async def keep(_body: bytes, message: KafkaMessage) -> None:
            self._records[topic].append(message.raw_message)

    async def _read(self) -> None:
        while self._broker is not None and self._unread:
            written = self._unread.pop(0)
            headers = {name: value.decode() for name, value in written.headers}
            # A handler may raise anything, and the test broker lets it out to whoever publishes.
            with suppress(Exception):
                await self._broker.publish(
                    written.value, written.topic, key=written.key, headers=headers
                )
            self._settled[written.topic] += 1


async def _as_it_is(message: KafkaMessage) -> bytes:
    return bytes(message.body)
