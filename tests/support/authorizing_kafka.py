"""Apache Kafka with access rules (ACLs), and a user with a password for each service."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from contracts.topic_access import USERS, KafkaOperation, list_access_rules
from messaging import KafkaSettings
from messaging.kafka.acls import (
    AclBinding,
    build_acl_bindings,
    create_acls,
    delete_acls,
    list_acls,
)
from messaging.kafka.admin import open_admin_client
from messaging.kafka.aiokafka_internals import get_network_client
from support.certificates import Authority
from support.secure_kafka import PASSWORD, USER, SecureKafka
from support.waiting import until

SETTINGS = (
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # ANONYMOUS is the broker itself on its controller's listener, which has no login here.
    f"super.users=User:broker;User:{USER};User:ANONYMOUS",
)


class AuthorizingKafka(SecureKafka):
    """A broker that lets nobody do anything without a rule, but for its super user ``onrecord``."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder, authority, settings=SETTINGS)

    def env_of(self, user: str) -> dict[str, str]:
        """Settings by which one of ``USERS`` logs in."""
        return self.env(KAFKA_SASL_USERNAME=f"onrecord-{user}", KAFKA_SASL_PASSWORD=password(user))

    def as_user(self, user: str, **changes: Any) -> KafkaSettings:
        """As ``env_of``, for a client in this process."""
        return self.user(
            sasl_username=f"onrecord-{user}", sasl_password=SecretStr(password(user)), **changes
        )

    def users(self) -> dict[str, str]:
        return super().users() | {f"onrecord-{user}": password(user) for user in USERS}


def password(user: str) -> str:
    return f"{PASSWORD}-{user}"


@contextmanager
def authorizing_kafka(authority: Authority) -> Iterator[AuthorizingKafka]:
    """Run a broker with a temporary folder for the duration of the context."""
    folder = Path(tempfile.mkdtemp(prefix="onrecord-kafka-"))
    try:
        with AuthorizingKafka(folder, authority) as broker:
            yield broker
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def change_rules(
    broker: AuthorizingKafka,
    *,
    allow: Sequence[AclBinding] = (),
    forbid: Sequence[AclBinding] = (),
) -> None:
    """Allow and forbid, and wait until the broker knows of it."""
    async with open_admin_client(broker.user()) as admin:
        client = get_network_client(admin)
        await create_acls(client, [*allow])
        await delete_acls(client, [*forbid])

        async def in_force() -> bool:
            names = {one.principal for one in (*allow, *forbid)}
            found = {one for name in names for one in await list_acls(client, name)}
            return found >= {*allow} and not found & {*forbid}

        await until(in_force, within_s=10)


def find_rules(
    broker: AuthorizingKafka, *cells: tuple[str, KafkaOperation, str]
) -> list[AclBinding]:
    """ACLs of cells of the table: user, operation, topic or group."""
    found = [one for one in list_access_rules() if (one.user, one.operation, one.name) in cells]
    assert len(found) == len(cells)
    return [*build_acl_bindings(broker.user(), {}, found)]
