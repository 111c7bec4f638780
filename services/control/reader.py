"""Reads dead letters back from their DLQ, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from control.domain import Letter, UnknownLetterError
from messaging import KafkaSettings, KafkaUnavailableError, Record


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
                raise KafkaUnavailableError(f"cannot read {letter.dlq_topic}: {error!r}") from error
        if received.offset != letter.dlq_offset:
            raise UnknownLetterError(
                f"{letter.dlq_topic} has no record at offset {letter.dlq_offset} any more"
            )
        return Record(
            topic=letter.dlq_topic,
            partition=received.partition,
            offset=received.offset,
            key=received.key,
            value=received.value,
            headers=tuple(received.headers),
            timestamp_ms=received.timestamp,
        )

    async def _fetch(self, place: TopicPartition, offset: int) -> Any:
        if place not in self._consumer.assignment():
            self._consumer.assign([place])
        self._consumer.seek(place, offset)
        return await self._consumer.getone(place)


@asynccontextmanager
async def open_reader(kafka: KafkaSettings, timeout_s: float) -> AsyncIterator[LetterReader]:
    """A reader for as long as the context lasts.

    Raises:
        KafkaUnavailableError: no broker answers.
    """
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
