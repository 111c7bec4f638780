"""Shared parts of measures: a broker with fresh topics, repeated runs, and results."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import count
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Final, Literal

from aiokafka import AIOKafkaProducer

from contracts.events import NotesStored, NotesValidated
from contracts.ids import derive_id
from contracts.topics import (
    NOTES_STORED,
    NOTES_VALIDATED,
    PERSISTENCE,
    RETRY_DELAYS_S,
    build_dlq_topic,
    build_retry_topic,
)
from messaging import KafkaSettings
from messaging.codec import encode_event
from messaging.kafka.admin import create_topics
from support.kafka_jars import kafka_version

ROOT: Final = Path(__file__).resolve().parents[2]
PARTITIONS: Final = 4
REPEATS: Final = 3

_runs = count(1)

Figures = Mapping[str, float | str]
Side = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a measure.

    Attributes:
        figure: the ratio that is held against the goal.
        better: whether the goal is the least or the most the figure may be.
        unit: what the figure and the sides' figures are.
        sides: each side's own figures.
        shortfalls: the further conditions that are not met, in words (``at_most``).
        notes: what a reader has to know to take the figure for what it is.
    """

    figure: float
    goal: float
    better: Literal["higher", "lower"]
    unit: str
    sides: Mapping[str, Figures]
    shortfalls: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the goal is reached and every further condition is met."""
        higher = self.better == "higher"
        reached = self.figure >= self.goal if higher else self.figure <= self.goal
        return reached and not self.shortfalls


@dataclass(frozen=True, slots=True)
class Lab:
    """A running broker, and the scale of the measure (1 is all of it).

    ``servers`` is empty if no measure of this run needs a broker.
    """

    servers: str
    scale: float

    def scaled(self, number: int, *, least: int = 1) -> int:
        """A number of messages or repeats at this scale."""
        return max(least, round(number * self.scale))

    @property
    def repeats(self) -> int:
        """How often each side runs."""
        return self.scaled(REPEATS)

    async def fresh(self) -> KafkaSettings:
        """Settings under which topics, which are made, and groups are one run's own."""
        kafka = KafkaSettings(
            bootstrap_servers=self.servers,
            topic_prefix=f"bench{next(_runs)}-",
            session_timeout_ms=6_000,
            compression="none",
        )
        tiers = range(len(RETRY_DELAYS_S))
        retries = [build_retry_topic(PERSISTENCE, tier) for tier in tiers]
        topics = (NOTES_VALIDATED, NOTES_STORED, *retries, build_dlq_topic(PERSISTENCE))
        await create_topics(kafka, [replace(topic, partitions=PARTITIONS) for topic in topics])
        return kafka

    async def filled(self, number: int) -> KafkaSettings:
        """As ``fresh``, with events numbered from 1 waiting on the topic."""
        kafka = await self.fresh()
        await fill(kafka, number)
        return kafka


def event(number: int) -> NotesValidated:
    """Return an event of about 450 bytes; its ``revision`` is its number."""
    return NotesValidated(
        chunk_id=derive_id("chunk", number),
        transcript_id=derive_id("transcript", number),
        revision=number,
        study_id="independent-repair-shops",
        attempt=1,
        model="simulated-notes",
        model_fingerprint="fp-0123456789abcdef",
        prompt_version="notes-1",
    )


def stored(one: NotesValidated) -> NotesStored:
    """Return the event that handling another one causes."""
    return NotesStored(
        transcript_id=one.transcript_id,
        revision=one.revision,
        study_id=one.study_id,
        chunk_id=one.chunk_id,
    )


def producer(kafka: KafkaSettings) -> AIOKafkaProducer:
    """Open a bare idempotent producer with ``acks=all``, in batches as large as ours."""
    return AIOKafkaProducer(
        **kafka.client_options(), acks="all", enable_idempotence=True, max_batch_size=256 * 1024
    )


async def fill(kafka: KafkaSettings, number: int) -> None:
    """Write events numbered from 1 and wait until the broker has them."""
    topic = kafka.topic(NOTES_VALIDATED.name)
    sending = []
    async with producer(kafka) as bare:
        for one in range(1, number + 1):
            key, value, headers = encode_event(event(one), source="/bench")
            sending.append(await bare.send(topic, value, key=key, headers=headers))
        for sent in sending:
            await sent


async def interleaved(repeats: int, sides: Mapping[str, Side]) -> dict[str, list[float]]:
    """Run all sides in turn, so that a slow spell of the machine slows all of them.

    Returns:
        Each side's figures, one a repeat.
    """
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, run in sides.items():
            found[name].append(await run())
    return found


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of figures that were taken one right after the other."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def at_most(what: str, figure: float, limit: float) -> tuple[str, ...]:
    """Return the shortfall of a figure that is above its limit; nothing if it is not."""
    return () if figure <= limit else (f"{what}: {figure:g}, the goal is ≤ {limit:g}",)


def at_least(what: str, figure: float, limit: float) -> tuple[str, ...]:
    """Return the shortfall of a figure that is below its limit; nothing if it is not."""
    return () if figure >= limit else (f"{what}: {figure:g}, the goal is ≥ {limit:g}",)


def spread(figures: Sequence[float], name: str = "messages_per_s") -> dict[str, float]:
    """Return a side's median, least and most."""
    return {
        name: round(median(figures), 3),
        "least": round(min(figures), 3),
        "most": round(max(figures), 3),
    }


def stack() -> str:
    """On what the figures were taken."""
    return (
        f"Apache Kafka {kafka_version()}, aiokafka {version('aiokafka')}, "
        f"FastStream {version('faststream')}, Python {platform.python_version()}, "
        f"{platform.system()}, {cpu_count()} cores"
    )


def commit() -> str:
    """Return the commit that is measured, with ``-dirty`` if files differ from it."""
    words = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
