"""Typed settings of the broker connection and of a stage, read from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from asgi_server import normalize_host
from configuration.files import TlsFiles, read_secret
from contracts.topics import MIB, RETRY_DELAYS_S
from messaging.kafka.security import require_consistent_security
from messaging.limits import MAX_BATCH_BYTES, MAX_JSON_VALUES

HIGHEST_PORT: Final = 65_535


class KafkaSettings(BaseSettings):
    """Settings of the Kafka connection, read from ``KAFKA_*`` environment variables."""

    model_config = SettingsConfigDict(
        env_prefix="KAFKA_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    bootstrap_servers: str = Field("127.0.0.1:9092", description="host:port, comma separated.")
    topic_prefix: str = Field("", description="Goes before every topic and consumer group.")
    group_instance_id: str = Field(
        "",
        description="Names this replica among those of its service (static membership, KIP-345): "
        "a restart within the session timeout gets its partitions back at once.",
    )
    session_timeout_ms: int = Field(
        10_000, ge=1_000, description="A silent member is dropped after."
    )
    rebalance_timeout_ms: int = Field(30_000, ge=1_000, description="Budget for joining again.")
    max_poll_interval_ms: int = Field(
        300_000, ge=10_000, description="A member that does not poll is dropped after."
    )
    idle_pause_ms: int = Field(
        0,
        ge=0,
        description="Rest between looks at idle topics, for brokers that answer an empty fetch at "
        "once in place of waiting for data, as the embedded one does.",
    )
    compression: Literal["none", "gzip", "lz4", "snappy", "zstd"] = Field(
        "lz4", description="How produced batches are compressed."
    )
    max_batch_bytes: int = Field(
        MAX_BATCH_BYTES,
        ge=MIB,
        description="Most bytes of a record batch after decompression, and of a record that is "
        "sent; the same for all services, and more than any record that is to be handled.",
    )

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Whether connections are encrypted, and who we say we are."
    )
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="How the password is proved; PLAIN sends it as it is."
    )
    sasl_username: str = Field("", description="Who we are, with SASL.")
    sasl_password: SecretStr = Field(SecretStr(""), description="The password that proves it.")
    sasl_password_file: Path | None = Field(
        None, description="A file that holds the password, in its place; such as a mounted secret."
    )
    ssl_cafile: Path | None = Field(
        None, description="Certificates of the trusted authorities, PEM; the system's if not set."
    )
    ssl_certfile: Path | None = Field(
        None, description="Our certificate, PEM, for brokers that ask for one."
    )
    ssl_keyfile: Path | None = Field(
        None, description="Its private key, PEM, unless it stands in the same file."
    )
    ssl_key_password: SecretStr = Field(SecretStr(""), description="Decrypts the private key.")

    @field_validator("bootstrap_servers")
    @classmethod
    def _are_addresses(cls, servers: str) -> str:
        for server in servers.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) <= HIGHEST_PORT:
                raise ValueError("is not host:port, or several of them with commas between")
        return servers

    @property
    def encrypts(self) -> bool:
        """Whether connections use TLS, which includes that the broker's certificate is checked."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def logs_in(self) -> bool:
        """Whether a user name and a password are sent (SASL)."""
        return self.security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @model_validator(mode="after")
    def _can_connect(self) -> Self:
        require_consistent_security(self)
        self.client_options()  # reads the files
        return self

    def topic(self, name: str) -> str:
        """Return a topic's or group's name on the broker: the prefix, then its declared name."""
        return self.topic_prefix + name

    def client_options(self) -> dict[str, Any]:
        """Return the keyword arguments that every aiokafka client takes, the password among them.

        Raises:
            UnusableFileError: a file with a certificate or a password cannot be used.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "security_protocol": self.security_protocol,
        }
        if self.encrypts:
            options["ssl_context"] = self._tls_files().context()
        if self.logs_in:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self._password().get_secret_value(),
            }
        return options

    def _tls_files(self) -> TlsFiles:
        return TlsFiles(
            names=("KAFKA_SSL_CAFILE", "KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE"),
            ca=self.ssl_cafile,
            certificate=self.ssl_certfile,
            key=self.ssl_keyfile,
            key_password=self.ssl_key_password,
        )

    def _password(self) -> SecretStr:
        if self.sasl_password_file is None:
            return self.sasl_password
        return read_secret(self.sasl_password_file, variable="KAFKA_SASL_PASSWORD_FILE")


class StageSettings(BaseSettings):
    """Settings of a service's message processing, read from ``<SERVICE>_*`` variables."""

    model_config = SettingsConfigDict(frozen=True)

    max_in_flight: int = Field(64, ge=1, description="Messages worked on at the same time.")
    max_in_flight_bytes: int = Field(
        128 * 1024 * 1024,
        ge=1,
        description="No message is started while those worked on have so many bytes or more.",
    )
    max_large_in_flight: int | None = Field(
        None,
        ge=1,
        description="Large messages worked on at the same time, so that the others have places "
        "too; as many as others if not set.",
    )
    large_message_bytes: int = Field(
        MIB, ge=1, description="Bytes in memory from which a message counts as large."
    )
    read_ahead: int = Field(
        10_000,
        ge=1,
        description="Messages held in memory until they are worked on, at most; among them, "
        "interviews take turns.",
    )
    read_ahead_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1,
        description="Bytes of them, at most; a quarter is for messages from retry topics.",
    )
    order: Literal["none", "key"] = Field(
        "none", description='"key" keeps messages of one key one after another.'
    )
    max_message_bytes: int = Field(
        MAX_BATCH_BYTES,
        ge=1,
        description="Most bytes of a message's key and value; a larger one is a dead letter.",
    )
    max_json_values: int = Field(
        MAX_JSON_VALUES,
        ge=1,
        description="Most values that a message's JSON may be made of; one with more is a dead "
        "letter.",
    )
    deadline_s: float = Field(120.0, gt=0, description="One delivery's work in all, seconds.")
    tries: int = Field(3, ge=1, description="Tries in place before a retry topic.")
    retry_wait_s: float = Field(0.2, ge=0, description="First wait between tries in place.")
    retry_delays_s: Annotated[tuple[float, ...], NoDecode] = Field(
        RETRY_DELAYS_S[1:],
        max_length=len(RETRY_DELAYS_S) - 1,
        description="Waits in retry topics 1, 2, …, comma separated; as many tiers as are given.",
    )
    throttle_ceiling_s: float = Field(
        30.0, ge=0, description="A longer Retry-After is waited for in a retry topic."
    )
    throttle_max_s: float = Field(
        300.0,
        ge=0,
        description="Longest wait that a Retry-After may ask for, in seconds; then it is asked "
        "again.",
    )
    outage_pause_s: float = Field(0.5, gt=0, description="First pause before probing an outage.")
    outage_pause_max_s: float = Field(30.0, gt=0, description="Longest pause between probes.")
    own_outage_patience_s: float = Field(
        3_600.0,
        ge=0,
        description="How long a message that meets an outage while others pass stays in retry "
        "topics before it is a dead letter, in seconds.",
    )
    stop_window: int = Field(
        20,
        ge=1,
        description="How many of the latest messages decide whether the stage stops; at least "
        "twice as many as may be in flight.",
    )
    stop_share: float = Field(
        0.8, gt=0, le=1, description="The share of them that has to fail of one cause for it."
    )
    stop_share_of_all: float = Field(
        0.9, gt=0, le=1, description="The share of them that has to fail, whatever the causes."
    )
    commit_interval_s: float = Field(1.0, gt=0, description="How often offsets are committed.")
    drain_grace_s: float = Field(30.0, ge=0, description="Time to finish work at shutdown.")
    revoke_drain_s: float = Field(
        30.0, ge=0, description="Time to finish the work on a partition before it moves."
    )
    http_host: str = Field(
        "127.0.0.1", description="Address that health, metrics and the API are served on."
    )
    http_port: int = Field(
        0, ge=0, le=65_535, description="Port that health, metrics and the API are served on."
    )
    health_host: str = Field(
        "",
        description="Address that `/livez`, `/readyz` and `/metrics` are served on where they have "
        "a port of their own; as HTTP_HOST if not set.",
    )
    health_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port that `/livez`, `/readyz` and `/metrics` are served on, and on HTTP_PORT "
        "no more; on HTTP_PORT if not set.",
    )
    http_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names and addresses, comma separated and without ports, by which the "
        "service may be called, beside loopback and the address it is served on; health and "
        "metrics are open by any.",
    )
    http_max_body_bytes: int = Field(
        MIB, ge=1, description="Most bytes of a request's body over HTTP."
    )
    operator_token_file: Path | None = Field(
        None,
        description="A file with the token that `POST /resume` and `POST /rehearse` take; it is "
        "made, for its owner alone to read, if it is not there. Without it, both are refused.",
    )

    @field_validator("http_allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(normalize_host, hosts))

    @field_validator("retry_delays_s", "http_allowed_hosts", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in value.split(",") if part.strip())
        return value
