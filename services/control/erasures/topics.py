"""The broker's side of an erasure: where topics end, what is handled, and how long records stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from contracts.topics import (
    CONTROL,
    DLQ_TOPICS,
    ENRICHMENT,
    EVENT_TOPICS,
    FOREVER,
    GUARDRAIL,
    NOTES_STORED,
    PIPELINE,
    RETRY_TOPICS,
)
from control.erasures.receipts import TopicRetention
from control.letters.dlq_topics import delete_records_before
from control.pipeline.status import read_commits
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.kafka.admin import open_admin_client

TIMEOUT_S: Final = 15.0
"""Longest that the broker is asked, in seconds."""

TopicEnds = Mapping[str, Mapping[int, int]]
"""Offset behind the last record of each partition, by topic without prefix."""

TOPICS_WITH_WORDS: Final = tuple(
    topic.name
    for topic in (*EVENT_TOPICS, *RETRY_TOPICS)
    if topic is not NOTES_STORED  # it carries ids and counts
)
"""Topics, but for DLQs, whose records may have words of interviews; reasons on
``transcripts-settled`` quote labels of speakers."""

_WORD_TOPICS: Final = (*TOPICS_WITH_WORDS, *(topic.name for topic in DLQ_TOPICS))


class ErasedTopics:
    """Topics that records of erased interviews may be in.

    Methods raise ``KafkaUnavailableError`` when the broker does not answer.

    Args:
        kafka: how to reach the broker.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    async def read_ends(self) -> TopicEnds:
        """Return where the topics end now."""
        async with self._admin() as admin, self._consumer() as consumer:
            ends = await consumer.end_offsets(await self._list_partitions(admin))
        found: dict[str, dict[int, int]] = {}
        for place, end in ends.items():
            name = place.topic.removeprefix(self._kafka.topic_prefix)
            found.setdefault(name, {})[place.partition] = end
        return found

    async def find_unfinished(self, ends: TopicEnds) -> dict[str, int]:
        """Return how many records before some ends each service has not committed.

        Args:
            ends: as ``read_ends`` returned them. Records behind them do not count, nor those that
                the broker does not have: it deleted them, or the topic was made anew or is gone.
        """
        unfinished: dict[str, int] = {}
        async with self._admin() as admin, self._consumer() as consumer:
            places = await self._list_partitions(admin)
            begins = await consumer.beginning_offsets(places)
            ends_now = await consumer.end_offsets(places)
            for service in (*PIPELINE, CONTROL):
                commits = await read_commits(self._kafka, admin, self._kafka.topic(service))
                sources = {self._kafka.topic(name) for name in _list_sources(service)}
                left = 0
                for place in places:
                    if place.topic not in sources:
                        continue
                    name = place.topic.removeprefix(self._kafka.topic_prefix)
                    end = min(ends.get(name, {}).get(place.partition, 0), ends_now[place])
                    left += max(0, end - max(commits.get(place, 0), begins[place]))
                if left:
                    unfinished[service] = left
        return unfinished

    async def delete_handled_retries(self) -> int:
        """Delete handled retries that are not read again; return of how many partitions.

        Those of ingestion and persistence stay for their time: a restoration sets these services
        back to a backup's offsets (decision 92), and they read what was retried since once more.
        """
        wanted: dict[tuple[str, int], int] = {}
        async with self._admin() as admin:
            existing = {*await admin.list_topics()}
            for service in (ENRICHMENT, GUARDRAIL):
                commits = await read_commits(self._kafka, admin, self._kafka.topic(service))
                for place, offset in commits.items():
                    name = place.topic.removeprefix(self._kafka.topic_prefix)
                    if name in _RETRIES and place.topic in existing and offset > 0:
                        wanted[name, place.partition] = offset
        if wanted:
            await delete_records_before(self._kafka, wanted)
        return len(wanted)

    async def read_retentions(self) -> list[TopicRetention]:
        """Return how long each topic that has words keeps records."""
        names = [self._kafka.topic(name) for name in TOPICS_WITH_WORDS]
        async with self._admin() as admin:
            existing = {*await admin.list_topics()}
            resources = [
                ConfigResource(ConfigResourceType.TOPIC, name) for name in names if name in existing
            ]
            answers = await admin.describe_configs(resources)
        found = []
        for answer in answers:
            for _code, _message, _kind, name, entries in answer.resources:
                values = dict(entry[:2] for entry in entries)
                kept = int(values.get("retention.ms") or FOREVER)
                segment = int(values.get("segment.ms") or 0)
                found.append(
                    TopicRetention(
                        name.removeprefix(self._kafka.topic_prefix),
                        None if kept == FOREVER else timedelta(milliseconds=kept),
                        timedelta(milliseconds=segment),
                    )
                )
        return sorted(found, key=lambda one: one.topic)

    async def _list_partitions(self, admin: Any) -> list[TopicPartition]:
        existing = {*await admin.list_topics()}
        names = [self._kafka.topic(name) for name in _WORD_TOPICS]
        described = await admin.describe_topics([name for name in names if name in existing])
        return [
            TopicPartition(topic["topic"], one["partition"])
            for topic in described
            for one in topic["partitions"]
        ]

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        consumer = AIOKafkaConsumer(**self._kafka.client_options(), enable_auto_commit=False)
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(TIMEOUT_S), open_admin_client(self._kafka) as admin:
                yield admin
        except (TimeoutError, KafkaError) as error:
            raise KafkaUnavailableError(f"the broker does not answer: {error!r}") from error


_RETRIES: Final = frozenset(topic.name for topic in RETRY_TOPICS)


def _list_sources(service: str) -> list[str]:
    """Return the topics with words whose records a service's group finishes."""
    if service == CONTROL:
        return [topic.name for topic in DLQ_TOPICS] + [
            topic.name for topic in EVENT_TOPICS if CONTROL in topic.consumers
        ]
    retries = [topic.name for topic in RETRY_TOPICS if service in topic.consumers]
    return retries + [topic.name for topic in EVENT_TOPICS if service in topic.consumers]
