"""Notices that another replica has this one's name in the group, and keeps out of its way.

With static membership (KIP-345) the broker lets whoever came last have the name, and forgets the
other. aiokafka 0.14 takes that for a lost membership and joins again under the same name, so that
two replicas with one name throw each other out for ever.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from aiokafka.errors import KafkaError

from messaging.kafka.admin import admin_client
from messaging.kafka.aiokafka_internals import get_member_id, intercept_membership_loss
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.settings import KafkaSettings

_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class NameTakenError(KafkaUnavailableError):
    """Another member of the group has this replica's name."""


async def require_free_name(kafka: KafkaSettings, group: str, mine: str = "") -> None:
    """Check that no other member of a group has the name that ``KAFKA_GROUP_INSTANCE_ID`` gives.

    Args:
        kafka: the name, and how to reach the broker.
        group: the group, by the broker's name.
        mine: this member's id; empty if it has none.

    Raises:
        NameTakenError: one has.
        KafkaUnavailableError: no broker answers.
    """
    name = kafka.group_instance_id
    if not name:
        return
    # The broker makes a static member's id of its name and a UUID.
    of_that_name = re.compile(rf"{re.escape(name)}-{_UUID}")
    for member in await _member_ids(kafka, group):
        if member != mine and of_that_name.fullmatch(member):
            raise NameTakenError(
                f"another member of the group {group} has the name {name!r}; give each replica a "
                "KAFKA_GROUP_INSTANCE_ID of its own, or none"
            )


async def _member_ids(kafka: KafkaSettings, group: str) -> list[str]:
    async with admin_client(kafka) as admin:
        try:
            answers = await admin.describe_consumer_groups([group])
        except KafkaError as error:
            told = f"the broker does not tell of the group ({type(error).__name__})"
            raise KafkaUnavailableError(told) from error
    return [
        str(member_id)
        for answer in answers
        for _error, _group, _state, _kind, _protocol, members, *_ in answer.groups
        for member_id, *_ in members
    ]


class NameWatch:
    """Keeps a member that the group has forgotten from joining again under a name that is taken.

    Args:
        kafka: the name, and how to reach the broker.
        group: the group, by the broker's name.
    """

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._kafka = kafka
        self._group = group
        self._lost = asyncio.Event()

    async def run(self, consumer: Any) -> None:
        """Watch until cancelled.

        Args:
            consumer: aiokafka's, which has joined the group.

        Raises:
            NameTakenError: another member has the name now.
            KafkaUnavailableError: it cannot be told whether one has.
        """
        if not self._kafka.group_instance_id:
            await asyncio.Event().wait()
        join_again = intercept_membership_loss(consumer, self._lost.set)
        while True:
            await self._lost.wait()
            await require_free_name(self._kafka, self._group, get_member_id(consumer))
            self._lost.clear()
            join_again()
