"""Which Kafka user may do what with which topic and group, derived from the topics' declarations.

``python -m messaging acls apply`` brings a broker's access rules (ACLs) to it; services check at
their start that they have theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.topics import (
    ALL_TOPICS,
    CONTROL,
    DLQ_TOPICS,
    PIPELINE,
    RETRY_TOPICS,
    Topic,
)

PRODUCER: Final = "producer"
"""Programs that submit interviews, and read what became of them."""

AUDITOR: Final = "auditor"
"""People who run ``onrecord audit``: it reads what is unfinished in every topic."""

MIGRATOR: Final = "migrator"
"""Whoever runs ``python -m messaging topics create``."""

SERVICES: Final = (*PIPELINE, CONTROL)
USERS: Final = (*SERVICES, PRODUCER, AUDITOR, MIGRATOR)
"""All users that rules are for. A user's name at the broker is ``onrecord-`` and this."""

ANYONE: Final = "anyone"


class KafkaOperation(StrEnum):
    """Kafka operation that an access rule allows, such as ``Read``."""

    READ = "Read"
    WRITE = "Write"
    DELETE = "Delete"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


class KafkaResourceKind(StrEnum):
    """Kind of Kafka resource that an access rule is about: topic or consumer group."""

    TOPIC = "topic"
    GROUP = "group"


@dataclass(frozen=True, slots=True, order=True)
class AccessRule:
    """Rule that allows one Kafka user one operation on one topic or consumer group.

    Attributes:
        user: one of ``USERS``.
        kind: whether ``name`` is a topic or a group.
        name: without the prefix that settings may put before it.
        operation: what the user may do. Who may read or write a topic may describe it too.
    """

    user: str
    kind: KafkaResourceKind
    name: str
    operation: KafkaOperation


def list_access_rules() -> tuple[AccessRule, ...]:
    """Return the access rules of all services and producers, without duplicates."""
    return tuple(sorted({*_topic_rules(), *_group_rules()}))


def get_kafka_principal(user: str) -> str:
    """Return the Kafka principal of one of our users, such as ``User:onrecord-control``."""
    return f"User:onrecord-{user}"


def _topic_rules() -> Iterator[AccessRule]:
    for topic in ALL_TOPICS:
        for operation, users in (
            (KafkaOperation.READ, _readers(topic)),
            (KafkaOperation.WRITE, _writers(topic)),
            # Services refuse to start on a topic that could lose or refuse messages.
            (KafkaOperation.DESCRIBE_CONFIGS, {*_readers(topic), *_writers(topic)} & {*SERVICES}),
            # Of letters that expired, as far as none before them is kept; of handled retries, when
            # an interview is erased.
            (
                KafkaOperation.DELETE,
                {CONTROL} if topic in (*DLQ_TOPICS, *RETRY_TOPICS) else set(),
            ),
            (KafkaOperation.CREATE, {MIGRATOR}),
            (KafkaOperation.DESCRIBE, {MIGRATOR}),
        ):
            for user in users:
                yield AccessRule(user, KafkaResourceKind.TOPIC, topic.name, operation)


def _readers(topic: Topic) -> set[str]:
    readers = {PRODUCER if one == ANYONE else one for one in topic.consumers}
    if readers & {*SERVICES}:
        # Control answers audits, and replays the message that a truncated dead letter stands for
        # from where it was read.
        readers |= {AUDITOR, CONTROL}
    return readers


def _writers(topic: Topic) -> set[str]:
    return {PRODUCER if one == ANYONE else one for one in topic.producers}


def _group_rules() -> Iterator[AccessRule]:
    for service in SERVICES:  # a service's group has its name
        yield AccessRule(service, KafkaResourceKind.GROUP, service, KafkaOperation.READ)
        yield AccessRule(AUDITOR, KafkaResourceKind.GROUP, service, KafkaOperation.DESCRIBE)
        yield AccessRule(CONTROL, KafkaResourceKind.GROUP, service, KafkaOperation.DESCRIBE)
