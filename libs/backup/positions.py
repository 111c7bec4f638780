"""How far services' consumer groups are in Kafka's topics: read for a backup, and set back with it.

A service changes PostgreSQL, or publishes, before it commits. So what its group had committed when
the offsets were read is in every snapshot of the database that is taken afterwards::

    offsets read   snapshot          accident
        │             │                  │
    ────┼─────────────┼──────────────────┼───▶ records of a topic
        └─ in both ───┴─ read once more ─┘     after a restoration

Whoever keeps its results in PostgreSQL reads again from there; its effects are idempotent by id.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
    for_code,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random

from backup.errors import BackupRefusedError
from backup.manifest import GroupPosition, LogOfPartition
from backup.position_plan import SERVICES, PositionPlan, PresentLog
from contracts.topics import MESSAGE_TOPICS
from messaging.consumer.offset_metadata import UNKNOWN_LOG
from messaging.kafka.access_checks import explain_denial
from messaging.kafka.admin import open_admin_client
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.kafka.partition_logs import fetch_partition_logs
from messaging.settings import KafkaSettings

CONSUMED: Final = {
    service: tuple(topic.name for topic in MESSAGE_TOPICS if service in topic.consumers)
    for service in SERVICES
}
"""The topics that each service's group finishes, without prefix."""

COORDINATOR_PATIENCE_S: Final = 15.0
"""How long a group may be without a coordinator, as after a broker's start, in seconds."""

_WITHOUT_COORDINATOR: Final = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
_NOBODY: Final = frozenset({"", "Dead", "Empty"})
"""States of a group without members."""


@dataclass(frozen=True, slots=True)
class KafkaPositions:
    """What Kafka has at a moment: the groups' commits, and the logs of the topics.

    Attributes:
        commits: by service, topic without prefix, and partition.
        logs: by topic without prefix, and partition.
    """

    commits: Mapping[tuple[str, str, int], OffsetAndMetadata]
    logs: Mapping[tuple[str, int], PresentLog]

    @property
    def committed(self) -> dict[tuple[str, str, int], int]:
        """The committed offsets alone."""
        return {place: commit.offset for place, commit in self.commits.items()}

    def to_backup(self) -> tuple[GroupPosition, ...]:
        """Return the positions as a backup has them, of all topics that exist."""
        return tuple(
            self._position(service, topic, partition, log)
            for service, topics in CONSUMED.items()
            for (topic, partition), log in sorted(self.logs.items())
            if topic in topics
        )

    def _position(self, service: str, topic: str, partition: int, log: PresentLog) -> GroupPosition:
        commit = self.commits.get((service, topic, partition))
        return GroupPosition(
            service=service,
            topic=topic,
            partition=partition,
            committed=None if commit is None else commit.offset,
            metadata="" if commit is None else commit.metadata,
            start=log.start,
            end=log.end,
            log=log.log,
        )


class PositionStore:
    """Reads and sets the positions of all services' groups.

    Args:
        kafka: how to reach the brokers; knows the prefix of topics and groups.
        admin: a started admin client.
    """

    def __init__(self, kafka: KafkaSettings, admin: Any) -> None:
        self._kafka = kafka
        self._admin = admin

    async def read(self) -> KafkaPositions:
        """Read the groups' commits, and then the logs: a log never ends before a commit."""
        commits: dict[tuple[str, str, int], OffsetAndMetadata] = {}
        for service, topics in CONSUMED.items():
            found = await self._with_patience(
                self._admin.list_consumer_group_offsets, self._kafka.topic(service)
            )
            for place, commit in found.items():
                topic = place.topic.removeprefix(self._kafka.topic_prefix)
                if topic in topics and commit.offset >= 0:
                    commits[service, topic, place.partition] = commit
        return KafkaPositions(commits, await self._read_logs())

    async def list_members(self) -> dict[str, int]:
        """Return how many members each service's group has, without those that have none."""
        members = {}
        for service in SERVICES:
            answers = await self._with_patience(
                self._admin.describe_consumer_groups, [self._kafka.topic(service)]
            )
            group = answers[0].to_object()["groups"][0]
            if group["error_code"]:
                raise for_code(group["error_code"])(self._kafka.topic(service))
            if group["state"] not in _NOBODY or group["members"]:
                members[service] = max(1, len(group["members"]))
        return members

    async def set(self, plan: PositionPlan) -> None:
        """Commit the planned offsets for groups without members.

        Raises:
            BackupRefusedError: a group has members, which would not know of it.
        """
        offsets: dict[str, dict[TopicPartition, OffsetAndMetadata]] = defaultdict(dict)
        for one in plan.positions:
            if one.offset is not None:
                place = TopicPartition(self._kafka.topic(one.topic), one.partition)
                offsets[one.service][place] = OffsetAndMetadata(one.offset, one.metadata)
        for service, commits in offsets.items():
            async with _open_consumer(self._kafka, self._kafka.topic(service)) as consumer:
                consumer.assign(list(commits))
                try:
                    await consumer.commit(commits)
                except CommitFailedError as error:
                    raise build_members_error({service: 1}) from error

    async def _read_logs(self) -> dict[tuple[str, int], PresentLog]:
        wanted = {
            self._kafka.topic(topic): topic for topics in CONSUMED.values() for topic in topics
        }
        existing = wanted.keys() & {*await self._admin.list_topics()}
        described = await self._admin.describe_topics(sorted(existing)) if existing else ()
        partitions = [
            TopicPartition(topic["topic"], one["partition"])
            for topic in described
            for one in topic["partitions"]
        ]
        if not partitions:
            return {}
        async with _open_consumer(self._kafka, None) as consumer:
            await consumer.beginning_offsets(partitions)  # the client learns who leads them
            logs = await fetch_partition_logs(get_network_client(consumer), partitions)
        return {
            (wanted[place.topic], place.partition): PresentLog(
                found.start,
                found.end,
                LogOfPartition(cluster=identity.cluster, topic=identity.topic),
            )
            for place, found in logs.items()
            for identity in [found.identity or UNKNOWN_LOG]
        }

    async def _with_patience(self, ask: Any, question: Any) -> Any:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(_WITHOUT_COORDINATOR),
            stop=stop_after_delay(COORDINATOR_PATIENCE_S),
            wait=wait_random(0.1, 0.5),
            reraise=True,
        )
        return await attempts(ask, question)


@asynccontextmanager
async def open_position_store(kafka: KafkaSettings) -> AsyncIterator[PositionStore]:
    """Open a store of positions for the duration of the context.

    Raises:
        KafkaUnavailableError: no broker answers, or it does not allow this.
    """
    async with open_admin_client(kafka) as admin:
        try:
            yield PositionStore(kafka, admin)
        except KafkaError as error:
            if isinstance(error, GroupAuthorizationFailedError) or explain_denial(kafka, error):
                raise explain_denial(kafka, error) or KafkaUnavailableError(repr(error)) from error
            raise KafkaUnavailableError(f"the broker does not answer: {error!r}") from error


def build_members_error(members: Mapping[str, int]) -> BackupRefusedError:
    """Build the error for groups that have members, which says what to do."""
    return BackupRefusedError(
        f"services are running, or ended a moment ago: {', '.join(members)}; stop all of them "
        "(`onrecord down`), and wait until their sessions are over (KAFKA_SESSION_TIMEOUT_MS)"
    )


async def wait_until_empty(store: PositionStore, patience_s: float) -> None:
    """Wait until no service's group has members; a member that was killed takes a while to be gone.

    Raises:
        BackupRefusedError: one still has when the time is up.
    """
    deadline = asyncio.get_running_loop().time() + patience_s
    while members := await store.list_members():
        if asyncio.get_running_loop().time() > deadline:
            raise build_members_error(members)
        await asyncio.sleep(0.5)


@asynccontextmanager
async def _open_consumer(kafka: KafkaSettings, group: str | None) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(**kafka.client_options(), group_id=group, enable_auto_commit=False)
    try:
        await consumer.start()
        # Else stop() of a consumer that nothing was read by cancels a task which has not begun yet.
        await asyncio.sleep(0)
        yield consumer
    finally:
        await consumer.stop()
