"""Refuses to work on topics that are missing, or whose settings would lose or refuse messages.

More partitions or fewer than declared are the operator's choice: no promise depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from contracts.errors import OutageError
from contracts.topics import ALL_TOPICS, FOREVER, RETRY_DELAYS_S, Topic, dlq_topic, retry_topic
from messaging.kafka.admin import admin_client
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.settings import KafkaSettings

SHOWN_FAULTS: Final = 4
"""What is wrong may be so with every topic; a line has to end somewhere."""

_DECLARED: Final = {topic.name: topic for topic in ALL_TOPICS}
_OWN: Final = re.compile(r"(?P<service>.+)-(dlq|retry-(?P<tier>\d+))")


class MissingTopicsError(OutageError):
    """The broker answers, but topics the stage needs do not exist yet."""


class WrongTopicsError(OutageError):
    """Topics the stage needs exist, with settings that would lose or refuse messages."""


async def require_topics(kafka: KafkaSettings, names: Sequence[str]) -> None:
    """Check topics against their declaration.

    Args:
        kafka: how to reach the broker.
        names: as the broker knows them, prefix included.

    Raises:
        MissingTopicsError: some do not exist.
        WrongTopicsError: some are not as declared; the message says what to change.
        KafkaUnavailableError: no broker answers.
    """
    async with admin_client(kafka) as client:
        try:
            await _require_all(client, names)
            configs = await _configs(client, names)
        except KafkaError as error:
            told = f"the broker does not tell of its topics ({type(error).__name__})"
            raise KafkaUnavailableError(told) from error
    faults = [
        fault
        for name in names
        if (topic := _declared(name.removeprefix(kafka.topic_prefix)))
        for fault in _faults(name, topic, configs.get(name, {}))
    ]
    if faults:
        raise WrongTopicsError(_told(faults))


async def _require_all(client: Any, names: Sequence[str]) -> None:
    existing = set(await client.list_topics())
    if missing := [name for name in names if name not in existing]:
        raise MissingTopicsError(
            f"topics are missing: {', '.join(missing)}; run `python -m messaging topics create`"
        )


async def _configs(client: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Settings by topic; one that we may not look at has none, and is taken as it is."""
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
    # Services that are not part of the pipeline, such as those of tests, have such topics too.
    own = _OWN.fullmatch(name)
    if own is None or int(own["tier"] or 0) >= len(RETRY_DELAYS_S):
        return None
    return retry_topic(own["service"], int(own["tier"])) if own["tier"] else dlq_topic(own[1])


def _faults(name: str, topic: Topic, config: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a topic, each as ``topic: is … but has to be setting=value``."""
    needed = {
        "cleanup.policy": ("delete", config.get("cleanup.policy") == "delete"),
        "retention.bytes": ("-1", config.get("retention.bytes") == "-1"),
        "retention.ms": (
            str(topic.retention_ms),
            _lasts(int(config.get("retention.ms", FOREVER)), topic.retention_ms),
        ),
        "max.message.bytes": (
            str(topic.max_message_bytes),
            int(config.get("max.message.bytes", 0)) >= topic.max_message_bytes,
        ),
    }
    for setting, (value, is_right) in needed.items():
        if setting in config and not is_right:
            yield f"{name} has {setting}={config[setting]} and needs {value}"


def _lasts(retention_ms: int, needed_ms: int) -> bool:
    return retention_ms == FOREVER or (needed_ms != FOREVER and retention_ms >= needed_ms)


def _told(faults: Sequence[str]) -> str:
    more = len(faults) - SHOWN_FAULTS
    shown = [*faults[:SHOWN_FAULTS], *([f"and {more} more"] if more > 0 else [])]
    return (
        f"topics have wrong settings: {', '.join(shown)}; change them with `kafka-configs.sh "
        "--alter --entity-type topics --entity-name TOPIC --add-config SETTING=VALUE`"
    )
