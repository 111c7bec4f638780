"""What each service has before it, by its consumer group and control's index of letters."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, for_code

from contracts.control_api import DeadLetterCount, DeadLetterState
from contracts.operations import PipelineState, PipelineTopic, ServiceStatus
from contracts.topic_access import KafkaOperation, KafkaResourceKind
from contracts.topics import CONTROL, MESSAGE_TOPICS, PIPELINE
from control.pipeline.ports import StageHealth
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.kafka.access_checks import build_denial_error
from messaging.kafka.admin import open_admin_client

TIMEOUT_S: Final = 10.0
"""Longest that the broker is asked, in seconds."""

_UNKNOWN: Final = "Unknown"


async def read_pipeline_state(
    kafka: KafkaSettings,
    letters: Sequence[DeadLetterCount],
    health: Mapping[str, StageHealth] | None = None,
) -> PipelineState:
    """Return the status of each service: its consumers, its lag and its open dead letters.

    Args:
        kafka: how to reach the broker.
        letters: how many letters there are, by service and state.
        health: what services say of themselves; None: they were not asked.

    Raises:
        KafkaUnavailableError: the broker does not answer.
    """
    opened: Counter[str] = Counter()
    for one in letters:
        opened[one.service] += one.letters * (one.state is DeadLetterState.OPEN)
    consumer = AIOKafkaConsumer(**kafka.client_options(), enable_auto_commit=False)
    try:
        async with asyncio.timeout(TIMEOUT_S), open_admin_client(kafka) as admin:
            await consumer.start()
            existing = {*await admin.list_topics()}
            services = [
                await _read_service(
                    kafka, admin, consumer, existing, service=service, open_letters=opened[service]
                )
                for service in (*PIPELINE, CONTROL)
            ]
    except (TimeoutError, KafkaError) as error:
        raise KafkaUnavailableError(f"the broker does not answer: {error!r}") from error
    finally:
        await consumer.stop()
    return PipelineState(services=tuple(_add_health(one, health or {}) for one in services))


async def _read_service(  # noqa: PLR0913 - what is asked, and what is known by now
    kafka: KafkaSettings,
    admin: Any,
    consumer: Any,
    existing: set[str],
    *,
    service: str,
    open_letters: int,
) -> ServiceStatus:
    group = kafka.topic(service)
    state, members = await _describe_group(kafka, admin, group)
    committed = await read_commits(kafka, admin, group)
    topics = []
    for topic in MESSAGE_TOPICS:
        name = kafka.topic(topic.name)
        if service in topic.consumers and name in existing:
            lag, done = await _lag(admin, consumer, name, committed)
            topics.append(PipelineTopic(topic=topic.name, lag=lag, committed=done))
    return ServiceStatus(
        service=service,
        state=state,
        members=members,
        topics=tuple(topics),
        open_letters=open_letters,
    )


async def _describe_group(kafka: KafkaSettings, admin: Any, group: str) -> tuple[str, int]:
    try:
        (answer,) = await admin.describe_consumer_groups([group])
        found = answer.to_object()["groups"][0]
        if found["error_code"]:
            raise for_code(found["error_code"])
    except KafkaError as error:  # a group that never was has no coordinator
        _require_access(kafka, error, group)
        return _UNKNOWN, 0
    return found["state"] or _UNKNOWN, len(found["members"])


async def read_commits(kafka: KafkaSettings, admin: Any, group: str) -> dict[TopicPartition, int]:
    """Return the offsets that a consumer group has committed; {} if there is no such group.

    Raises:
        AccessRuleMissingError: control may not see the group.
    """
    try:
        commits = await admin.list_consumer_group_offsets(group)
    except KafkaError as error:
        _require_access(kafka, error, group)
        return {}
    return {place: commit.offset for place, commit in commits.items()}


def _require_access(kafka: KafkaSettings, error: KafkaError, group: str) -> None:
    """Require that an error is no missing access rule: what may not be seen is not nothing.

    Raises:
        AccessRuleMissingError: it is one.
    """
    if isinstance(error, GroupAuthorizationFailedError):
        denial = (KafkaOperation.DESCRIBE, KafkaResourceKind.GROUP, group)
        raise build_denial_error(kafka, [denial]) from error


async def _lag(
    admin: Any, consumer: Any, name: str, committed: dict[TopicPartition, int]
) -> tuple[int, int]:
    """Return how many records of a topic are not committed, and the sum of the offsets that are."""
    (described,) = await admin.describe_topics([name])
    partitions = [TopicPartition(name, one["partition"]) for one in described["partitions"]]
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    done = {one: max(begins[one], committed.get(one, 0)) for one in partitions}
    return sum(max(0, ends[one] - done[one]) for one in partitions), sum(done.values())


def _add_health(service: ServiceStatus, health: Mapping[str, StageHealth]) -> ServiceStatus:
    if (said := health.get(service.service)) is None:
        return service
    return service.model_copy(update={"ready": said.ready, "reason": said.reason})
