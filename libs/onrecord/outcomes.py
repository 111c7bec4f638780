"""Reader of the outcomes of submitted interviews, from ``transcripts-settled``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.errors import BadMessageError
from contracts.events import TranscriptSettled, TranscriptSubmitted
from contracts.topics import TRANSCRIPTS_SETTLED
from contracts.transcript import ContentForm
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.codec import decode_event
from messaging.kafka.admin import open_admin_client

POLL_MS: Final = 500
"""Longest that one fetch waits for records, in milliseconds."""


class NotSettledError(TimeoutError):
    """Raised when interviews have no final outcome within the time limit.

    Attributes:
        transcript_ids: which.
    """

    def __init__(self, transcript_ids: frozenset[UUID]) -> None:
        super().__init__(f"{len(transcript_ids)} of the interviews were not settled in time")
        self.transcript_ids = transcript_ids


async def fetch_outcome_end_offsets(kafka: KafkaSettings) -> dict[TopicPartition, int]:
    """Fetch the end offsets of the topic of outcomes; empty if it cannot be read.

    Raises:
        KafkaUnavailableError: no broker answers.
    """
    if not (partitions := await _list_partitions(kafka)):
        return {}
    consumer = AIOKafkaConsumer(**kafka.client_options())
    try:
        await consumer.start()
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    except KafkaError:  # who may only write submits all the same
        return {}
    finally:
        await consumer.stop()
    return ends


async def _list_partitions(kafka: KafkaSettings) -> list[TopicPartition]:
    name = kafka.topic(TRANSCRIPTS_SETTLED.name)
    async with open_admin_client(kafka) as admin:
        if name not in await admin.list_topics():  # to describe it may create it
            return []
        (described,) = await admin.describe_topics([name])
    return [TopicPartition(name, one["partition"]) for one in described["partitions"]]


def require_outcome_offsets(kafka: KafkaSettings, begin: Mapping[TopicPartition, int]) -> None:
    """Raise ``KafkaUnavailableError`` if the end offsets of the outcome topic are unknown.

    Raises:
        KafkaUnavailableError: the topic is not there, or may not be read.
    """
    if not begin:
        raise KafkaUnavailableError(
            f"the broker has no topic {kafka.topic(TRANSCRIPTS_SETTLED.name)} that may be read"
        )


async def read_outcomes(
    kafka: KafkaSettings,
    begin: Mapping[TopicPartition, int],
    expected: Iterable[OutcomeFilter],
    *,
    timeout_s: float,
) -> AsyncGenerator[TranscriptSettled, None]:
    """Yield the outcomes of interviews from Kafka, until each interview has one.

    Args:
        kafka: how to reach the broker.
        begin: where each partition is read from.
        expected: what is waited for.
        timeout_s: longest wait for all of them, in seconds.

    Raises:
        NotSettledError: some have none in time.
        KafkaUnavailableError: the topic is not there, or may not be read.
    """
    wanted = list(expected)
    if not wanted:
        return
    require_outcome_offsets(kafka, begin)
    seen: set[tuple[object, ...]] = set()
    deadline = asyncio.get_running_loop().time() + timeout_s
    consumer = AIOKafkaConsumer(
        **kafka.client_options(), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        consumer.assign(list(begin))
        for partition, offset in begin.items():
            consumer.seek(partition, offset)
        while wanted:
            left_s = max(0.0, deadline - asyncio.get_running_loop().time())
            batches = await consumer.getmany(timeout_ms=min(POLL_MS, int(left_s * 1000) + 1))
            for event in _events(batches):
                identity = (event.transcript_id, event.revision, event.content_sha256, event.number)
                concerned = [one for one in wanted if one.is_met_by(event)]
                if identity not in seen and concerned:
                    seen.add(identity)
                    wanted = [one for one in wanted if one not in concerned]
                    yield event
            if wanted and not left_s:
                raise NotSettledError(frozenset(one.transcript_id for one in wanted))
    except KafkaError as error:
        raise KafkaUnavailableError(f"outcomes cannot be read: {type(error).__name__}") from error
    finally:
        await consumer.stop()


@dataclass(frozen=True, slots=True)
class OutcomeFilter:
    """Filter that matches outcome events by interview, revision and content hash."""

    transcript_id: UUID
    revision: int | None = None
    contents: frozenset[str | None] | None = None

    def is_met_by(self, event: TranscriptSettled) -> bool:
        """Return whether an event tells it."""
        if event.transcript_id != self.transcript_id:
            return False
        if self.revision not in {None, event.revision}:
            return False
        return self.contents is None or event.content_sha256 in self.contents


def build_outcome_filter(
    submitted: TranscriptSubmitted | UUID | OutcomeFilter, *, was_compressed: bool = False
) -> OutcomeFilter:
    """Build the filter that matches the outcome events of a submitted interview.

    Args:
        submitted: the submission, or the id; an expectation is returned as it is.
        was_compressed: whether its text was compressed to be sent.
    """
    if isinstance(submitted, OutcomeFilter):
        return submitted
    if isinstance(submitted, UUID):
        return OutcomeFilter(submitted)
    if submitted.content_form is not ContentForm.TEXT:  # only ingestion knows the hash of the text
        return OutcomeFilter(submitted.transcript_id, submitted.revision)
    unread = {None} if was_compressed else set[None]()
    contents = frozenset({submitted.content_sha256} | unread)
    return OutcomeFilter(submitted.transcript_id, submitted.revision, contents)


def _events(batches: Mapping[TopicPartition, Collection[Any]]) -> Iterable[TranscriptSettled]:
    for records in batches.values():
        for record in records:
            try:
                yield decode_event(record.value, record.headers, TranscriptSettled)[0]
            except BadMessageError:  # written by somebody else, or by a release that knows more
                continue
