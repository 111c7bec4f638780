"""Accounting of a round: what was sent, and how each message ended by the broker's record."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from chaos.fates import TIERS, Fate, fate
from chaos.messages import KEYS, Message, chunk, key, message, read_letter
from chaos.plan import Plan
from chaos.worker import EFFECTS
from contracts import headers as h
from contracts.events import NotesStored
from contracts.topics import CHUNKS_READY, NOTES_STORED, build_dlq_topic, build_retry_topic
from messaging import KafkaUnavailableError, Publisher
from messaging.consumer import batch_reader
from messaging.kafka.admin import open_admin_client
from support.broker import PROBE, Bench

PARTITIONS: Final = 3
READ: Final = (
    CHUNKS_READY.name,
    *(build_retry_topic(PROBE, tier).name for tier in range(TIERS + 1)),
)
"""What the stage reads."""
DLQ: Final = build_dlq_topic(PROBE).name
_SOON: Final = 10.0
"""A broker that does not answer for so many seconds has nothing to say."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of messages by number, with how often each was recorded.

    Attributes:
        results: pairs of number and ``ce_id``, from the committed_offsets topic.
        letters: number, error code and letter id, from the DLQ.
        altered: numbers of letters that are not, byte for byte, what was sent.
    """

    results: Counter[tuple[int, str]]
    letters: Counter[tuple[int, str, str]]
    altered: list[int]


class Books:
    """The messages sent in a round, and what is known of their ends.

    Args:
        bench: the round's topics.
        plan: the round.
        folder: where the effects are.
    """

    def __init__(self, bench: Bench, plan: Plan, folder: Path) -> None:
        self._bench = bench
        self._plan = plan
        self._effects = folder / EFFECTS
        self._messages: dict[int, Message] = {}
        self._sizes: dict[TopicPartition, int] = {}
        self.kafka = bench.kafka

    @property
    def sent(self) -> range:
        """The numbers of all messages that were sent."""
        return range(1, len(self._messages) + 1)

    async def send(self, number: int) -> None:
        """Send so many more messages."""
        async with Publisher(self._bench.kafka, source="/chaos") as publisher:
            for one in range(self.sent.stop, self.sent.stop + number):
                made = self._messages[one] = message(self._plan.seed, one)
                await publisher.forward(CHUNKS_READY.name, made.key, made.value, made.headers)

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

        A message is in its next topic before it is committed, and commits are asked for before
        sizes: if they are equal, nothing was under way when the commits were told.
        """
        try:
            async with asyncio.timeout(_SOON):
                committed = await self._committed()
                sizes = await self._ask_sizes(READ)
        except (KafkaError, KafkaUnavailableError, TimeoutError):
            return False
        return all(max(0, committed.get(place, 0)) == size for place, size in sizes.items())

    async def unchanged(self) -> bool:
        """Whether all topics are as they were when this was asked before."""
        before = self._sizes
        self._sizes = await self._ask_sizes((*READ, NOTES_STORED.name, DLQ))
        return before == self._sizes

    async def _committed(self) -> dict[TopicPartition, int]:
        async with open_admin_client(self.kafka) as admin:
            committed_offsets = await admin.list_consumer_group_offsets(self.kafka.topic(PROBE))
        return {place: committed.offset for place, committed in committed_offsets.items()}

    async def _ask_sizes(self, topics: tuple[str, ...]) -> dict[TopicPartition, int]:
        places = [
            TopicPartition(self.kafka.topic(topic), partition)
            for topic in topics
            for partition in range(PARTITIONS)
        ]
        async with AIOKafkaConsumer(**self.kafka.client_options()) as consumer:
            return dict(await consumer.end_offsets(places))

    async def ends(self) -> Ends:
        """Read the committed_offsets topic and the DLQ from the beginning."""
        batch_reader.install_bounded_batch_reader()
        results, letters = await asyncio.gather(self._all(NOTES_STORED.name), self._all(DLQ))
        numbers = {chunk(self._plan.seed, number).chunk_id: number for number in self.sent}
        read = [read_letter(one) for one in letters]
        return Ends(
            Counter(
                (numbers[_stored(one).chunk_id], _told(one.headers, h.CE_ID)) for one in results
            ),
            Counter(
                (number, added[h.ERROR_CODE].decode(), added[h.LETTER_ID].decode())
                for number, _, added in read
            ),
            [number for number, found, _ in read if found != self._messages[number]],
        )

    async def _all(self, topic: str) -> list[Any]:
        return await self._bench.records(topic, await self._bench.size(topic))

    async def balance(self) -> None:
        """Balance the books of a round that is over.

        Raises:
            AssertionError: something is lost, in two places, twice, altered, or out of order.
        """
        ends, sent = await self.ends(), set(self.sent)
        fates = {number: self.fate(number).code for number in sent}
        handled, dead = {one for one, _ in ends.results}, {one for one, *_ in ends.letters}
        causes = {(number, code) for number, code, _ in ends.letters}
        due = {(number, code.value) for number, code in fates.items() if code is not None}
        assert not sent - handled - dead, f"lost: {sorted(sent - handled - dead)}"
        assert not handled & dead, f"in two states: {sorted(handled & dead)}"
        assert causes == due, f"another end than its fate: {sorted(causes ^ due)}"
        assert not ends.altered, f"letters are not what was sent: {ends.altered}"
        assert len(ends.results) == len(handled), "one message has results with two ids"
        assert len(ends.letters) == len(dead), "one message has dead letters with two ids"
        effects = set(self.effects())
        assert effects == handled, f"effects and results differ: {sorted(effects ^ handled)}"
        if self._plan.order == "key":
            self._check_order()

    def _check_order(self) -> None:
        first = list(dict.fromkeys(self.effects()))
        for one in range(KEYS):
            mine = [n for n in first if n % KEYS == one and self.fate(n).keeps_its_place]
            assert all(a < b for a, b in pairwise(mine)), f"{key(one)} is out of order: {mine}"


def _stored(record: Any) -> NotesStored:
    return NotesStored.model_validate_json(record.value)


def _told(headers: Any, name: str) -> str:
    return str(dict(headers)[name].decode())
