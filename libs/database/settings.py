"""How to reach PostgreSQL, from the environment."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class PostgresSettings(BaseSettings):
    """Connection and limits, from ``POSTGRES_*``; the DSN is never shown, since it has a password.

    ``POSTGRES_DSN`` is a URI as libpq takes it: ``postgresql://user:password@host:5432/database``,
    or with ``?host=/folder/of/the/socket``.
    """

    model_config = SettingsConfigDict(
        env_prefix="POSTGRES_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    dsn: SecretStr = Field(description="URI of the database.")
    pool_min_size: int = Field(1, ge=0, description="Connections kept open.")
    pool_max_size: PositiveInt = Field(10, description="Most connections open at once.")
    connect_timeout_s: PositiveFloat = Field(5.0, description="Wait for a connection, in seconds.")
    statement_timeout_s: PositiveFloat = Field(30.0, description="Longest statement, in seconds.")
    lock_timeout_s: PositiveFloat = Field(10.0, description="Longest wait for a lock, in seconds.")

    @field_validator("dsn")
    @classmethod
    def _is_a_postgres_uri(cls, dsn: SecretStr) -> SecretStr:
        if urlsplit(dsn.get_secret_value()).scheme not in {"postgresql", "postgres"}:
            raise ValueError("must begin with postgresql://")
        return dsn

    @model_validator(mode="after")
    def _pool_sizes_fit(self) -> Self:
        if self.pool_min_size > self.pool_max_size:
            raise ValueError("POSTGRES_POOL_MIN_SIZE is above POSTGRES_POOL_MAX_SIZE")
        return self
