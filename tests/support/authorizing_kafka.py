"""Apache Kafka with access rules (ACLs), and a user with a password for each service."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from contracts.topic_access import USERS
from messaging import KafkaSettings
from support.certificates import Authority
from support.secure_kafka import PASSWORD, USER, SecureKafka

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
