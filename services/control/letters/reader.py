"""Reads dead letters back from their DLQ, byte for byte."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts import headers as h
from control.domain import DeadLetterGoneError, DeadLetterPosition
from control.letters.originals import OriginalMessageReader
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.consumer import batch_reader
from messaging.dead_letters import identity, stubs
from messaging.delivery import Headers, split_headers
from messaging.kafka.aiokafka_internals import get_network_client

CLOSE: Final = 5_000
"""Offsets that are read over rather than sought past."""

AT_A_TIME: Final = 500
"""Records between two turns of the event loop, which has others to serve; fewer if they are large:
``messaging.limits.PULL_BYTES`` and one more at most."""

FETCH_BYTES: Final = 4 * 1024 * 1024
"""Most bytes of one fetch of a DLQ; a single larger letter still arrives."""

FETCH_WAIT_MS: Final = 100
"""How long the broker holds back a fetch at a DLQ's end; the next place asked for waits as long."""


RETRY_S: Final = 0.1
"""Seconds between two requests for what topics there are."""


class DeadLetterRecord(NamedTuple):
    """Kafka record of a dead letter, as read from its DLQ.

    Attributes:
        place: which letter, and where it was found.
        key: raw bytes, or None.
        value: raw bytes, or None.
        original: the headers of the message that was set aside.
        added: the headers onrecord put behind them, without the trailer.
    """

    place: DeadLetterPosition
    key: bytes | None
    value: bytes | None
    original: Headers
    added: Headers


class DeadLetterReader:
    """Reader that fetches dead letters from the DLQs by partition and offset.

    Args:
        consumer: a started consumer without a group.
        kafka: knows the topics' prefix.
        timeout_s: longest wait for the broker, in seconds.
    """

    def __init__(self, consumer: Any, kafka: KafkaSettings, timeout_s: float) -> None:
        self._consumer = consumer
        self._originals = OriginalMessageReader(kafka, timeout_s)
        self.kafka = kafka
        self._timeout_s = timeout_s
        self._one_at_a_time = asyncio.Lock()
        self._position: tuple[TopicPartition, int] | None = None

    async def read(self, letter: DeadLetterPosition) -> DeadLetterRecord:
        """Return the letter's record.

        Raises:
            DeadLetterGoneError: the DLQ does not have the letter at its place any more.
            KafkaUnavailableError: the broker does not answer.
        """
        async with aclosing(self.read_many([letter])) as batches:
            async for some in batches:
                for found in some:
                    return found
        raise DeadLetterGoneError(
            f"the bytes of letter {letter.letter_id} are gone: {letter.dlq_topic}/"
            f"{letter.dlq_partition} does not have them at offset {letter.dlq_offset} any more; "
            "it cannot be replayed, only discarded"
        )

    async def close(self) -> None:
        """Stop what was started to read the messages of stubs; the consumer is the caller's."""
        await self._originals.close()

    async def whole(self, found: DeadLetterRecord) -> DeadLetterRecord:
        """A letter with its whole message, which for a stub is fetched from where it was first.

        Raises:
            OriginalGoneError: what a stub stands for is not there any more.
            OriginalTooLargeError: it is still too large.
            KafkaUnavailableError: the broker does not answer.
        """
        stub = stubs.read_stub_headers(found.added)
        if stub is None:
            return found
        record = await self._originals.read(found.place.service, found.added, stub)
        return found._replace(key=record.key, value=record.value, original=record.headers)

    async def read_many(
        self, letters: Sequence[DeadLetterPosition]
    ) -> AsyncGenerator[list[DeadLetterRecord], None]:
        """Yield the records of many letters, some at a time; those that are gone are left out.

        Close it (``contextlib.aclosing``) where it is not read to its end: it holds the consumer.

        Args:
            letters: in the order of the DLQs.

        Raises:
            KafkaUnavailableError: the broker does not answer.
        """
        async with self._one_at_a_time:
            for (topic, partition), of_one in groupby(letters, key=lambda one: one[:2]):
                place = TopicPartition(self.kafka.topic(topic), partition)
                try:
                    async with aclosing(self._run(place, deque(of_one))) as batches:
                        async for some in batches:
                            yield some
                except (TimeoutError, KafkaError) as error:
                    self._position = None
                    raise KafkaUnavailableError(f"cannot read {topic}: no answer") from error

    async def _run(
        self, place: TopicPartition, wanted: deque[DeadLetterPosition]
    ) -> AsyncGenerator[list[DeadLetterRecord], None]:
        """Read the records of one partition in passes over it, as far as there are any."""
        begin, end = await self._bounds(place)
        while wanted and wanted[0].dlq_offset < begin:
            wanted.popleft()  # deleted there: by retention, or by somebody
        while wanted and wanted[0].dlq_offset < end:
            self._go_to(place, wanted[0].dlq_offset)
            if not (some := await self._some(place, len(wanted), end)):
                self._position = None
                return
            self._position = place, some[-1].offset + 1
            yield _matching(some, wanted)
            await asyncio.sleep(0)

    async def _bounds(self, place: TopicPartition) -> tuple[int, int]:
        """The first offset of a partition, and the one behind its last; both 0 if there is none."""
        async with asyncio.timeout(self._timeout_s):
            # Asked for the offsets of a partition that is not there, the client waits for it.
            if place.partition not in await self._partitions(place.topic):
                return 0, 0
            begins = await self._consumer.beginning_offsets([place])
            ends = await self._consumer.end_offsets([place])
        return int(begins[place]), int(ends[place])

    async def _partitions(self, topic: str) -> set[int]:
        while True:
            try:
                # The client's ``topics()`` has no partitions.
                cluster = await get_network_client(self._consumer).fetch_all_metadata()
                return set(cluster.partitions_for_topic(topic) or ())
            except KafkaError:  # unlike others, this request is not tried again by the client
                await asyncio.sleep(RETRY_S)

    def _go_to(self, place: TopicPartition, offset: int) -> None:
        at, position = self._position or (None, 0)
        if at != place:
            self._consumer.assign([place])
        elif 0 <= offset - position <= CLOSE:
            return
        self._consumer.seek(place, offset)

    async def _some(self, place: TopicPartition, most: int, end: int) -> Sequence[Any]:
        """The next records before ``end``; none if there are none, as behind a deleted one."""
        async with asyncio.timeout(self._timeout_s):
            while await self._consumer.position(place) < end:
                batches = await self._consumer.getmany(
                    place, timeout_ms=1_000, max_records=min(most, AT_A_TIME)
                )
                if records := batches.get(place):
                    return list(records)
        return ()


def _matching(records: Sequence[Any], wanted: deque[DeadLetterPosition]) -> list[DeadLetterRecord]:
    """Those of the records that are wanted; takes them, and what is gone, off ``wanted``."""
    found = []
    for record in records:
        while wanted and wanted[0].dlq_offset < record.offset:
            wanted.popleft()  # gone
        if wanted and wanted[0].dlq_offset == record.offset:
            place = wanted.popleft()
            original, added = split_headers(record.headers)
            if _is_letter(place, record, original, added):
                found.append(DeadLetterRecord(place, record.key, record.value, original, added))
    return found


def _is_letter(place: DeadLetterPosition, record: Any, original: Headers, added: Headers) -> bool:
    """Whether a record is the letter; a DLQ that was made anew has others at its places."""
    if place.message_sha256 is not None:
        content = identity.compute_content_digest(record.key, record.value, original, added)
        return content == place.message_sha256
    letter_id = dict(added).get(h.LETTER_ID)
    try:
        return letter_id is None or UUID(letter_id.decode()) == place.letter_id
    except ValueError:
        return True  # nobody's id: the index knows such a letter by its place


@asynccontextmanager
async def open_dead_letter_reader(
    kafka: KafkaSettings, timeout_s: float
) -> AsyncIterator[DeadLetterReader]:
    """Open a dead letter reader for the duration of the context.

    Raises:
        KafkaUnavailableError: no broker answers.
    """
    async with open_dlq_consumer(kafka) as consumer:
        reader = DeadLetterReader(consumer, kafka, timeout_s)
        try:
            yield reader
        finally:
            await reader.close()


@asynccontextmanager
async def open_dlq_consumer(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """Open a consumer for DLQs without a group, whose batches are bounded after decompression.

    Raises:
        KafkaUnavailableError: no broker answers.
    """
    batch_reader.install_bounded_batch_reader(kafka.max_batch_bytes)
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
        yield consumer
    finally:
        await consumer.stop()
