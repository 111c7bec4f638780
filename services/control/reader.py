"""Reads dead letters back from their DLQ, byte for byte."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from control.domain import Letter, LetterPlace, UnknownLetterError
from messaging import KafkaSettings, KafkaUnavailableError, Record, header_names

CLOSE: Final = 5_000
"""Offsets that are read over rather than sought past."""


class LetterReader:
    """Fetches single records by their place.

    Args:
        consumer: a started consumer without a group.
        kafka: knows the topics' prefix.
        timeout_s: longest wait for one record, in seconds.
    """

    def __init__(self, consumer: Any, kafka: KafkaSettings, timeout_s: float) -> None:
        self._consumer = consumer
        self._kafka = kafka
        self._timeout_s = timeout_s
        self._one_at_a_time = asyncio.Lock()

    async def read(self, letter: Letter) -> Record:
        """The letter's record, with all headers.

        Raises:
            UnknownLetterError: the DLQ has no record at the letter's place any more.
            KafkaUnavailableError: the broker does not answer.
        """
        place = TopicPartition(self._kafka.topic(letter.dlq_topic), letter.dlq_partition)
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._timeout_s):
                    received = await self._fetch(place, letter.dlq_offset)
            except (TimeoutError, KafkaError) as error:
                raise KafkaUnavailableError(
                    f"cannot read {letter.dlq_topic}: no answer in time"
                ) from error
        if received.offset != letter.dlq_offset:
            raise UnknownLetterError(
                f"{letter.dlq_topic} has no record at offset {letter.dlq_offset} any more"
            )
        return _record(letter.dlq_topic, received)

    async def read_many(
        self, letters: Sequence[LetterPlace]
    ) -> AsyncIterator[tuple[LetterPlace, Record]]:
        """The records of many letters, DLQ by DLQ in order; those that are gone are left out.

        Raises:
            KafkaUnavailableError: the broker does not answer.
        """
        wanted: dict[TopicPartition, dict[int, LetterPlace]] = {}
        for letter in letters:
            place = TopicPartition(self._kafka.topic(letter.dlq_topic), letter.dlq_partition)
            wanted.setdefault(place, {})[letter.dlq_offset] = letter
        async with self._one_at_a_time:
            for place, of_place in wanted.items():
                async for received in self._run(place, sorted(of_place)):
                    letter = of_place[received.offset]
                    yield letter, _record(letter.dlq_topic, received)

    async def _run(self, place: TopicPartition, offsets: Sequence[int]) -> AsyncIterator[Any]:
        """The records at these offsets, read in passes over the partition."""
        self._consumer.assign([place])
        wanted, position = deque(offsets), -1
        while wanted:
            if not 0 <= wanted[0] - position <= CLOSE:
                self._consumer.seek(place, wanted[0])
            for received in await self._some(place):
                position = received.offset + 1
                while wanted and wanted[0] < received.offset:
                    wanted.popleft()  # gone
                if wanted and wanted[0] == received.offset:
                    wanted.popleft()
                    yield received

    async def _some(self, place: TopicPartition) -> Sequence[Any]:
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    batches = await self._consumer.getmany(place, timeout_ms=1_000)
                    if records := batches.get(place):
                        return list(records)
        except (TimeoutError, KafkaError) as error:
            raise KafkaUnavailableError(f"cannot read {place.topic}: no answer in time") from error

    async def _fetch(self, place: TopicPartition, offset: int) -> Any:
        if place not in self._consumer.assignment():
            self._consumer.assign([place])
        self._consumer.seek(place, offset)
        return await self._consumer.getone(place)


def _record(topic: str, received: Any) -> Record:
    return Record(
        topic=topic,
        partition=received.partition,
        offset=received.offset,
        key=received.key,
        value=received.value,
        headers=tuple(received.headers),
        timestamp_ms=received.timestamp,
    )


@asynccontextmanager
async def open_reader(kafka: KafkaSettings, timeout_s: float) -> AsyncIterator[LetterReader]:
    """A reader for as long as the context lasts.

    Raises:
        KafkaUnavailableError: no broker answers.
    """
    header_names.install()
    consumer = AIOKafkaConsumer(
        **kafka.client_options(), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        try:
            await consumer.start()
        except KafkaError as error:
            raise KafkaUnavailableError(f"no broker answers: {error!r}") from error
        yield LetterReader(consumer, kafka, timeout_s)
    finally:
        await consumer.stop()
