"""Diagnosis of failed broker connections, in one line that names the setting to check.

aiokafka's clients only report that they found no broker, so one connection is made here to see why.
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

PROBE_TIMEOUT_MS: Final = 3_000
"""How long the probe of each broker may take, in milliseconds."""

DEFAULT_PORT: Final = 9092


class KafkaUnavailableError(OutageError):
    """Raised when the broker cannot be reached, or did not acknowledge a record in time."""

    code = ErrorCode.KAFKA_UNAVAILABLE


class KafkaAccessDeniedError(KafkaUnavailableError):
    """Raised when a broker refuses the login, or its TLS certificate is not trusted."""


async def diagnose_connection(kafka: KafkaSettings) -> KafkaUnavailableError:
    """Probe each broker after a failed connection; return the error that explains it.

    Returns:
        The error to raise: one line that names the setting to check, without any secret.
    """
    for server in kafka.bootstrap_servers.split(","):
        if (error := await _probe(server.strip(), kafka)) is not None:
            return error
    return KafkaUnavailableError(
        f"no broker answers at {kafka.bootstrap_servers}; check KAFKA_BOOTSTRAP_SERVERS"
    )


def silence_connection_warnings() -> None:
    """Suppress aiokafka's own log warnings about brokers that it cannot connect to.

    Callers that start a client report the same in one line that says what to do.
    """
    logging.getLogger("aiokafka").addFilter(lambda record: record.msg != _UNABLE_TO_CONNECT)


# aiokafka's format string: the line has neither a code nor an exception to know it by.
_UNABLE_TO_CONNECT: Final = 'Unable connect to "%s:%s": %s'


async def _probe(server: str, kafka: KafkaSettings) -> KafkaUnavailableError | None:
    """Connect once; return the error if the server answers but does not serve us, else None."""
    host, _, port = server.rpartition(":")
    options: dict[str, Any] = kafka.client_options()
    del options["bootstrap_servers"]
    try:
        connection = await create_conn(
            (host or server).strip("[]"),
            int(port) if port.isdigit() else DEFAULT_PORT,
            request_timeout_ms=PROBE_TIMEOUT_MS,
            **options,
        )
        try:
            # A listener that expects TLS accepts a plaintext connection; it hangs up at the first
            # request.
            await connection.send(MetadataRequest([]))
        finally:
            await connection.close()
    except (OSError, KafkaError) as error:
        if refusal := _refusal(error, kafka):
            return KafkaAccessDeniedError(f"the broker at {server} {refusal}")
        if _was_disconnected(error):
            return KafkaUnavailableError(
                f"the broker at {server} hangs up on our {kafka.security_protocol} connection: it "
                f"is starting or stopping, or check {_protocol_settings(kafka)}"
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


def _was_disconnected(error: Exception) -> bool:
    """Return whether something accepted the connection; refused or unanswered means nothing did."""
    return isinstance(error, KafkaError | ConnectionResetError | ssl.SSLError)


def _protocol_settings(kafka: KafkaSettings) -> str:
    if kafka.encrypts and not kafka.logs_in:
        return "KAFKA_SECURITY_PROTOCOL, KAFKA_SSL_CERTFILE and the port"
    return "KAFKA_SECURITY_PROTOCOL and the port"
