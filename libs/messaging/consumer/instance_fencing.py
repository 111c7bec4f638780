"""Protection against two replicas with the same ``KAFKA_GROUP_INSTANCE_ID``.

With static membership (KIP-345) the broker gives the instance id to the member that joined last and
fences the other. aiokafka 0.14 treats that as a lost membership and rejoins with the same id, so
that two replicas with one id would fence each other for ever.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from aiokafka.errors import KafkaError

from messaging.kafka.admin import open_admin_client
from messaging.kafka.aiokafka_internals import get_member_id, intercept_membership_loss
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.settings import KafkaSettings

_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class InstanceIdTakenError(KafkaUnavailableError):
    """Raised when another group member uses this replica's ``group.instance.id``."""


async def require_free_instance_id(kafka: KafkaSettings, group: str, mine: str = "") -> None:
    """Raise ``InstanceIdTakenError`` if another group member uses this replica's instance id.

    Args:
        kafka: the instance id, and how to reach the broker.
        group: the group, by the broker's name.
        mine: this member's id; empty if it has none.

    Raises:
        InstanceIdTakenError: another member uses it.
        KafkaUnavailableError: no broker answers.
    """
    name = kafka.group_instance_id
    if not name:
        return
    # The broker builds a static member's member id from its instance id and a UUID.
    member_id_pattern = re.compile(rf"{re.escape(name)}-{_UUID}")
    for member in await _member_ids(kafka, group):
        if member != mine and member_id_pattern.fullmatch(member):
            raise InstanceIdTakenError(
                f"another member of the group {group} has the instance id {name!r}; give each "
                "replica a KAFKA_GROUP_INSTANCE_ID of its own, or none"
            )


async def _member_ids(kafka: KafkaSettings, group: str) -> list[str]:
    async with open_admin_client(kafka) as admin:
        try:
            answers = await admin.describe_consumer_groups([group])
        except KafkaError as error:
            message = f"the broker does not describe the group ({type(error).__name__})"
            raise KafkaUnavailableError(message) from error
    return [
        str(member_id)
        for answer in answers
        for _error, _group, _state, _kind, _protocol, members, *_ in answer.groups
        for member_id, *_ in members
    ]


class InstanceIdGuard:
    """Guard that lets a fenced member rejoin its group only if its instance id is free.

    Args:
        kafka: the instance id, and how to reach the broker.
        group: the group, by the broker's name.
    """

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._kafka = kafka
        self._group = group
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
            await require_free_instance_id(self._kafka, self._group, get_member_id(consumer))
            self._lost.clear()
            join_again()
