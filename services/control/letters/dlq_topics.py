"""The DLQs on the broker: what each holds and may hold, and deletion of its oldest records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from contracts.topics import CONTROL, DLQ_TOPICS, FOREVER
from control.pipeline.status import read_commits
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.kafka.admin import open_admin_client

TIMEOUT_S: Final = 15.0
"""Longest that the broker is asked, in seconds."""


class DlqPartition(NamedTuple):
    """One partition of a DLQ on the broker.

    Attributes:
        topic: name of the DLQ, without prefix.
        partition: number of the partition.
        begin: offset of its first record.
        end: offset behind its last record.
        indexed: offset up to which control has indexed it; 0 if that is not known.
        max_bytes: most bytes that Kafka keeps of it; None for any, or if that may not be read.
    """

    topic: str
    partition: int
    begin: int
    end: int
    indexed: int
    max_bytes: int | None


async def read_dlq_partitions(
    kafka: KafkaSettings,
) -> tuple[tuple[DlqPartition, ...], tuple[str, ...]]:
    """Return the DLQs' partitions on the broker, and the names of DLQs that it does not have.

    Raises:
        KafkaUnavailableError: the broker does not answer.
    """
    consumer = AIOKafkaConsumer(**kafka.client_options(), enable_auto_commit=False)
    try:
        async with asyncio.timeout(TIMEOUT_S), open_admin_client(kafka) as admin:
            await consumer.start()
            existing = {*await admin.list_topics()}
            present = [topic.name for topic in DLQ_TOPICS if kafka.topic(topic.name) in existing]
            missing = tuple(topic.name for topic in DLQ_TOPICS if topic.name not in present)
            if not present:
                return (), missing
            bounds = await _read_bounds(kafka, admin, present)
            commits = await read_commits(kafka, admin, kafka.topic(CONTROL))
            found = []
            for described in await admin.describe_topics([kafka.topic(one) for one in present]):
                name = described["topic"].removeprefix(kafka.topic_prefix)
                places = [
                    TopicPartition(described["topic"], one["partition"])
                    for one in described["partitions"]
                ]
                # Ends first: what is written meanwhile is behind them, and no letter is.
                ends = await consumer.end_offsets(places)
                begins = await consumer.beginning_offsets(places)
                found += [
                    DlqPartition(
                        *(name, one.partition, begins[one], ends[one]),
                        indexed=commits.get(one, 0),
                        max_bytes=bounds.get(name),
                    )
                    for one in places
                ]
    except (TimeoutError, KafkaError) as error:
        raise KafkaUnavailableError(f"the broker does not answer: {error!r}") from error
    finally:
        await consumer.stop()
    return tuple(sorted(found)), missing


async def delete_records_before(
    kafka: KafkaSettings, offsets: Mapping[tuple[str, int], int]
) -> None:
    """Delete the records of DLQs before some offsets.

    Args:
        kafka: how to reach the broker.
        offsets: by topic, without prefix, and partition.

    Raises:
        KafkaUnavailableError: the broker does not answer, or does not allow it.
    """
    wanted = {
        TopicPartition(kafka.topic(topic), partition): RecordsToDelete(offset)
        for (topic, partition), offset in offsets.items()
    }
    try:
        async with asyncio.timeout(TIMEOUT_S), open_admin_client(kafka) as admin:
            await admin.delete_records(wanted, timeout_ms=int(TIMEOUT_S * 1_000))
    except (TimeoutError, KafkaError) as error:
        raise KafkaUnavailableError(
            f"records of DLQs are not deleted: {error!r}; control needs Delete on them "
            "(`python -m messaging acls apply`)"
        ) from error


async def _read_bounds(kafka: KafkaSettings, admin: Any, names: Iterable[str]) -> dict[str, int]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, kafka.topic(name)) for name in names]
    found = {}
    for answer in await admin.describe_configs(resources):
        for _code, _message, _kind, name, entries in answer.resources:
            value = dict(entry[:2] for entry in entries).get("retention.bytes")
            if value is not None and int(value) != FOREVER:
                found[name.removeprefix(kafka.topic_prefix)] = int(value)
    return found
