"""Protection against two replicas with the same ``KAFKA_GROUP_INSTANCE_ID``.

With static membership (KIP-345) the broker gives the instance id to the member that joined last and
fences the other. aiokafka 0.14 treats that as a lost membership and rejoins with the same id, so
that two replicas with one id would fence each other for ever.

A member with this replica's instance id may also be the replica itself: one that stood still while
it joined (a laptop that slept, SIGSTOP) never learnt its member id, and the group keeps that member
until its session ends. So each replica writes into its metadata which one it is. (Its client id
would not do: Kafka keeps that of the first member with an instance id.)
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiokafka.errors import KafkaError

from contracts.ids import UUID_PATTERN
from messaging.consumer.assignor import parse_replica_id
from messaging.kafka.admin import open_admin_client
from messaging.kafka.aiokafka_internals import intercept_membership_loss
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.settings import KafkaSettings


class InstanceIdTakenError(KafkaUnavailableError):
    """Raised when another group member uses this replica's ``group.instance.id``."""


async def require_free_instance_id(kafka: KafkaSettings, group: str, replica: str) -> None:
    """Raise ``InstanceIdTakenError`` if another group member uses this replica's instance id.

    Args:
        kafka: the instance id, and how to reach the broker.
        group: the group, by the broker's name.
        replica: this one's mark in the metadata of members, by which it knows itself.

    Raises:
        InstanceIdTakenError: another member uses it.
        KafkaUnavailableError: no broker answers.
    """
    name = kafka.group_instance_id
    if not name:
        return
    # The broker builds a static member's member id from its instance id and a UUID.
    member_id_pattern = re.compile(rf"{re.escape(name)}-{UUID_PATTERN}")
    for member_id, member_replica in await _list_members(kafka, group):
        if member_replica != replica and member_id_pattern.fullmatch(member_id):
            raise InstanceIdTakenError(
                f"another member of the group {group} has the instance id {name!r}; give each "
                "replica a KAFKA_GROUP_INSTANCE_ID of its own, or none"
            )


async def _list_members(kafka: KafkaSettings, group: str) -> list[tuple[str, str]]:
    """Return the member id and replica of each member of a group."""
    async with open_admin_client(kafka) as admin:
        try:
            answers = await admin.describe_consumer_groups([group])
        except KafkaError as error:
            message = f"the broker does not describe the group ({type(error).__name__})"
            raise KafkaUnavailableError(message) from error
    return [
        (str(member_id), parse_replica_id(metadata))
        for answer in answers
        for _error, _group, _state, _kind, _protocol, members, *_ in answer.groups
        for member_id, _client, _host, metadata, *_ in members
    ]


class InstanceIdGuard:
    """Guard that lets a fenced member rejoin its group only if its instance id is free.

    Args:
        kafka: the instance id, and how to reach the broker.
        group: the group, by the broker's name.
        replica: this one's mark in the metadata of members.
    """

    def __init__(self, kafka: KafkaSettings, group: str, replica: str) -> None:
        self._kafka = kafka
        self._group = group
        self._replica = replica
        self._lost = asyncio.Event()

    async def run(self, consumer: Any) -> None:
        """Guard until cancelled.

        Args:
            consumer: aiokafka's, which has joined the group.

        Raises:
            InstanceIdTakenError: another member uses the instance id now.
            KafkaUnavailableError: the group cannot be described.
        """
        if not self._kafka.group_instance_id:
            await asyncio.Event().wait()
        join_again = intercept_membership_loss(consumer, self._lost.set)
        while True:
            await self._lost.wait()
            await require_free_instance_id(self._kafka, self._group, self._replica)
            self._lost.clear()
            join_again()
