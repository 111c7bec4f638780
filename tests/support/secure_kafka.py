"""Apache Kafka that requires TLS and a password, or a client certificate."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from messaging import KafkaSettings, KafkaUnavailableError
from messaging.kafka.admin import wait_for_broker
from support.apache_kafka import LOOK_EVERY_S, ApacheKafka
from support.broker import free_port
from support.certificates import LOOPBACK, Authority
from support.waiting import until

USER: Final = "onrecord"
PASSWORD: Final = "canary-kafka-9f31"
_BROKER_PASSWORD: Final = "between-brokers"
_MECHANISMS: Final = ("SCRAM-SHA-256", "SCRAM-SHA-512")
_LOGIN: Final = (
    "org.apache.kafka.common.security.scram.ScramLoginModule required "
    f'username="broker" password="{_BROKER_PASSWORD}";'
)


class SecureKafka(ApacheKafka):
    """A broker on loopback: SASL_SSL with users, and SSL with client certificates.

    Args:
        folder: where its data goes.
        authority: signs the broker's certificate, and its users' certificates.
        settings: lines for ``server.properties`` beyond those.
    """

    def __init__(self, folder: Path, authority: Authority, settings: Sequence[str] = ()) -> None:
        self.authority = authority
        ports = {name: free_port() for name in ("SASL_SSL", "MTLS", "CONTROLLER")}
        port, self._tls_port, controller = ports.values()
        identity = authority.identity("kafka", *LOOPBACK)
        super().__init__(
            folder,
            port,
            settings=(
                f"listeners={','.join(f'{name}://127.0.0.1:{at}' for name, at in ports.items())}",
                f"controller.quorum.bootstrap.servers=127.0.0.1:{controller}",
                "listener.security.protocol.map=SASL_SSL:SASL_SSL,MTLS:SSL,CONTROLLER:PLAINTEXT",
                "inter.broker.listener.name=SASL_SSL",
                "sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512",
                f"sasl.enabled.mechanisms={','.join(_MECHANISMS)}",
                *(
                    f"listener.name.sasl_ssl.{name.lower()}.sasl.jaas.config={_LOGIN}"
                    for name in _MECHANISMS
                ),
                "ssl.keystore.type=PEM",
                f"ssl.keystore.location={identity.both}",
                "ssl.truststore.type=PEM",
                f"ssl.truststore.location={authority.certificate}",
                "listener.name.mtls.ssl.client.auth=required",
                *settings,
            ),
        )

    def env(self, **changes: str) -> dict[str, str]:
        """Settings of a user it lets in, changed as given."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.servers,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_USERNAME": USER,
            "KAFKA_SASL_PASSWORD": PASSWORD,
            "KAFKA_SSL_CAFILE": str(self.authority.certificate),
        } | changes

    def user(self, **changes: Any) -> KafkaSettings:
        """As ``env``, for a client in this process."""
        given: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "security_protocol": "SASL_SSL",
            "sasl_username": USER,
            "sasl_password": SecretStr(PASSWORD),
            "ssl_cafile": self.authority.certificate,
        }
        return KafkaSettings(**given | changes)

    def with_certificate(self, **changes: Any) -> KafkaSettings:
        """A client that shows a certificate in place of a password."""
        ours = self.authority.identity("client")
        given: dict[str, Any] = {
            "bootstrap_servers": f"127.0.0.1:{self._tls_port}",
            "security_protocol": "SSL",
            "ssl_cafile": self.authority.certificate,
            "ssl_certfile": ours.certificate,
            "ssl_keyfile": ours.key,
        }
        return KafkaSettings(**given | changes)

    def _java(self, *words: str) -> list[str]:
        command = super()._java(*words)
        return [*command, *self._logins()] if "kafka.tools.StorageTool" in words else command

    def users(self) -> dict[str, str]:
        """Who may log in, with their passwords."""
        return {USER: PASSWORD, "broker": _BROKER_PASSWORD}

    def _logins(self) -> Sequence[str]:
        return [
            word
            for mechanism in _MECHANISMS
            for name, password in self.users().items()
            for word in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]

    def _answers(self) -> bool:
        with ThreadPoolExecutor(1) as thread:
            try:
                thread.submit(asyncio.run, _ask(self.user())).result()
            except KafkaUnavailableError:
                return False
        return True


async def all_closed() -> None:
    """Wait until the event loop has no open connection.

    aiokafka 0.14 does not wait for the one it began with, and an encrypted one takes its time.
    """
    loop: Any = asyncio.get_running_loop()
    to_itself = 1
    await until(lambda: len(loop._selector.get_map()) <= to_itself, within_s=40)


async def _ask(kafka: KafkaSettings) -> None:
    try:
        await wait_for_broker(kafka, LOOK_EVERY_S)
    finally:
        await all_closed()


@contextmanager
def secure_kafka(authority: Authority) -> Iterator[SecureKafka]:
    """Run a broker with a temporary folder for the duration of the context."""
    folder = Path(tempfile.mkdtemp(prefix="onrecord-kafka-"))
    try:
        with SecureKafka(folder, authority) as broker:
            yield broker
    finally:
        shutil.rmtree(folder, ignore_errors=True)
