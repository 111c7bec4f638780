"""Consistency checks of the broker connection's security settings, before anything connects.

A user name that would silently not be sent, or a connection that would silently not be encrypted,
is worse than a service that does not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messaging.settings import KafkaSettings

_LOGIN = ("sasl_username", "sasl_password", "sasl_password_file")
_TLS = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_key_password")


def require_consistent_security(kafka: KafkaSettings) -> None:
    """Raise ``ValueError`` if Kafka's security settings are incomplete or contradictory.

    Raises:
        ValueError: something does not fit; the message says which variable to set.
    """
    if kafka.logs_in:
        _require_login(kafka)
    else:
        _refuse_unused(kafka, _LOGIN, "SASL_SSL")
    if not kafka.encrypts:
        _refuse_unused(kafka, _TLS, "SASL_SSL" if kafka.logs_in else "SSL")
    if kafka.ssl_certfile is None and (kafka.ssl_keyfile or kafka.ssl_key_password):
        raise ValueError("KAFKA_SSL_CERTFILE is not set, but its private key is: set both")


def _require_login(kafka: KafkaSettings) -> None:
    needing = f"KAFKA_SECURITY_PROTOCOL={kafka.security_protocol} needs"
    if not kafka.sasl_username:
        raise ValueError(f"KAFKA_SASL_USERNAME is not set: {needing} it")
    if kafka.sasl_password and kafka.sasl_password_file:
        raise ValueError("KAFKA_SASL_PASSWORD and KAFKA_SASL_PASSWORD_FILE are both set: unset one")
    if not kafka.sasl_password and not kafka.sasl_password_file:
        raise ValueError(
            f"KAFKA_SASL_PASSWORD is not set: {needing} it, or KAFKA_SASL_PASSWORD_FILE"
        )


def _refuse_unused(kafka: KafkaSettings, names: tuple[str, ...], instead: str) -> None:
    for name in names:
        if getattr(kafka, name):
            raise ValueError(
                f"KAFKA_{name.upper()} is set, but KAFKA_SECURITY_PROTOCOL="
                f"{kafka.security_protocol} does not use it: set KAFKA_SECURITY_PROTOCOL={instead}"
            )
