"""Requests by their Idempotency-Key in PostgreSQL: carried out once, and answered the same again.

As ``draft-ietf-httpapi-idempotency-key-header`` has it. A key belongs to one access token::

    claim ─▶ carried out ─▶ answer stored          the same request again gets this answer
      │           └─▶ failed: the claim is gone     it may be sent again with the same key
      └─▶ crash: the claim lapses after LOCK        the same

Who carries a request out for longer renews its claim meanwhile.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from contracts.errors import OnrecordError
from control.queries import load_control_queries
from database.pool import Connection, Database

_QUERIES: Final = load_control_queries("requests.sql")

KEPT: Final = timedelta(hours=24)
"""How long answers are kept."""

LOCK: Final = timedelta(minutes=10)
"""How long a request that never ended, as its replica crashed, keeps its key."""

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""Most bytes of an answer that is kept: that of a replay of 10,000 letters has half a MiB."""

_SALT_BYTES: Final = 32

_WITH_HEADERS: Final = "message/http"
"""Media type that is stored for a body behind the headers that are kept with it (RFC 9112)."""

_HEAD_ENDS: Final = b"\r\n\r\n"


class KeyReusedError(OnrecordError):
    """Raised when an Idempotency-Key was used before for a different request (HTTP 422)."""


class RequestInProgressError(OnrecordError):
    """Raised when the first request with an Idempotency-Key is still running (HTTP 409)."""


@dataclass(frozen=True, slots=True)
class RequestClaim:
    """Claim of one running request on its Idempotency-Key.

    Attributes:
        claim_id: tells it apart from a later claim on the same key.
        salt: random bytes of the key's row.
    """

    claim_id: UUID
    salt: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """Stored response to an earlier request with the same Idempotency-Key.

    Attributes:
        status: its HTTP status.
        media_type: its content type; empty if it has no body.
        body: its bytes, without secrets.
        salt: random bytes of the key's row.
        headers: those that are kept of it, such as ``ETag``.
    """

    status: int
    media_type: str
    body: bytes
    salt: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class IdempotentRequestStore:
    """Store of requests with an Idempotency-Key of the last 24 hours, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, token_id: UUID, key: str, fingerprint: bytes
    ) -> RequestClaim | StoredAnswer:
        """Claim a key for a request; or return the answer that the same request had before.

        Args:
            token_id: whose key it is.
            key: the Idempotency-Key.
            fingerprint: SHA-256 of all that the request is made of.

        Raises:
            KeyReusedError: the key belongs to another request.
            RequestInProgressError: the request is being carried out.
        """
        digest = hashlib.sha256(key.encode()).digest()
        salt = secrets.token_bytes(_SALT_BYTES)
        claimed = await self._database.fetchrow(
            _QUERIES.claim_request, token_id, digest, fingerprint, uuid4(), salt, LOCK
        )
        if claimed is not None:
            return RequestClaim(claimed["claim_id"], claimed["salt"])
        known = await self._database.fetchrow(_QUERIES.select_request, token_id, digest)
        if known is not None and known["fingerprint"] != fingerprint:
            raise KeyReusedError("this Idempotency-Key was sent with another request before")
        if known is None or known["status"] is None:  # None: it has just failed
            raise RequestInProgressError("the request with this Idempotency-Key is not done yet")
        media_type, headers, body = _unpack(known["media_type"] or "", known["body"] or b"")
        return StoredAnswer(known["status"], media_type, body, known["salt"], headers)

    async def store(
        self,
        claim: RequestClaim,
        status: int,
        media_type: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Store the answer of a claimed request, with the headers that are kept of it."""
        media_type, body = _pack(media_type, headers or {}, body)
        await self._database.execute(
            _QUERIES.store_answer, claim.claim_id, status, media_type, body
        )

    async def renew(self, claim: RequestClaim) -> None:
        """Keep a key whose request is still being carried out."""
        await self._database.execute(_QUERIES.renew_claim, claim.claim_id, LOCK)

    async def release(self, claim: RequestClaim) -> None:
        """Give a key up whose request failed."""
        await self._database.execute(_QUERIES.release_request, claim.claim_id)

    async def delete_old(self) -> None:
        """Delete what is kept no longer."""
        await self._database.execute(_QUERIES.delete_old_requests, KEPT)


async def store_answer(
    connection: Connection, claim: RequestClaim, status: int, media_type: str, body: bytes
) -> None:
    """Store the response to a request with an Idempotency-Key, in the caller's transaction.

    Raises:
        RequestInProgressError: the claim has lapsed, and another has the key.
    """
    done = await connection.execute(_QUERIES.store_answer, claim.claim_id, status, media_type, body)
    if done != "UPDATE 1":
        raise RequestInProgressError("the request with this Idempotency-Key was begun again")


def _pack(media_type: str, headers: Mapping[str, str], body: bytes) -> tuple[str, bytes]:
    if not headers:
        return media_type, body
    lines = [f"{name}: {value}" for name, value in {"Content-Type": media_type, **headers}.items()]
    return _WITH_HEADERS, "\r\n".join(lines).encode("latin-1") + _HEAD_ENDS + body


def _unpack(media_type: str, body: bytes) -> tuple[str, dict[str, str], bytes]:
    if media_type != _WITH_HEADERS:
        return media_type, {}, body
    head, _, body = body.partition(_HEAD_ENDS)
    lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")]
    headers = {name: value for name, _, value in lines}
    return headers.pop("Content-Type"), headers, body


def derive_new_token_secret(callers_secret: str, key: str, salt: bytes) -> bytes:
    """Derive a new token's secret from the caller's secret, so that it need not be stored.

    The same request, sent again by the same caller, derives the same. Who reads the database has
    the salt and neither the caller's secret nor the key; once the row is deleted nobody has the
    salt.

    Args:
        callers_secret: the caller's own access token, of 256 random bits.
        key: the Idempotency-Key.
        salt: random bytes of the key's row.
    """
    return hmac.digest(
        callers_secret.encode(), b"onrecord token v1" + salt + key.encode(), "sha256"
    )
