"""Creation of the declared topics, and checks for missing ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topic_access import KafkaOperation
from contracts.topics import Topic
from messaging.kafka.access_checks import require_topic_access
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.kafka.connection_errors import (
    KafkaAccessDeniedError,
    KafkaUnavailableError,
    diagnose_connection,
)
from messaging.settings import KafkaSettings


@asynccontextmanager
async def open_admin_client(kafka: KafkaSettings) -> AsyncIterator[Any]:
    """Open a connected Kafka admin client for the duration of the context.

    Raises:
        KafkaUnavailableError: no broker answers.
    """
    client = AIOKafkaAdminClient(**kafka.client_options())
    try:
        try:
            await client.start()
        except KafkaError as error:
            raise await diagnose_connection(kafka) from error
        yield client
    finally:
        await client.close()


async def create_topics(
    kafka: KafkaSettings, topics: Iterable[Topic], *, replication: int = 1
) -> tuple[str, ...]:
    """Create the topics that do not exist yet, with their declared settings.

    Args:
        kafka: how to reach the broker; its prefix goes before every name.
        topics: their declarations.
        replication: copies of each partition.

    Returns:
        The names of those that were created.

    Raises:
        KafkaUnavailableError: no broker answers.
        KafkaError: the broker refuses one of them.
    """
    async with open_admin_client(kafka) as client:
        existing = set(await client.list_topics())
        wanted = [_new(kafka, topic, replication) for topic in topics]
        missing = [topic for topic in wanted if topic.name not in existing]
        if missing:
            response = await client.create_topics(missing)
            _raise_refusals(response)
    return tuple(topic.name for topic in missing)


async def disable_topic_auto_creation(kafka: KafkaSettings) -> None:
    """Configure a broker to refuse unknown topics instead of creating them.

    Otherwise a mistyped topic is created by the first write to it, and no one reads the message.

    Raises:
        KafkaUnavailableError: no broker answers.
        KafkaError: a broker does not let this setting be changed while it runs, as Apache Kafka
            does not: there it belongs in the broker's configuration.
    """
    async with open_admin_client(kafka) as client:
        nodes = (await client.describe_cluster())["brokers"]
        wanted = {"auto.create.topics.enable": "false"}
        brokers = [
            ConfigResource(ConfigResourceType.BROKER, str(node["node_id"]), configs=wanted)
            for node in nodes
        ]
        for response in await client.alter_configs(brokers):
            for code, message, _, name in response.resources:
                if code:
                    raise for_code(code)(f"auto.create.topics.enable of broker {name}: {message}")


async def list_missing_topics(
    kafka: KafkaSettings, names: Iterable[str], operation: KafkaOperation = KafkaOperation.WRITE
) -> tuple[str, ...]:
    """Return those of the named topics that do not exist on the broker.

    Args:
        kafka: how to reach the broker.
        names: as the broker knows them.
        operation: what they are needed for.

    Raises:
        AccessRuleMissingError: one may exist, but the broker does not allow the operation on it.
        KafkaUnavailableError: no broker answers.
    """
    async with open_admin_client(kafka) as client:
        existing = set(await client.list_topics())
        missing = tuple(name for name in names if name not in existing)
        wanted = dict.fromkeys(missing, (operation,))
        await require_topic_access(kafka, get_network_client(client), wanted)
    return missing


def _new(kafka: KafkaSettings, topic: Topic, replication: int) -> Any:
    return NewTopic(
        kafka.topic(topic.name),
        num_partitions=topic.partitions,
        replication_factor=replication,
        topic_configs={
            "retention.ms": str(topic.retention_ms),
            "max.message.bytes": str(topic.max_message_bytes),
            # Whatever the broker's own defaults are.
            "retention.bytes": str(topic.retention_bytes),
            "cleanup.policy": "delete",
        },
    )


def _raise_refusals(response: Any) -> None:
    for name, code, *_ in response.topic_errors:
        error = for_code(code)
        # Another replica may have created it after the topics were listed.
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name}")


async def wait_for_broker(kafka: KafkaSettings, timeout_s: float) -> None:
    """Wait until a Kafka broker answers; raise when the time is up.

    Raises:
        KafkaAccessDeniedError: one does not talk to us; waiting would not help.
        KafkaUnavailableError: none did within ``timeout_s`` seconds.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            async with open_admin_client(kafka):
                return
        except KafkaAccessDeniedError:
            raise  # a wrong password does not become right by waiting
        except KafkaUnavailableError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)
