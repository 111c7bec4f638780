"""What every backend of the conformance suite offers, and what only some of them can show."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Any, Final, Protocol

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.topics import NOTES_DRAFTED
from messaging import KafkaSettings, Publisher, StageSettings
from messaging.delivery import Headers
from messaging.kafka.admin import open_admin_client
from support.broker import QUICK, Bench, RunningStage, bench_on, probe_topics
from support.stages import Stage

needs = pytest.mark.needs
"""``@needs(Ability.COMMITS)``: the test is collected only for backends that have the abilities."""

proves = pytest.mark.proves
"""``@proves("promise 1")``: which promise, or which row of the failure table, the test is for."""


class Ability(StrEnum):
    """What a backend can show, beyond handing events to handlers and taking what they return."""

    RAW_RECORDS = "keys, values and headers of any bytes"
    CONCURRENCY = "a window of messages in flight"
    COMMITS = "committed offsets and their metadata"
    DEAD_LETTERS = "retry topics, dead letters, outages, stopped stages"
    RESTARTS = "a stage that is stopped or killed, and started again"
    PROCESSES = "stages as processes of their own"
    REBALANCES = "replicas that join in the middle"
    NAMELESS_REPLICAS = "replicas without names, which come and go and cost the others nothing"
    LOG_IDENTITY = "topic ids and leader epochs, by which a log is known"
    BROKER_RESTARTS = "a broker that keeps what it has acknowledged when it is stopped"


A = Ability

MEMORY: Final = "faststream-memory"
EMBEDDED: Final = "embedded"
APACHE: Final = "apache"

ABILITIES: Final[dict[str, frozenset[Ability]]] = {
    MEMORY: frozenset(),
    # The embedded broker bumps the generation as soon as a member comes, so that a commit then
    # costs the others their membership, and a name gets it back. If a group's leader vanishes
    # while another member joins, it waits for that leader without end; and a leader that comes
    # back under its name assigns all partitions anew without the others being told. So replicas
    # may join there, and none may go. Stopped, it may lose what it has acknowledged (all ran).
    EMBEDDED: frozenset(Ability) - {A.NAMELESS_REPLICAS, A.LOG_IDENTITY, A.BROKER_RESTARTS},
    APACHE: frozenset(Ability),
}


def able_backends(test: Callable[..., object]) -> list[str]:
    """The backends that have the abilities which a test is marked to need."""
    needed = set(marked(test, "needs"))
    return [name for name, abilities in ABILITIES.items() if needed <= abilities]


def marked(test: Callable[..., object], name: str) -> tuple[str, ...]:
    """The arguments of a test's marks of one name; those of its module count as well."""
    module = getattr(sys.modules[test.__module__], "pytestmark", [])
    marks = (*getattr(test, "pytestmark", ()), *(module if isinstance(module, list) else [module]))
    return tuple(argument for mark in marks if mark.name == name for argument in mark.args)


class Replica(Protocol):
    """A stage at work on a backend."""

    async def stop(self) -> None:
        """Stop as by SIGTERM and wait for the end."""


class Backend(Protocol):
    """One test's topics, and a way to have a stage's handlers work on them."""

    async def send(
        self, topic: str, *values: bytes | None, key: bytes | None = None, headers: Headers = ()
    ) -> None:
        """Write records as any producer might, in order."""

    def running(
        self, stage: Stage, settings: StageSettings = QUICK, **more: Any
    ) -> AbstractAsyncContextManager[Replica]:
        """A stage at work, until the context ends."""

    async def settled(self, topic: str, number: int) -> None:
        """Wait until so many records of a topic need no more work."""

    async def records(self, topic: str, number: int) -> list[Any]:
        """The first records of a topic, as aiokafka gives them, once there are so many."""

    async def size(self, topic: str) -> int:
        """How many records a topic has."""


class Brokered(Bench):
    """A backend with a broker; what it offers beyond ``Backend`` is for tests that need abilities.

    Args:
        kafka: how to reach the broker; the prefix makes topics and groups the test's own.
        named: whether replicas have to have names of their own.
    """

    def __init__(self, kafka: KafkaSettings, *, named: bool) -> None:
        super().__init__(kafka)
        self.named = named

    async def settled(self, topic: str, number: int) -> None:
        """Wait until so many records are committed."""
        await self.is_committed(topic, number)

    async def send_many(self, topic: str, values: Sequence[bytes], headers: Headers = ()) -> None:
        """Write many records at once, in no particular order."""
        async with Publisher(self.kafka, source="/test") as publisher:
            await asyncio.gather(
                *(publisher.forward(topic, None, value, headers) for value in values)
            )

    def replica(self, name: str, stage: Stage, settings: StageSettings = QUICK) -> RunningStage:
        """One of several replicas, started and perhaps not ready yet."""
        instance = name if self.named else ""
        kafka = self.kafka.model_copy(update={"group_instance_id": instance})
        return RunningStage(kafka, stage, settings)

    async def limit(self, topic: str, max_message_bytes: int) -> None:
        """Set the largest batch that a topic takes, in bytes."""
        resource = ConfigResource(
            ConfigResourceType.TOPIC,
            self.kafka.topic(topic),
            {"max.message.bytes": str(max_message_bytes)},
        )
        async with open_admin_client(self.kafka) as admin:
            await admin.alter_configs([resource])

    def settings(self, **changed: Any) -> Brokered:
        """The same topics, with other settings of the connection."""
        return Brokered(self.kafka.model_copy(update=changed), named=self.named)


async def brokered(servers: str, *, named: bool, partitions: int = 1) -> Brokered:
    """Topics of a test's own on a broker."""
    bench = await bench_on(servers, (*probe_topics(partitions), NOTES_DRAFTED))
    return Brokered(bench.kafka, named=named)
