"""Access tokens in PostgreSQL: made, looked up, listed and revoked."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import structlog

from configuration.private_files import read_or_create_private_file
from contracts.access import (
    MAX_SECRET,
    AccessToken,
    CreatedToken,
    CreateTokenRequest,
    Role,
    RoleGrant,
)
from contracts.errors import OnrecordError, RetryableError
from control.access.rights import Caller, NotAuthenticatedError
from control.domain import NotFoundError
from control.idempotency import RequestClaim, store_answer
from control.queries import load_control_queries
from database.pool import Database, Record

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("access.sql")

PREFIX: Final = "onrecord_"
"""Begins every secret, so that scanners of source code and logs know one."""

_SECRET_BYTES: Final = 32

_SECRET: Final = re.compile(rf"[A-Za-z0-9._~+/=-]{{32,{MAX_SECRET}}}")
"""What can be sent as a bearer token (RFC 6750, section 2.1)."""

_ADMIN_GRANT: Final = RoleGrant(role=Role.ADMIN)

ADMIN: Final = "admin"
"""Name of the installation's own token."""

CONTROL: Final = "control"
"""Who made the installation's own token."""

MAX_LISTED: Final = 1_000
"""Most tokens of a page."""


class UnusableTokenError(OnrecordError):
    """Raised when a secret cannot be used for the installation's admin token."""


class UnknownTokenIdError(NotFoundError):
    """Raised when no access token has the requested id."""


class TokenStore:
    """Store of access tokens in PostgreSQL; only hashes of secrets are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        wanted: CreateTokenRequest,
        created_by: str,
        secret: str | None = None,
        claim: RequestClaim | None = None,
    ) -> CreatedToken:
        """Make a token, and return it with its secret, which nobody can look up later.

        With a claim, the token and the answer to its request are stored in one transaction: what
        is lost after it, the same request finds the answer, and makes no second token.

        Args:
            wanted: its name, roles and life.
            created_by: name of the token that makes it.
            secret: from ``format_token_secret``; a random one if None.
            claim: on the Idempotency-Key of the request, if it has one.

        Raises:
            RequestInProgressError: the claim has lapsed, and another has the key; no token is made.
        """
        secret = secret or generate_token_secret()
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                _QUERIES.insert_token,
                uuid4(),
                wanted.name,
                hash_token_secret(secret),
                _grants_to_json(wanted.grants),
                created_by,
                wanted.lifetime,
            )
            assert row is not None, "INSERT … RETURNING returns the row"
            token = _token(row)
            if claim is not None:
                body = token.model_dump_json().encode()
                await store_answer(connection, claim, 201, "application/json", body)
        return CreatedToken(token=token, secret=secret)

    async def authenticate(self, secret: str) -> Caller:
        """Return whose a secret is.

        Raises:
            NotAuthenticatedError: it is unknown, expired or revoked.
        """
        row = None
        if len(secret) <= MAX_SECRET:
            row = await self._database.fetchrow(_QUERIES.select_caller, hash_token_secret(secret))
        if row is None:
            raise NotAuthenticatedError("the token is unknown, expired or revoked")
        if row["is_use_to_be_noted"]:
            with suppress(RetryableError):  # the next request notes it
                await self._database.execute(_QUERIES.note_use, row["token_id"])
        return Caller(row["token_id"], row["name"], _grants(row))

    async def list_tokens(
        self, *, limit: int = MAX_LISTED, after: tuple[datetime, UUID] | None = None
    ) -> Sequence[AccessToken]:
        """Return tokens, revoked and expired ones too, the latest first.

        Args:
            limit: at most so many.
            after: position behind which they begin: when a token was made, and its id.
        """
        rows = await self._database.fetch(_QUERIES.select_tokens, limit, *(after or (None, None)))
        return [_token(row) for row in rows]

    async def revoke(self, token_id: UUID) -> AccessToken:
        """Revoke a token: the next request with it is refused.

        Raises:
            UnknownTokenIdError: there is no such token.
        """
        row = await self._database.fetchrow(_QUERIES.revoke_token, token_id)
        if row is None:
            raise UnknownTokenIdError(f"no token has the id {token_id}")
        return _token(row)

    async def put_admin_token(self, secret: str) -> None:
        """Make a secret that of the installation's own admin token; the one before is revoked.

        Safe to call again with the same secret.

        Raises:
            UnusableTokenError: it is a token's that was revoked, or that is no admin's; nothing is
                changed. A token that was revoked does not come back because a file still has it.
        """
        digest = hash_token_secret(secret)
        async with self._database.transaction() as connection:
            await connection.execute(_QUERIES.lock_admin_token)
            known = await connection.fetchrow(_QUERIES.select_token_by_secret, digest)
            if known is not None:
                if known["is_over"]:
                    raise UnusableTokenError("the token was revoked: put another one in its place")
                if _ADMIN_GRANT not in _grants(known):
                    raise UnusableTokenError("the token is no admin's: put another one there")
                return
            await connection.execute(_QUERIES.revoke_tokens_of, ADMIN, CONTROL)
            await connection.fetchrow(
                _QUERIES.insert_token,
                uuid4(),
                ADMIN,
                digest,
                _grants_to_json((_ADMIN_GRANT,)),
                CONTROL,
                None,
            )


def generate_token_secret() -> str:
    """Generate a random secret of 256 bits for an access token."""
    return format_token_secret(secrets.token_bytes(_SECRET_BYTES))


def format_token_secret(random: bytes) -> str:
    """Format 32 random bytes as the secret of an access token."""
    return PREFIX + urlsafe_b64encode(random).rstrip(b"=").decode()


def hash_token_secret(secret: str) -> bytes:
    """Return the SHA-256 of an access token's secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def read_or_create_token_secret(file: Path) -> str:
    """Read an access token's secret from a file; create a private file if there is none.

    Raises:
        OSError: the file can neither be read nor made.
        ValueError: it holds nothing that can be sent as a token.
    """
    secret = read_or_create_private_file(file, generate_token_secret)
    if _SECRET.fullmatch(secret) is None:
        raise ValueError(
            f"{file} holds no token: 32 to {MAX_SECRET} letters, digits, - or _; delete it, "
            "and a new one is made"
        )
    return secret


async def store_admin_token_from_file(tokens: TokenStore, file: Path) -> None:
    """Store a file's secret as the admin's access token; log an unusable file and go on.

    Letters and outcomes do not wait for it: they need no token.
    """
    try:
        await tokens.put_admin_token(read_or_create_token_secret(file))
    except (OSError, ValueError, UnusableTokenError) as error:
        log.warning("admin_token_unusable", file=str(file), reason=str(error))


def _grants_to_json(grants: Sequence[RoleGrant]) -> str:
    return json.dumps([grant.model_dump(mode="json") for grant in grants])


def _grants(row: Record) -> tuple[RoleGrant, ...]:
    return tuple(RoleGrant.model_validate(one) for one in json.loads(row["grants"]))


def _token(row: Record) -> AccessToken:
    return AccessToken(**{**row, "grants": _grants(row)})
