"""Reads dead letters back from their DLQ, byte for byte."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts import headers as h
from control.domain import LetterPlace, UnknownLetterError
from messaging import KafkaSettings, KafkaUnavailableError, fetched_batches
from messaging.delivery import Headers, split

CLOSE: Final = 5_000
"""Offsets that are read over rather than sought past."""

AT_A_TIME: Final = 500
"""Records between two turns of the event loop, which has others to serve."""

FETCH_BYTES: Final = 4 * 1024 * 1024
FETCH_WAIT_MS: Final = 100
"""How long the broker holds back a fetch at a DLQ's end; the next place asked for waits as long."""


class Found(NamedTuple):
    """A dead letter's record.

    Attributes:
        place: which letter, and where it was found.
        key: raw bytes, or None.
        value: raw bytes, or None.
        original: the headers of the message that was set aside.
        added: the headers onrecord put behind them, without the trailer.
    """

    place: LetterPlace
    key: bytes | None
    value: bytes | None
    original: Headers
    added: Headers


class LetterReader:
    """Fetches records by their place.

    Args:
        consumer: a started consumer without a group.
        kafka: knows the topics' prefix.
        timeout_s: longest wait for the broker, in seconds.
    """

    def __init__(self, consumer: Any, kafka: KafkaSettings, timeout_s: float) -> None:
        self._consumer = consumer
        self._kafka = kafka
        self._timeout_s = timeout_s
        self._one_at_a_time = asyncio.Lock()
        self._position: tuple[TopicPartition, int] | None = None

    async def read(self, letter: LetterPlace) -> Found:
        """The letter's record.

        Raises:
            UnknownLetterError: the DLQ does not have the letter at its place any more.
            KafkaUnavailableError: the broker does not answer.
        """
        async for some in self.read_many([letter]):
            for found in some:
                return found
        raise UnknownLetterError(
            f"{letter.dlq_topic}/{letter.dlq_partition} does not have letter {letter.letter_id} "
            f"at offset {letter.dlq_offset} any more"
        )

    async def read_many(self, letters: Sequence[LetterPlace]) -> AsyncIterator[list[Found]]:
        """The records of many letters, some at a time; those that are gone are left out.

        Args:
            letters: in the order of the DLQs.

        Raises:
            KafkaUnavailableError: the broker does not answer.
        """
        async with self._one_at_a_time:
            for (topic, partition), of_one in groupby(letters, key=lambda one: one[:2]):
                place = TopicPartition(self._kafka.topic(topic), partition)
                try:
                    async for some in self._run(place, deque(of_one)):
                        yield some
                except (TimeoutError, KafkaError) as error:
                    self._position = None
                    raise KafkaUnavailableError(f"cannot read {topic}: no answer") from error

    async def _run(
        self, place: TopicPartition, wanted: deque[LetterPlace]
    ) -> AsyncIterator[list[Found]]:
        """Read the records of one partition in passes over it, as far as there are any."""
        end = await self._end(place)
        while wanted and wanted[0].dlq_offset < end:
            self._go_to(place, wanted[0].dlq_offset)
            some = await self._some(place, len(wanted))
            self._position = place, some[-1].offset + 1
            yield _matching(some, wanted)
            await asyncio.sleep(0)

    async def _end(self, place: TopicPartition) -> int:
        async with asyncio.timeout(self._timeout_s):
            ends = await self._consumer.end_offsets([place])
        return int(ends[place])

    def _go_to(self, place: TopicPartition, offset: int) -> None:
        at, position = self._position or (None, 0)
        if at != place:
            self._consumer.assign([place])
        elif 0 <= offset - position <= CLOSE:
            return
        self._consumer.seek(place, offset)

    async def _some(self, place: TopicPartition, most: int) -> Sequence[Any]:
        async with asyncio.timeout(self._timeout_s):
            while True:
                batches = await self._consumer.getmany(
                    place, timeout_ms=1_000, max_records=min(most, AT_A_TIME)
                )
                if records := batches.get(place):
                    return list(records)


def _matching(records: Sequence[Any], wanted: deque[LetterPlace]) -> list[Found]:
    """Those of the records that are wanted; takes them, and what is gone, off ``wanted``."""
    found = []
    for record in records:
        while wanted and wanted[0].dlq_offset < record.offset:
            wanted.popleft()  # gone
        if wanted and wanted[0].dlq_offset == record.offset:
            place = wanted.popleft()
            original, added = split(record.headers)
            if _is_of(place.letter_id, added):
                found.append(Found(place, record.key, record.value, original, added))
    return found


def _is_of(letter_id: UUID, added: Headers) -> bool:
    """Whether headers are those of a letter; a DLQ that was made anew has others at its places."""
    # Nearly always one look: the header is there, and tells what it should.
    if (h.LETTER_ID, str(letter_id).encode()) in added:
        return True
    told = dict(added).get(h.LETTER_ID)
    try:
        return told is None or UUID(told.decode()) == letter_id
    except ValueError:
        return True  # nobody's id: the index knows such a letter by its place


@asynccontextmanager
async def open_reader(kafka: KafkaSettings, timeout_s: float) -> AsyncIterator[LetterReader]:
    """A reader for as long as the context lasts.

    Raises:
        KafkaUnavailableError: no broker answers.
    """
    fetched_batches.install(kafka.max_batch_bytes)
    consumer = AIOKafkaConsumer(
        **kafka.client_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    try:
        try:
            await consumer.start()
        except KafkaError as error:
            raise KafkaUnavailableError(f"no broker answers: {error!r}") from error
        yield LetterReader(consumer, kafka, timeout_s)
    finally:
        await consumer.stop()
