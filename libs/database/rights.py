"""Rights of the group roles, one role a service, on the tables of onrecord.

``rights.sql`` names them. They are granted at the end of every ``migrate`` and not by a numbered
file: roles belong to the whole server, so one may be missing when a file is applied, and be there
later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import asyncpg

from database.pool import Connection
from database.queries import load_queries

OWNER: Final = "onrecord_owner"
READER: Final = "onrecord_reader"
EVIDENCE_READER: Final = "onrecord_evidence_reader"
BI_READER: Final = "onrecord_bi_reader"
BI_OPERATOR: Final = "onrecord_bi_operator"

RIGHTS: Final = load_queries(Path(__file__).parent / "rights.sql")
"""The statements that grant each role its rights, by the role's name."""

QUERIES: Final = load_queries(Path(__file__).parent / "roles.sql")
GROUPS: Final = (
    "onrecord_ingestion",
    "onrecord_persistence",
    "onrecord_control",
    "onrecord_enrichment",
    "onrecord_guardrail",
    "onrecord_operator",
    READER,
    EVIDENCE_READER,
    BI_READER,
    BI_OPERATOR,
)
"""Group roles without a login; their members have their rights."""

_SCHEMA_VERSION: Final = "GRANT SELECT ON schema_migrations TO {role}"
"""A service starts only if the database has the migrations that it knows."""


async def apply_rights(connection: Connection) -> None:
    """Grant each PostgreSQL group role exactly its declared rights, in one transaction.

    Args:
        connection: of the login that owns the tables, or of a superuser.

    Raises:
        asyncpg.PostgresError: the tables belong to another login.
    """
    there = await list_existing_roles(connection, GROUPS)
    async with connection.transaction():
        await connection.execute(QUERIES.close_schema)
        for revocation in await connection.fetch(QUERIES.select_revocations, there):
            await connection.execute(revocation[0])
        for role in there:
            await connection.execute(getattr(RIGHTS, role))
            if role not in {BI_READER, BI_OPERATOR}:
                await connection.execute(_SCHEMA_VERSION.format(role=role))
        await connection.execute(RIGHTS.everybody)
        limited = {READER, EVIDENCE_READER, BI_READER, BI_OPERATOR}
        unlimited = [role for role in there if role not in limited]
        for policy in await connection.fetch(QUERIES.select_missing_policies, unlimited):
            await connection.execute(policy[0])


async def create_roles(
    connection: Connection, names: Sequence[str], notice: Callable[[str], None]
) -> None:
    """Create those PostgreSQL roles that do not exist, without login.

    Args:
        connection: of any login.
        names: of the roles.
        notice: is given a line for roles that are missing and that this login may not create.
    """
    there = await list_existing_roles(connection, names)
    refused: list[str] = []
    for name in names:
        if name in there:
            continue
        try:
            async with connection.transaction():
                await connection.execute(f"CREATE ROLE {name} NOLOGIN")
                if name == EVIDENCE_READER:
                    await connection.execute(f"GRANT {READER} TO {name}")
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            pass  # another database of this server was just migrated
        except asyncpg.InsufficientPrivilegeError:
            refused.append(name)
    if refused:
        notice(
            f"this login may not create roles: {', '.join(refused)} can be created by one that may "
            "(docs/security.md)"
        )


async def list_existing_roles(connection: Connection, names: Sequence[str]) -> list[str]:
    """Return which of the named PostgreSQL roles exist, in the order given."""
    found = {row[0] for row in await connection.fetch(QUERIES.select_roles, list(names))}
    return [name for name in names if name in found]
