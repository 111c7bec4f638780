"""Explanations of failed PostgreSQL connections, each with the setting to look at."""

from __future__ import annotations

import os
import ssl
from typing import Final

import asyncpg

from configuration.files import explain_tls_error
from database.errors import (
    DatabaseAccessDeniedError,
    DatabaseUnavailableError,
    format_error_headline,
)
from database.settings import PostgresSettings


def build_connection_error(
    settings: PostgresSettings, error: Exception
) -> DatabaseUnavailableError:
    """Build the error for a failed connection: its cause, and the setting to correct.

    Args:
        settings: what it was to be made with.
        error: what the driver raised.

    Returns:
        What is wrong, in one line that names the setting to look at; without any secret.
    """
    if refusal := _refusal(settings, error):
        return DatabaseAccessDeniedError(f"PostgreSQL at {settings.place} {refusal}")
    return DatabaseUnavailableError(
        f"PostgreSQL is unavailable at {settings.place} ({_cause(error)}); check POSTGRES_DSN"
    )


def _refusal(settings: PostgresSettings, error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return explain_tls_error(error, ca="POSTGRES_SSLROOTCERT", host="POSTGRES_DSN")
    if isinstance(error, ssl.SSLError):
        return f"and we do not agree on encryption ({error.reason}); check POSTGRES_SSLCERT"
    if isinstance(error, ConnectionError) and "rejected SSL" in str(error):
        return f"does not encrypt; check POSTGRES_SSLMODE, which is {settings.mode}"
    if isinstance(error, asyncpg.PostgresError):
        return _server_refusal(settings, error)
    return ""


def _server_refusal(settings: PostgresSettings, error: asyncpg.PostgresError) -> str:
    if isinstance(error, asyncpg.InvalidPasswordError):
        return f"refuses the login ({_cause(error)}); check user and password in {_LOGIN}"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"does not let us in ({_cause(error)}); check {_access_setting(settings, error)}"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"has no such database ({_cause(error)}); check POSTGRES_DSN"
    return ""


_LOGIN: Final = "POSTGRES_DSN or POSTGRES_PASSWORD_FILE"


def _access_setting(settings: PostgresSettings, error: Exception) -> str:
    if "no encryption" in str(error):
        # With prefer, the driver asks again without encryption after any refusal.
        also = f", and user and password in {_LOGIN}" if settings.mode == "prefer" else ""
        return f"POSTGRES_SSLMODE, which is {settings.mode}{also}"
    if "certificate" in str(error):
        return "POSTGRES_SSLCERT"
    return "the user in POSTGRES_DSN, and the server's pg_hba.conf"


def _cause(error: Exception) -> str:
    """Return the cause in words; the driver's text for a socket error is not meant for people."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
    return format_error_headline(error).partition(": ")[2]
