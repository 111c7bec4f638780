"""Secrets that all replicas of control share, in PostgreSQL; no other service reads them."""

from __future__ import annotations

import secrets
from typing import Final

from control.queries import load_control_queries
from database.pool import Database

_QUERIES: Final = load_control_queries("requests.sql")

SUBMITTER_SECRET: Final = "submitter"  # noqa: S105 - a name
"""Name of the secret by which control proves who submitted a record."""

_SECRET_BYTES: Final = 32


async def read_or_create_shared_secret(database: Database, name: str) -> bytes:
    """Return a secret shared by all replicas, by name; create it if there is none."""
    secret = await database.fetchval(_QUERIES.select_secret, name)
    if secret is None:
        await database.execute(_QUERIES.put_secret, name, secrets.token_bytes(_SECRET_BYTES))
        secret = await database.fetchval(_QUERIES.select_secret, name)
    return bytes(secret)
