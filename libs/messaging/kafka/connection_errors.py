"""Says why no broker can be used: nobody answers there, or it refuses us, and what to look at.

aiokafka's clients only tell that they found no broker, so we knock once ourselves and look.
"""

from __future__ import annotations

import logging
import ssl
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from configuration.files import explain_tls_error
from contracts.errors import ErrorCode, OutageError
from messaging.settings import KafkaSettings

KNOCK_TIMEOUT_MS: Final = 3_000
"""How long each broker may take to answer when the reason is looked for, in milliseconds."""

DEFAULT_PORT: Final = 9092


class KafkaUnavailableError(OutageError):
    """The broker cannot be reached, or did not acknowledge a record."""

    code = ErrorCode.KAFKA_UNAVAILABLE


class KafkaRefusesError(KafkaUnavailableError):
    """A broker is there, but refuses our login, or is not the one we trust."""


async def unreachable(kafka: KafkaSettings) -> KafkaUnavailableError:
    """The error to raise after a client could not be started.

    Returns:
        What is wrong, in one line that names the setting to look at; without any secret.
    """
    for server in kafka.bootstrap_servers.split(","):
        if (found := await _knock(server.strip(), kafka)) is not None:
            return found
    return KafkaUnavailableError(
        f"no broker answers at {kafka.bootstrap_servers}; check KAFKA_BOOTSTRAP_SERVERS"
    )


def quieten_client() -> None:
    """Drop the client library's complaint about each broker it cannot connect to at its start.

    Whoever starts a client tells the same, in one line that says what to do.
    """
    logging.getLogger("aiokafka").addFilter(lambda record: record.msg != _UNABLE_TO_CONNECT)


_UNABLE_TO_CONNECT: Final = 'Unable connect to "%s:%s": %s'


async def _knock(server: str, kafka: KafkaSettings) -> KafkaUnavailableError | None:
    """Why a server that answers does not serve us; None if it does not answer, or serves us."""
    host, _, port = server.rpartition(":")
    options: dict[str, Any] = kafka.client_options()
    del options["bootstrap_servers"]
    try:
        connection = await create_conn(
            (host or server).strip("[]"),
            int(port) if port.isdigit() else DEFAULT_PORT,
            request_timeout_ms=KNOCK_TIMEOUT_MS,
            **options,
        )
        try:
            await connection.send(MetadataRequest([]))
        finally:
            await connection.close()
    except (OSError, KafkaError) as error:
        if told := _refusal(error, kafka):
            return KafkaRefusesError(f"the broker at {server} {told}")
        if _hung_up(error):
            return KafkaUnavailableError(
                f"the broker at {server} hangs up on our {kafka.security_protocol} connection: it "
                f"is starting or stopping, or check {_how_to_talk(kafka)}"
            )
    return None


def _refusal(error: Exception, kafka: KafkaSettings) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return explain_tls_error(error, ca="KAFKA_SSL_CAFILE", host="KAFKA_BOOTSTRAP_SERVERS")
    if isinstance(error, SaslAuthenticationFailed | AuthenticationFailedError):
        password = "_FILE" if kafka.sasl_password_file else ""
        return (
            f"refuses the login of {kafka.sasl_username!r}; "
            f"check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD{password}"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"does not offer {kafka.sasl_mechanism}; check KAFKA_SASL_MECHANISM"
    return ""


def _hung_up(error: Exception) -> bool:
    """Whether somebody was there; refused, unknown, without route or silent means nobody was."""
    return isinstance(error, KafkaError | ConnectionResetError | ssl.SSLError)


def _how_to_talk(kafka: KafkaSettings) -> str:
    if kafka.encrypts and not kafka.logs_in:
        return "KAFKA_SECURITY_PROTOCOL, KAFKA_SSL_CERTFILE and the port"
    return "KAFKA_SECURITY_PROTOCOL and the port"
