"""The books of a round: what was sent, and what became of it by the broker's own account."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from aiokafka.errors import KafkaError

from chaos.fates import TIERS, Fate, fate
from chaos.plan import Plan
from chaos.worker import EFFECTS
from contracts import headers as h
from contracts.events import ChunkReady, NotesStored
from contracts.ids import derive
from contracts.topics import CHUNKS_READY, NOTES_STORED, dlq_topic, retry_topic
from messaging import KafkaUnavailableError, Publisher
from support.broker import PROBE, Bench
from support.chunks import CHUNK

KEYS: Final = 24
READ_ORDER: Final = (
    CHUNKS_READY.name,
    *(retry_topic(PROBE, tier).name for tier in range(TIERS + 1)),
)
"""What the stage reads, in the direction in which messages move on."""
DLQ: Final = dlq_topic(PROBE).name


def chunk(plan: Plan, number: int) -> ChunkReady:
    """The message with this number, from 1."""
    own = derive("chunk", plan.seed, number)
    return CHUNK.model_copy(update={"chunk_id": own, "index": number})


def key(number: int) -> str:
    """The key it is sent with: a few, so that order matters."""
    return f"key-{number % KEYS}"


@dataclass(frozen=True, slots=True)
class Ends:
    """Where messages ended, by chunk id, each as often as it is recorded.

    Attributes:
        results: pairs of chunk id and ``ce_id``, from the output topic.
        letters: pairs of chunk id and letter id, from the DLQ.
    """

    results: Counter[tuple[UUID, str]]
    letters: Counter[tuple[UUID, str]]


class Books:
    """What was sent in a round and what is known of it.

    Args:
        bench: the round's topics.
        plan: the round.
        folder: where the effects are.
    """

    def __init__(self, bench: Bench, plan: Plan, folder: Path) -> None:
        self._bench = bench
        self._plan = plan
        self._effects = folder / EFFECTS
        self.kafka = bench.kafka
        self.sent = 0
        self._sizes: list[int] = []

    async def send(self, number: int) -> None:
        """Send so many more messages."""
        first, self.sent = self.sent + 1, self.sent + number
        async with Publisher(self._bench.kafka, source="/chaos") as publisher:
            for one in range(first, self.sent + 1):
                body = chunk(self._plan, one).model_dump_json().encode()
                await publisher.forward(CHUNKS_READY.name, key(one).encode(), body, ())

    def effects(self) -> list[int]:
        """The numbers of messages in the order in which their effects happened."""
        if not self._effects.exists():
            return []
        return [int(line.split()[0]) for line in self._effects.read_text("ascii").splitlines()]

    def fate(self, number: int) -> Fate:
        """What the handler does with a message."""
        return fate(self._plan.seed, number)

    async def settled(self) -> bool:
        """Whether everything that was sent is committed, retries included.

        A topic's messages are in the next one before they are committed, so looking in the
        direction in which they move misses none.
        """
        try:
            for topic in READ_ORDER:
                size = await self._bench.size(topic)
                if await self._bench.committed(topic) != size:
                    return False
        except (KafkaError, KafkaUnavailableError, TimeoutError):
            return False
        return True

    async def unchanged(self) -> bool:
        """Whether all topics are as they were when this was asked before."""
        topics = (*READ_ORDER, NOTES_STORED.name, DLQ)
        before, self._sizes = self._sizes, [await self._bench.size(topic) for topic in topics]
        return before == self._sizes

    async def ends(self) -> Ends:
        """Read the output topic and the DLQ from the beginning."""
        results, letters = await asyncio.gather(self._all(NOTES_STORED.name), self._all(DLQ))
        return Ends(
            Counter(
                (NotesStored.model_validate_json(one.value).chunk_id, _header(one, h.CE_ID))
                for one in results
            ),
            Counter(
                (ChunkReady.model_validate_json(one.value).chunk_id, _header(one, h.LETTER_ID))
                for one in letters
            ),
        )

    async def _all(self, topic: str) -> list[Any]:
        return await self._bench.records(topic, await self._bench.size(topic))

    async def balance(self) -> None:
        """Balance the books of a round that is over.

        Raises:
            AssertionError: something is lost, in two places, twice, or out of order.
        """
        ends, numbers = await self.ends(), range(1, self.sent + 1)
        ids = {number: chunk(self._plan, number).chunk_id for number in numbers}
        to_die = {ids[number] for number in numbers if self.fate(number).dies}
        handled, dead = {one for one, _ in ends.results}, {one for one, _ in ends.letters}
        known = handled | dead
        assert not set(ids.values()) - known, f"lost: {_named(ids, set(ids.values()) - known)}"
        assert not handled & dead, f"in two states: {_named(ids, handled & dead)}"
        assert dead == to_die, f"another end than its fate: {_named(ids, dead ^ to_die)}"
        assert len(ends.results) == len(handled), "one message has results with two ids"
        assert len(ends.letters) == len(dead), "one message has dead letters with two ids"
        effects = {ids[number] for number in self.effects()}
        assert effects == handled, f"effects and results differ: {_named(ids, effects ^ handled)}"
        if self._plan.order == "key":
            self._check_order()

    def _check_order(self) -> None:
        first = list(dict.fromkeys(self.effects()))
        for one in range(KEYS):
            mine = [n for n in first if n % KEYS == one and not self.fate(n).is_retried]
            assert all(a < b for a, b in pairwise(mine)), f"{key(one)} is out of order: {mine}"


def _header(record: Any, name: str) -> str:
    return str(dict(record.headers)[name].decode())


def _named(ids: dict[int, UUID], some: set[UUID]) -> list[int]:
    return sorted(number for number, one in ids.items() if one in some)
