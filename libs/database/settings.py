"""PostgreSQL connection settings, read from the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from configuration.files import TlsFiles, read_secret
from database import address

SslMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]

_CHECKS_THE_SERVER: Final = frozenset({"verify-ca", "verify-full"})
_ENCRYPTS: Final = frozenset({"require", *_CHECKS_THE_SERVER})
_TLS: Final = ("sslrootcert", "sslcert", "sslkey", "ssl_key_password")


class PostgresSettings(BaseSettings):
    """Settings of PostgreSQL connections and limits, from ``POSTGRES_*``.

    ``POSTGRES_DSN`` is a URI as libpq takes it: ``postgresql://user:password@host:5432/database``,
    or with ``?host=/folder/of/the/socket``.
    """

    model_config = SettingsConfigDict(
        env_prefix="POSTGRES_",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    dsn: SecretStr = Field(description="URI of the database.")
    password: SecretStr = Field(
        SecretStr(""), description="The password, where the URI does not hold one."
    )
    password_file: Path | None = Field(
        None,
        description="A file that holds the password, in its place; such as a mounted secret.",
    )
    sslmode: SslMode | None = Field(
        None,
        description="Whether connections are encrypted, and how the server is checked, as libpq "
        "has it; what the URI says, or prefer, if not set. Only verify-full is safe.",
    )
    sslrootcert: Path | None = Field(
        None, description="Certificates of the trusted authorities, PEM; the system's if not set."
    )
    sslcert: Path | None = Field(
        None, description="Our certificate, PEM, for servers that ask for one."
    )
    sslkey: Path | None = Field(
        None, description="Its private key, PEM, unless it stands in the same file."
    )
    ssl_key_password: SecretStr = Field(SecretStr(""), description="Decrypts the private key.")
    pool_min_size: int = Field(1, ge=0, description="Connections kept open.")
    pool_max_size: PositiveInt = Field(10, description="Most connections open at once.")
    connect_timeout_s: PositiveFloat = Field(5.0, description="Wait for a connection, in seconds.")
    statement_timeout_s: PositiveFloat = Field(30.0, description="Longest statement, in seconds.")
    lock_timeout_s: PositiveFloat = Field(10.0, description="Longest wait for a lock, in seconds.")

    @property
    def place(self) -> str:
        """Host, port and database, for messages."""
        return self._uri.place

    @property
    def _uri(self) -> address.DatabaseAddress:
        return address.parse_dsn(self.dsn.get_secret_value())

    @property
    def mode(self) -> str:
        """The TLS mode: the setting, or what the URI says, or ``prefer``."""
        return self.sslmode or self._uri.sslmode or "prefer"

    @field_validator("dsn")
    @classmethod
    def _is_a_postgres_uri(cls, dsn: SecretStr) -> SecretStr:
        address.parse_dsn(dsn.get_secret_value())
        return dsn

    @model_validator(mode="after")
    def _pool_sizes_fit(self) -> Self:
        if self.pool_min_size > self.pool_max_size:
            raise ValueError("POSTGRES_POOL_MIN_SIZE is above POSTGRES_POOL_MAX_SIZE")
        return self

    @model_validator(mode="after")
    def _can_connect(self) -> Self:
        for name in _TLS:
            if getattr(self, name) and self.mode not in _used_by(name):
                raise ValueError(
                    f"POSTGRES_{name.upper()} is set, but POSTGRES_SSLMODE={self.mode} does not "
                    "use it: set POSTGRES_SSLMODE=verify-full"
                )
        if self.sslcert is None and (self.sslkey or self.ssl_key_password):
            raise ValueError("POSTGRES_SSLCERT is not set, but its private key is: set both")
        if self.password_file and (self.password or self._uri.has_password):
            raise ValueError(
                "POSTGRES_PASSWORD_FILE is set, and another password is too, in POSTGRES_PASSWORD "
                "or in the URI: keep one"
            )
        self.connect_options()
        if callable(password := self._password()):
            password()  # reads the file
        return self

    def connect_options(self) -> dict[str, Any]:
        """Return the keyword arguments for asyncpg's connect, the password among them.

        Raises:
            UnusableFileError: a file with a certificate or a password cannot be used.
        """
        options: dict[str, Any] = {
            "dsn": self.dsn.get_secret_value(),
            "timeout": self.connect_timeout_s,
        }
        if password := self._password():
            options["password"] = password
        if self.mode in _ENCRYPTS:
            options["ssl"] = self._tls_files().context(
                verify=self.mode in _CHECKS_THE_SERVER, check_hostname=self.mode == "verify-full"
            )
        elif self.sslmode is not None:
            options["ssl"] = self.sslmode
        return options

    def _password(self) -> str | Callable[[], str] | None:
        """Return the password if the URI has none; one from a file is read for each connection."""
        if self._uri.has_password:
            return None
        if file := self.password_file:
            return lambda: read_secret(file, variable="POSTGRES_PASSWORD_FILE").get_secret_value()
        return self.password.get_secret_value() or None

    def _tls_files(self) -> TlsFiles:
        return TlsFiles(
            names=("POSTGRES_SSLROOTCERT", "POSTGRES_SSLCERT", "POSTGRES_SSLKEY"),
            ca=self.sslrootcert,
            certificate=self.sslcert,
            key=self.sslkey,
            key_password=self.ssl_key_password,
        )


def _used_by(name: str) -> frozenset[str]:
    """Return the TLS modes in which a setting has an effect."""
    return _CHECKS_THE_SERVER if name == "sslrootcert" else _ENCRYPTS
