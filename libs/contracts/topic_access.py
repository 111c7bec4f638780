"""Which Kafka user may do what with which topic and group, derived from the topics' declarations.

``python -m messaging acls apply`` brings a broker's access rules (ACLs) to it; services check at
their start that they have theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.topics import ALL_TOPICS, CONTROL, PIPELINE, Topic

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


class Operation(StrEnum):
    """Operation on a topic or group, as Kafka's tools name it."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


class ResourceKind(StrEnum):
    """Kind of what a rule is about."""

    TOPIC = "topic"
    GROUP = "group"


@dataclass(frozen=True, slots=True, order=True)
class AccessRule:
    """Rule that lets one Kafka user perform one operation on one topic or group.

    Attributes:
        user: one of ``USERS``.
        kind: whether ``name`` is a topic or a group.
        name: without the prefix that settings may put before it.
        operation: what the user may do. Who may read or write a topic may describe it too.
    """

    user: str
    kind: ResourceKind
    name: str
    operation: Operation


def list_access_rules() -> tuple[AccessRule, ...]:
    """Return all rules, in order and without repetition."""
    return tuple(sorted({*_topic_rules(), *_group_rules()}))


def get_principal(user: str) -> str:
    """Return the Kafka principal that a user has unless the operator names another one."""
    return f"User:onrecord-{user}"


def _topic_rules() -> Iterator[AccessRule]:
    for topic in ALL_TOPICS:
        for operation, users in (
            (Operation.READ, _readers(topic)),
            (Operation.WRITE, _writers(topic)),
            # Services refuse to start on a topic that could lose or refuse messages.
            (Operation.DESCRIBE_CONFIGS, {*_readers(topic), *_writers(topic)} & {*SERVICES}),
            (Operation.CREATE, {MIGRATOR}),
            (Operation.DESCRIBE, {MIGRATOR}),
        ):
            for user in users:
                yield AccessRule(user, ResourceKind.TOPIC, topic.name, operation)


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
        yield AccessRule(service, ResourceKind.GROUP, service, Operation.READ)
        yield AccessRule(AUDITOR, ResourceKind.GROUP, service, Operation.DESCRIBE)
        yield AccessRule(CONTROL, ResourceKind.GROUP, service, Operation.DESCRIBE)
