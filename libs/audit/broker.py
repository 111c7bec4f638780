"""Reads from Kafka what the audit needs: which records no service has finished yet.

Topics are read in the order in which messages flow. A service publishes before it commits, so
what has left one topic unseen is found in the next.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random

from audit import earlier_logs
from audit.earlier_logs import Partition
from audit.facts import DatedDeadLetter, Ends, Place, SubmissionFact, UnfinishedRecord
from contracts.topic_access import KafkaOperation
from contracts.topics import (
    CONTROL,
    EVENT_TOPICS,
    MESSAGE_TOPICS,
    PIPELINE,
    RETRY_DELAYS_S,
    TRANSCRIPTS_SUBMITTED,
    build_dlq_topic,
    build_retry_topic,
)
from messaging.codec import strip_schema_id
from messaging.consumer import batch_reader, offset_metadata
from messaging.dead_letters import identity
from messaging.delivery import MessageOrigin, read_delivery_history, split_headers
from messaging.kafka.access_checks import require_topic_access
from messaging.kafka.admin import open_admin_client
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.settings import KafkaSettings

READ_TIMEOUT_MS: Final = 500
"""How long one read waits for records, in milliseconds."""

IDLE_READS: Final = 20
"""Reads without a record after which a range is taken to have ended (compaction leaves gaps)."""

COORDINATOR_PATIENCE_S: Final = 15.0
"""How long a group may be without a coordinator, as after a broker's start, in seconds."""

_WITHOUT_COORDINATOR: Final = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Result of scanning Kafka topics: the submissions, dead letters and unfinished records.

    Attributes:
        unread: records no service has finished.
        letters: dead letters that control has not indexed yet.
        submissions: submitted records that control has not indexed yet.
        received: the end of each partition of a service's source topics, by service.
        deleted: how many records were deleted from a topic before a service had finished them, by
            service and topic.
        missing_topics: topics that do not exist, as the broker would name them; whatever was in
            them could not be read.
    """

    unread: tuple[UnfinishedRecord, ...]
    letters: tuple[DatedDeadLetter, ...]
    submissions: tuple[SubmissionFact, ...]
    received: dict[str, Ends]
    deleted: dict[tuple[str, str], int] = field(default_factory=dict)
    missing_topics: tuple[str, ...] = ()


FETCH_WAIT_MS: Final = 20
"""How long the broker may wait for more before it answers a fetch, in milliseconds."""


_READ_TOPICS: Final = tuple(
    topic for topic in MESSAGE_TOPICS if {*topic.consumers} & {CONTROL, *PIPELINE}
)


class BacklogScanner:
    """Scanner that reads Kafka topics from a group's committed offsets to their end offsets.

    Args:
        kafka: knows the topics' prefix.
        admin: a started admin client.
        consumer: a started consumer without a group.
    """

    def __init__(self, kafka: KafkaSettings, admin: Any, consumer: Any) -> None:
        self._kafka = kafka
        self._admin = admin
        self._consumer = consumer
        self._deleted: Counter[tuple[str, str]] = Counter()
        self._existing: set[str] = set()
        self._missing: set[str] = set()

    async def scan(self) -> ScanResult:
        """Read everything that is unfinished, upstream first."""
        unread: list[UnfinishedRecord] = []
        received: dict[str, Ends] = {}
        self._deleted.clear()
        self._missing.clear()
        self._existing = {*await self._admin.list_topics()}
        needed = {self._kafka.topic(topic.name): (KafkaOperation.READ,) for topic in _READ_TOPICS}
        await require_topic_access(self._kafka, get_network_client(self._admin), needed)
        submissions = [
            _submission(self._kafka, record)
            async for record in self._unfinished(CONTROL, TRANSCRIPTS_SUBMITTED.name)
        ]
        for service in PIPELINE:
            sources = [topic.name for topic in EVENT_TOPICS if service in topic.consumers]
            ends = received[service] = await self._ends(sources)
            for topic in sources:
                async for record in self._unfinished(service, topic, ends):
                    place = _place(self._kafka, record)
                    unread.append(_unread(service, place, record, retrying=False))
            for tier in range(len(RETRY_DELAYS_S)):
                topic = build_retry_topic(service, tier).name
                async for record in self._unfinished(service, topic):
                    unread.append(_waiting(self._kafka, service, record, tier))  # noqa: PERF401 - an async comprehension reads worse
        letters = [
            _letter(self._kafka, service, record)
            for service in PIPELINE
            async for record in self._unfinished(CONTROL, build_dlq_topic(service).name)
        ]
        deleted = {place: number for place, number in self._deleted.items() if number}
        return ScanResult(
            tuple(unread),
            tuple(letters),
            tuple(submissions),
            received,
            deleted,
            tuple(sorted(self._missing)),
        )

    async def read_retry_topic(self, service: str, tier: int) -> AsyncIterator[tuple[Any, str]]:
        """Read the records of a retry topic that its service has not finished.

        Args:
            service: whose topic.
            tier: which of its topics.

        Yields:
            Each record, with the topic's name without prefix; none if there is no such topic.
        """
        if not self._existing:
            self._existing = {*await self._admin.list_topics()}
        topic = build_retry_topic(service, tier).name
        async for record in self._unfinished(service, topic):
            yield record, topic

    async def find_partitions_of_recreated_topics(
        self, letters: Sequence[DatedDeadLetter]
    ) -> dict[Partition, int]:
        """Return until when messages of letters were in an earlier log of their partition.

        Call it after ``scan``. Of ``transcripts-submitted`` every record is known, so that it is
        not looked at.

        Args:
            letters: with the places and timestamps of their messages.

        Returns:
            As ``earlier_logs.find_partitions_of_recreated_topics``.
        """
        named = {one.place[0] for one in letters if one.sent_at is not None}
        known = {topic.name for topic in EVENT_TOPICS} - {TRANSCRIPTS_SUBMITTED.name}
        partitions = [one for topic in named & known for one in await self._partitions(topic)]
        if not partitions:
            return {}
        begins = self._by_place(await self._consumer.beginning_offsets(partitions))
        ends = self._by_place(await self._consumer.end_offsets(partitions))
        return await earlier_logs.find_partitions_of_recreated_topics(
            letters, begins, ends, self._read_timestamps
        )

    def _by_place(self, offsets: Mapping[TopicPartition, int]) -> dict[Partition, int]:
        prefix = self._kafka.topic_prefix
        return {(one.topic.removeprefix(prefix), one.partition): at for one, at in offsets.items()}

    async def _read_timestamps(self, places: Mapping[Partition, int]) -> dict[Partition, int]:
        ranges = {
            TopicPartition(self._kafka.topic(topic), partition): (offset, offset + 1)
            for (topic, partition), offset in places.items()
        }
        return {
            _place(self._kafka, record)[:2]: record.timestamp async for record in self._read(ranges)
        }

    async def _unfinished(
        self, service: str, topic: str, until: Ends | None = None
    ) -> AsyncIterator[Any]:
        """The records of a topic that a service has not finished.

        Args:
            service: whose group.
            topic: without prefix.
            until: where to end in each partition, for figures that fit; at its end by default.
        """
        partitions = await self._partitions(topic)
        if not partitions:
            return
        # Before the commits, so that what is deleted behind a commit is never taken for unread.
        begins = await self._consumer.beginning_offsets(partitions)
        commits = await self._commits(service, partitions)
        ends = await self._consumer.end_offsets(partitions)
        if until is not None:
            ends = {one: min(ends[one], until.get((topic, one.partition), 0)) for one in ends}
        ranges, done = {}, {}
        for partition in partitions:
            commit = commits.get(partition)
            first = max(commit.offset if commit else 0, begins[partition])
            if first < ends[partition]:
                ranges[partition] = (first, ends[partition])
            if commit and commit.offset >= 0:
                done[partition] = offset_metadata.decode_commit_metadata(
                    commit.offset, commit.metadata
                )
                # Without a commit nobody knows whether they were finished.
                deleted = range(commit.offset, begins[partition])
                finished = sum(_overlap(one, deleted) for one in done[partition].finished)
                self._deleted[service, topic] += len(deleted) - finished
        async for record in self._read(ranges):
            partition = TopicPartition(record.topic, record.partition)
            if record.offset not in done.get(partition, ()):
                yield record

    async def _commits(self, service: str, partitions: Sequence[TopicPartition]) -> Any:
        """Return a group's commits; a group that has no coordinator yet is waited for."""
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(_WITHOUT_COORDINATOR),
            stop=stop_after_delay(COORDINATOR_PATIENCE_S),
            wait=wait_random(0.1, 0.5),
            reraise=True,
        )
        return await attempts(
            self._admin.list_consumer_group_offsets,
            self._kafka.topic(service),
            partitions=partitions,
        )

    async def _read(self, ranges: dict[TopicPartition, tuple[int, int]]) -> AsyncIterator[Any]:
        if not ranges:
            return
        self._consumer.assign(list(ranges))
        for partition, (first, _) in ranges.items():
            self._consumer.seek(partition, first)
        open_ranges, idle = set(ranges), 0
        while open_ranges and idle < IDLE_READS:
            batches = await self._consumer.getmany(*open_ranges, timeout_ms=READ_TIMEOUT_MS)
            idle = 0 if batches else idle + 1
            for partition, records in batches.items():
                end = ranges[partition][1]
                for record in records:
                    if record.offset < end:
                        yield record
                if records and records[-1].offset >= end - 1:
                    open_ranges.discard(partition)

    async def _ends(self, topics: Sequence[str]) -> Ends:
        ends: dict[tuple[str, int], int] = {}
        for topic in topics:
            partitions = await self._partitions(topic)
            found = await self._consumer.end_offsets(partitions) if partitions else {}
            ends |= {(topic, partition.partition): end for partition, end in found.items()}
        return ends

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        """Return a topic's partitions; of one that does not exist none, and note its name."""
        name = self._kafka.topic(topic)
        # To describe a topic that does not exist may create it.
        described = await self._admin.describe_topics([name]) if name in self._existing else ()
        partitions = [
            TopicPartition(name, partition["partition"])
            for found in described
            for partition in found["partitions"]
        ]
        if not partitions:
            self._missing.add(name)
        return partitions


@asynccontextmanager
async def open_backlog_scanner(kafka: KafkaSettings) -> AsyncIterator[BacklogScanner]:
    """Open a scanner of Kafka topics for the duration of the context.

    Raises:
        KafkaUnavailableError: no broker answers.
    """
    async with open_admin_client(kafka) as admin:
        batch_reader.install_bounded_batch_reader(kafka.max_batch_bytes)
        consumer = AIOKafkaConsumer(
            **kafka.client_options(),
            enable_auto_commit=False,
            # A fetch that waits for more holds up the questions about offsets behind it.
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        try:
            await consumer.start()
            # Else stop() of a consumer that nothing was read by cancels a task which has not begun
            # yet, and its CancelledError comes out of stop().
            await asyncio.sleep(0)
            yield BacklogScanner(kafka, admin, consumer)
        except KafkaError as error:
            raise KafkaUnavailableError(f"the broker does not answer: {error!r}") from error
        finally:
            await consumer.stop()


def _overlap(one: range, other: range) -> int:
    return max(0, min(one.stop, other.stop) - max(one.start, other.start))


def _place(kafka: KafkaSettings, record: Any) -> tuple[str, int, int]:
    return (record.topic.removeprefix(kafka.topic_prefix), record.partition, record.offset)


def _submission(kafka: KafkaSettings, record: Any) -> SubmissionFact:
    place = _place(kafka, record)
    document = strip_schema_id(record.value or b"")
    submission = identity.read_submission_identity(document)
    if submission is None:
        return SubmissionFact(place, "", None, sent_at=record.timestamp)
    return SubmissionFact(
        place, str(submission.transcript_id), submission.revision, sent_at=record.timestamp
    )


def _unread(service: str, place: Place, record: Any, *, retrying: bool) -> UnfinishedRecord:
    about = identity.read_message_subject(place[0], record.key, record.value) or NOTHING
    return UnfinishedRecord(
        service, place, about.subject, retrying, about.revision, about.content_sha256
    )


def _waiting(kafka: KafkaSettings, service: str, record: Any, tier: int) -> UnfinishedRecord:
    origin = _origin(kafka, record, tier)
    place = (origin.topic, origin.partition, origin.offset)
    return _unread(service, place, record, retrying=True)


def _letter(kafka: KafkaSettings, service: str, record: Any) -> DatedDeadLetter:
    here = MessageOrigin(*_place(kafka, record))
    headers = tuple(record.headers)
    found = identity.compute_dead_letter_identity(service, here, record.key, record.value, headers)
    origin, about = found.origin or here, found.about or NOTHING
    return DatedDeadLetter(
        service,
        (origin.topic, origin.partition, origin.offset),
        about.subject,
        discarded=False,
        revision=about.revision,
        content_sha256=about.content_sha256,
        sent_at=origin.timestamp_ms or None,
    )


def _origin(kafka: KafkaSettings, record: Any, tier: int) -> MessageOrigin:
    here = MessageOrigin(*_place(kafka, record))
    _, added = split_headers(record.headers)
    return read_delivery_history(added, fallback=here, tier=tier).origin


NOTHING: Final = identity.MessageSubject("")
