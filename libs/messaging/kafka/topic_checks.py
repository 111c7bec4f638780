"""Startup checks of the topics a stage needs: they exist, and do not lose or refuse messages.

More partitions or fewer than declared are the operator's choice: no promise depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from contracts.errors import OutageError
from contracts.topic_access import KafkaOperation
from contracts.topics import (
    ALL_TOPICS,
    FOREVER,
    RETRY_DELAYS_S,
    Topic,
    build_dlq_topic,
    build_retry_topic,
)
from messaging.kafka.access_checks import require_topic_access
from messaging.kafka.admin import open_admin_client
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.settings import KafkaSettings

MAX_SHOWN: Final = 4
"""Most wrong settings that the error's line lists, as all topics may have them."""

_DECLARED: Final = {topic.name: topic for topic in ALL_TOPICS}
_OWN: Final = re.compile(r"(?P<service>.+)-(dlq|retry-(?P<tier>\d+))")


class MissingTopicsError(OutageError):
    """Raised when topics that a service needs do not exist yet."""


class TopicSettingsError(OutageError):
    """Raised when a topic's settings on the broker could lose or refuse messages."""


def build_missing_topics_error(missing: Collection[str]) -> MissingTopicsError:
    """Build the error that lists missing topics and says how to create them."""
    return MissingTopicsError(describe_missing_topics(missing))


def describe_missing_topics(missing: Collection[str]) -> str:
    """Return a line that lists missing topics and says how to create them."""
    names = ", ".join(sorted(missing))
    return f"topics are missing: {names}; run `python -m messaging topics create`"


async def require_topics(
    kafka: KafkaSettings,
    names: Sequence[str],
    *,
    optional: Collection[str] = (),
    access: Mapping[str, Collection[KafkaOperation]] = MappingProxyType({}),
) -> frozenset[str]:
    """Raise an error unless topics exist with the settings that their declarations require.

    Args:
        kafka: how to reach the broker.
        names: as the broker knows them, prefix included.
        optional: those that may be missing.
        access: operations by topic that the broker has to allow.

    Returns:
        The optional topics that are missing.

    Raises:
        AccessRuleMissingError: the broker does not allow one of the operations.
        MissingTopicsError: some do not exist.
        TopicSettingsError: some are not as declared; the message says what to change.
        KafkaUnavailableError: no broker answers.
    """
    async with open_admin_client(kafka) as client:
        try:
            # First, as a topic that we may not describe is not listed.
            await require_topic_access(kafka, get_network_client(client), access)
            missing = {*names} - {*await client.list_topics()}
            if not missing <= {*optional}:
                raise build_missing_topics_error(missing)
            names = [name for name in names if name not in missing]
            configs = await _configs(client, names)
        except KafkaError as error:
            message = f"the broker does not describe its topics ({type(error).__name__})"
            raise KafkaUnavailableError(message) from error
    faults = [
        fault
        for name in names
        if (topic := _declared(name.removeprefix(kafka.topic_prefix)))
        for fault in _wrong_settings(name, topic, configs.get(name, {}))
    ]
    if faults:
        raise TopicSettingsError(_describe(faults))
    return frozenset(missing)


async def _configs(client: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return settings by topic; empty for one whose settings we may not read, which is accepted."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answers = await client.describe_configs(resources)
    return {
        name: {key: value for key, value, *_ in entries}
        for answer in answers
        for _code, _message, _kind, name, entries in answer.resources
    }


def _declared(name: str) -> Topic | None:
    if topic := _DECLARED.get(name):
        return topic
    # Services outside the pipeline, such as those of tests, have retry topics and DLQs too.
    own = _OWN.fullmatch(name)
    if own is None or int(own["tier"] or 0) >= len(RETRY_DELAYS_S):
        return None
    return (
        build_retry_topic(own["service"], int(own["tier"]))
        if own["tier"]
        else build_dlq_topic(own[1])
    )


def _wrong_settings(name: str, topic: Topic, config: Mapping[str, str]) -> Iterator[str]:
    """Yield a phrase for each setting of a topic that does not satisfy its declaration."""
    needed = {
        "cleanup.policy": ("delete", config.get("cleanup.policy") == "delete"),
        "retention.bytes": (
            str(topic.retention_bytes),
            _retains_enough(int(config.get("retention.bytes", FOREVER)), topic.retention_bytes),
        ),
        "retention.ms": (
            str(topic.retention_ms),
            _retains_enough(int(config.get("retention.ms", FOREVER)), topic.retention_ms),
        ),
        "max.message.bytes": (
            str(topic.max_message_bytes),
            int(config.get("max.message.bytes", 0)) >= topic.max_message_bytes,
        ),
    }
    for setting, (value, is_right) in needed.items():
        if setting in config and not is_right:
            yield f"{name} has {setting}={config[setting]} and needs {value}"


def _retains_enough(retention: int, needed: int) -> bool:
    return retention == FOREVER or (needed != FOREVER and retention >= needed)


def _describe(faults: Sequence[str]) -> str:
    more = len(faults) - MAX_SHOWN
    shown = [*faults[:MAX_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    return (
        f"topics have wrong settings: {', '.join(shown)}; change them with `kafka-configs.sh "
        "--alter --entity-type topics --entity-name TOPIC --add-config SETTING=VALUE`"
    )
