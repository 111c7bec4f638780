"""Logins of the services, each a member of its group role, with passwords in files.

``python -m database roles FOLDER`` creates them: as a superuser, or as a login with CREATEROLE that
owns the database, as managed PostgreSQL has it. Whoever brings one login for all does without.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import asyncpg

from configuration.private_files import PRIVATE_FOLDER, read_or_create_private_file
from database.errors import MigrationError, format_error_headline
from database.migrate import open_migration_connection
from database.pool import Connection
from database.rights import (
    EVIDENCE_READER,
    GROUPS,
    OWNER,
    QUERIES,
    create_roles,
    list_existing_roles,
)
from database.settings import PostgresSettings

SCRAM_ITERATIONS: Final = 4096
"""PostgreSQL's default, by which its own passwords are hashed."""


@dataclass(frozen=True, slots=True)
class Login:
    """PostgreSQL login of a service or a person, with its group roles.

    Attributes:
        role: its name in PostgreSQL.
        groups: the group roles it is a member of.
        settings: what its sessions begin with; a session may change them.
    """

    role: str
    groups: tuple[str, ...]
    settings: dict[str, str] = field(
        default_factory=lambda: {
            "statement_timeout": "60s",
            "idle_in_transaction_session_timeout": "60s",
        }
    )


def _service(name: str, *more: str) -> Login:
    return Login(f"onrecord_{name}_login", (f"onrecord_{name}", *more))


LOGINS: Final = MappingProxyType(
    {
        "migrator": Login("onrecord_migrator", (OWNER,), {"role": OWNER, "statement_timeout": "0"}),
        **{
            name: _service(name) for name in ("ingestion", "persistence", "enrichment", "guardrail")
        },
        # Its API shows notes to whoever may read them.
        "control": _service("control", EVIDENCE_READER),
    }
)
"""All logins, by the name of the file that holds its password."""

FORMER_LOGINS: Final = ("onrecord_cli_login",)
"""Logins that earlier versions created and that nothing uses any more: commands ask control."""


def read_or_create_password(file: Path) -> str:
    """Read a password from a file; if there is none, generate one (192 bits, mode 0600).

    Raises:
        OSError: the file can neither be read nor made.
        ValueError: it is empty.
    """
    return read_or_create_private_file(file, generate_password)


def generate_password() -> str:
    """Return a new password: 192 random bits, as letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(24)


def read_or_create_passwords(folder: Path) -> dict[str, str]:
    """Read each login's password from a file in a folder; generate those that are missing.

    A login's file is ``NAME``, or ``NAME/password`` where ``NAME`` is a folder, such as a volume
    that is mounted for one service.
    """
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    files = {name: folder / name for name in LOGINS}
    return {
        name: read_or_create_password(file / "password" if file.is_dir() else file)
        for name, file in files.items()
    }


def hash_password(password: str, salt: bytes) -> str:
    """Hash an ASCII password as a SCRAM-SHA-256 verifier, the form that PostgreSQL stores.

    It takes the place of the password in ``CREATE ROLE``, which servers may log.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, SCRAM_ITERATIONS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(each).decode() for each in (salt, client, server)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


async def create_logins(
    settings: PostgresSettings, passwords: Mapping[str, str], *, notice: Callable[[str], None]
) -> list[str]:
    """Create PostgreSQL login roles, set the database's owner and revoke PUBLIC's rights.

    Safe to call again: passwords are kept, and set anew in the server. Logins that nothing uses any
    more are dropped, or locked if they own something.

    Args:
        settings: the database, as a login that may create roles.
        passwords: of each login, as ``read_or_create_passwords`` returns them.
        notice: is given a line for what this login may not do.

    Raises:
        DatabaseUnavailableError: PostgreSQL cannot be reached.
        MigrationError: this login may not create roles, or does not own the database.
    """
    async with open_migration_connection(settings, notice) as connection:
        try:
            async with connection.transaction():
                await create_roles(connection, (OWNER, *GROUPS), notice)
                await _join_owner(connection)
                for name, login in LOGINS.items():
                    await _create_login(connection, login, passwords[name])
                for role in await list_existing_roles(connection, FORMER_LOGINS):
                    await _drop_login(connection, role, notice)
                await connection.execute(QUERIES.create_extensions)
                for transfer in await connection.fetch(QUERIES.select_transfers):
                    await connection.execute(transfer[0])
                await connection.execute(QUERIES.close_schema)
                await connection.execute(QUERIES.close_large_objects)
        except asyncpg.PostgresError as error:
            raise MigrationError(
                f"nothing is changed: {format_error_headline(error)}; it takes a superuser, or a "
                "login with CREATEROLE that owns the database"
            ) from error
    return [login.role for login in LOGINS.values()]


async def _join_owner(connection: Connection) -> None:
    """Let this login give things to the owner; a superuser may without being a member."""
    if not await connection.fetchval(f"SELECT pg_has_role(current_user, '{OWNER}', 'SET')"):
        await connection.execute(f"GRANT {OWNER} TO CURRENT_USER")


async def _create_login(connection: Connection, login: Login, password: str) -> None:
    verifier = hash_password(password, secrets.token_bytes(16))
    there = await connection.fetch(QUERIES.select_roles, [login.role])
    verb = "ALTER" if there else "CREATE"
    await connection.execute(f"{verb} ROLE {login.role} LOGIN PASSWORD '{verifier}'")
    await connection.execute(f"GRANT {', '.join(login.groups)} TO {login.role}")
    for name, value in login.settings.items():
        await connection.execute(f"ALTER ROLE {login.role} SET {name} = '{value}'")


async def _drop_login(connection: Connection, role: str, notice: Callable[[str], None]) -> None:
    """Drop a login; lock it if something is its own, in whichever database of the server."""
    try:
        async with connection.transaction():
            await connection.execute(f"DROP ROLE {role}")
    except asyncpg.DependentObjectsStillExistError:
        await connection.execute(f"ALTER ROLE {role} NOLOGIN PASSWORD NULL")
        for group in await connection.fetch(QUERIES.select_groups_of_role, role):
            await connection.execute(f"REVOKE {group[0]} FROM {role}")
        notice(
            f"{role}, which nothing uses any more, owns something or has rights of its own: it may "
            f"not log in any more; DROP OWNED BY {role} in that database, then DROP ROLE {role}"
        )
    except asyncpg.InsufficientPrivilegeError:
        notice(
            f"{role}, which nothing uses any more, is not this login's to drop: DROP ROLE {role}"
        )
