"""Says why PostgreSQL cannot be used, and which setting to look at."""

from __future__ import annotations

import os
import ssl
from typing import Final

import asyncpg

from configuration.files import distrust
from database.errors import DatabaseRefusesError, DatabaseUnavailableError, headline
from database.settings import PostgresSettings


def cannot_connect(settings: PostgresSettings, error: Exception) -> DatabaseUnavailableError:
    """Name what kept a connection from being made.

    Args:
        settings: what it was to be made with.
        error: what the driver raised.

    Returns:
        What is wrong, in one line that names the setting to look at; without any secret.
    """
    if told := _refusal(settings, error):
        return DatabaseRefusesError(f"PostgreSQL at {settings.place} {told}")
    return DatabaseUnavailableError(
        f"PostgreSQL is unavailable at {settings.place} ({_said(error)}); check POSTGRES_DSN"
    )


def _refusal(settings: PostgresSettings, error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return distrust(error, ca="POSTGRES_SSLROOTCERT", host="POSTGRES_DSN")
    if isinstance(error, ssl.SSLError):
        return f"and we do not agree on encryption ({error.reason}); check POSTGRES_SSLCERT"
    if isinstance(error, ConnectionError) and "rejected SSL" in str(error):
        return f"does not encrypt; check POSTGRES_SSLMODE, which is {settings.mode}"
    if isinstance(error, asyncpg.PostgresError):
        return _answer(settings, error)
    return ""


def _answer(settings: PostgresSettings, error: asyncpg.PostgresError) -> str:
    if isinstance(error, asyncpg.InvalidPasswordError):
        return f"refuses the login ({_said(error)}); check user and password in {_LOGIN}"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"does not let us in ({_said(error)}); check {_entrance(settings, error)}"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"has no such database ({_said(error)}); check POSTGRES_DSN"
    return ""


_LOGIN: Final = "POSTGRES_DSN or POSTGRES_PASSWORD_FILE"


def _entrance(settings: PostgresSettings, error: Exception) -> str:
    if "no encryption" in str(error):
        # With prefer, the driver asks again without encryption after any refusal.
        also = f", and user and password in {_LOGIN}" if settings.mode == "prefer" else ""
        return f"POSTGRES_SSLMODE, which is {settings.mode}{also}"
    if "certificate" in str(error):
        return "POSTGRES_SSLCERT"
    return "the user in POSTGRES_DSN, and the server's pg_hba.conf"


def _said(error: Exception) -> str:
    """For people: what the driver says of a socket is not, and its class says nothing to them."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
    return headline(error).partition(": ")[2]
