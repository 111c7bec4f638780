"""Sessions of browsers in PostgreSQL: opened, looked up, listed and ended."""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from contracts.access import MAX_SECRET, RoleGrant, Session
from contracts.errors import RetryableError
from control.access.oidc import Identity, derive_person_id
from control.access.rights import Caller, NotAuthenticatedError
from control.access.tokens import hash_token_secret
from control.domain import NotFoundError
from control.queries import load_control_queries
from database.pool import Database, Record

_QUERIES: Final = load_control_queries("sessions.sql")

MAX_LISTED: Final = 1_000
"""Most sessions that are listed."""


class UnknownSessionIdError(NotFoundError):
    """Raised when no session has the requested id."""


@dataclass(frozen=True, slots=True)
class SessionLifetimes:
    """Lifetimes of browsers' login sessions: in total, and without requests.

    Attributes:
        idle: without a request.
        lifetime: in all.
    """

    idle: timedelta = timedelta(hours=1)
    lifetime: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """New login session of a browser, with the secret for its cookie.

    Attributes:
        session_id: its id, which is no secret.
        secret: what the browser's cookie holds.
        expires_at: it is refused from then on.
    """

    session_id: UUID
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionCaller:
    """Login session that a request was made in, with its caller.

    Attributes:
        session_id: the session's id.
        caller: whose it is.
        expires_at: it is refused from then on.
    """

    session_id: UUID
    caller: Caller
    expires_at: datetime


class SessionStore:
    """Store of browsers' login sessions in PostgreSQL; only hashes of secrets are stored."""

    def __init__(self, database: Database, limits: SessionLifetimes) -> None:
        self._database = database
        self._limits = limits

    async def open_with_token(self, token_id: UUID, address: str) -> OpenedSession:
        """Open a session that has the name and roles of an access token, and ends with it."""
        return await self._open(address, token_id, None, None, None, None)

    async def open_for_person(self, person: Identity, address: str) -> OpenedSession:
        """Open a session of a person at the issuer, with the roles that they have now."""
        grants = json.dumps([grant.model_dump(mode="json") for grant in person.grants])
        return await self._open(address, None, person.issuer, person.subject, person.actor, grants)

    async def authenticate(self, secret: str) -> SessionCaller:
        """Return whose a session is.

        Raises:
            NotAuthenticatedError: it is unknown, or has ended, by itself or with its token.
        """
        row = None
        if len(secret) <= MAX_SECRET:
            row = await self._database.fetchrow(
                _QUERIES.select_session_caller, hash_token_secret(secret), self._limits.idle
            )
        if row is None:
            raise NotAuthenticatedError("the session has ended: log in again")
        if row["is_use_to_be_noted"]:
            with suppress(RetryableError):  # the next request notes it
                await self._database.execute(_QUERIES.note_session_use, row["session_id"])
        session_id: UUID = row["session_id"]
        person_id = row["token_id"] or derive_person_id(row["issuer"], row["subject"])
        caller = Caller(
            person_id,
            row["name"],
            _grants(row),
            session_id=session_id,
            is_person=row["token_id"] is None,
        )
        return SessionCaller(session_id, caller, row["expires_at"])

    async def list_sessions(
        self,
        *,
        ended_too: bool = False,
        limit: int = MAX_LISTED,
        after: tuple[datetime, UUID] | None = None,
    ) -> Sequence[Session]:
        """Return the sessions that may still be used, the latest first.

        Args:
            ended_too: return those that have ended, too, of the last month.
            limit: at most so many.
            after: position behind which they begin: when a session was opened, and its id.
        """
        rows = await self._database.fetch(
            _QUERIES.select_sessions,
            ended_too,
            self._limits.idle,
            limit,
            *(after or (None, None)),
        )
        return [Session(**{**row, "grants": _grants(row)}) for row in rows]

    async def end(self, session_id: UUID) -> None:
        """End a session: the next request with it is refused.

        Raises:
            UnknownSessionIdError: there is no such session.
        """
        if await self._database.fetchval(_QUERIES.end_session, session_id) is None:
            raise UnknownSessionIdError(f"no session has the id {session_id}")

    async def _open(self, address: str, *whose: UUID | str | None) -> OpenedSession:
        await self._database.execute(_QUERIES.delete_old_sessions)
        session_id, secret = uuid4(), secrets.token_urlsafe(32)
        expires_at = await self._database.fetchval(
            _QUERIES.insert_session,
            session_id,
            hash_token_secret(secret),
            *whose,
            address,
            self._limits.lifetime,
        )
        return OpenedSession(session_id, secret, expires_at)


def derive_csrf_token(secret: str) -> str:
    """Derive a session's CSRF token, which pages must send with changes, from its secret.

    It follows from the session's secret, which no page can read, and says nothing about it.
    """
    digest = hmac.digest(secret.encode(), b"onrecord csrf token", "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _grants(row: Record) -> tuple[RoleGrant, ...]:
    return tuple(RoleGrant.model_validate(one) for one in json.loads(row["grants"]))
