"""``Idempotency-Key``: requests that change something are carried out once, however often sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asgi_server.problems import MEDIA_TYPE, build_problem_details
from contracts.errors import OnrecordError
from control.access.rights import Caller
from control.api.context import ApiContext
from control.domain import BadRequestError
from control.idempotency import (
    LOCK,
    MAX_ANSWER_BYTES,
    IdempotentRequestStore,
    RequestClaim,
    StoredAnswer,
)

log = structlog.get_logger(__name__)

HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
"""Header of an answer that is that of an earlier request."""

CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_KEY: Final = re.compile(r'"[\x20\x21\x23-\x5b\x5d-\x7e]{1,255}"|[\x21\x23-\x5b\x5d-\x7e]{1,255}')
"""A string as RFC 8941 has it, without escapes; or the same without quotes, as many send it."""

_TOO_LARGE: Final = (
    "the request with this Idempotency-Key was carried out; its answer was too large to be kept"
)

_SCOPE: Final = "onrecord.idempotency"
_SUCCESS: Final = range(200, 300)
_CONFLICT: Final = 409

_KEPT_HEADERS: Final = {b"etag": "ETag", b"location": "Location"}
"""Headers without which a client that is answered again could not go on."""

_RENEW_S: Final = LOCK.total_seconds() / 4
"""Pause between two renewals of the claim of a request that takes long, in seconds."""


class AlreadyAnsweredError(OnrecordError):
    """Raised when a request's Idempotency-Key was answered before; holds the stored answer."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__("this request was carried out before")
        self.answer = answer


class IdempotentExchange:
    """HTTP request with an Idempotency-Key, and the answer that is stored for it.

    Attributes:
        key: the key, without quotes.
        claim: the claim, once the caller is known and may do what it asks for.
        stored_body: what is stored of the answer in place of its body, if that has a secret.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.claim: RequestClaim | None = None
        self.requests: IdempotentRequestStore | None = None
        self.stored_body: bytes | None = None

    async def finish(
        self, status: int, media_type: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Store the answer of a request that was carried out; let others be sent again."""
        claim, requests = self.claim, self.requests
        if claim is None or requests is None:
            return
        body = body if self.stored_body is None else self.stored_body
        try:
            if status not in _SUCCESS:
                await requests.release(claim)
            elif len(body) <= MAX_ANSWER_BYTES:
                await requests.store(claim, status, media_type, body, headers)
            else:  # with its key released, the request would be carried out again
                problem = json.dumps(build_problem_details(_CONFLICT, _TOO_LARGE)).encode()
                await requests.store(claim, _CONFLICT, MEDIA_TYPE, problem)
        except OnrecordError as error:  # what was done is done: its answer is sent all the same
            log.warning("answer_not_stored", reason=str(error))

    async def renew(self) -> None:
        """Keep the claim for as long as its request takes, until cancelled."""
        while True:
            await asyncio.sleep(_RENEW_S)
            if self.claim is not None and self.requests is not None:
                with suppress(OnrecordError):  # the claim has time left for another try
                    await self.requests.renew(self.claim)


class IdempotencyMiddleware:
    """ASGI middleware that stores the responses to requests with an Idempotency-Key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; one with a key is answered once its answer is stored."""
        key = _find_key(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        exchange = scope[_SCOPE] = IdempotentExchange(key)
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        renewing = asyncio.create_task(exchange.renew())
        try:
            await self._app(scope, receive, keep)
        except Exception:
            await exchange.finish(500, "", {}, b"")
            raise
        finally:
            renewing.cancel()
        await exchange.finish(*_read_answer(messages))
        for message in messages:
            await send(message)


def get_idempotent_exchange(request: Request) -> IdempotentExchange | None:
    """Return the idempotent exchange of a request; None if it has no Idempotency-Key."""
    exchange: IdempotentExchange | None = request.scope.get(_SCOPE)
    return exchange


async def compute_request_fingerprint(request: Request, content: bytes | bytearray) -> bytes:
    """Compute the SHA-256 of a request's method, path, query, body and ``If-Match``.

    Outside the event loop: 64 MiB take a third of a second.
    """
    return await asyncio.to_thread(_compute_fingerprint, request.scope, content)


async def claim_idempotency_key(
    request: Request, context: ApiContext, caller: Caller, fingerprint: bytes
) -> IdempotentExchange | None:
    """Claim a request's Idempotency-Key for its caller; raise if it was answered before.

    Args:
        request: the request.
        context: what requests use.
        caller: whose key it is.
        fingerprint: from ``compute_request_fingerprint``.

    Returns:
        The exchange; None if the request has no key.

    Raises:
        AlreadyAnsweredError: the same request was carried out before.
        KeyReusedError: another request had the key.
        RequestInProgressError: the same request is being carried out.
        BadRequestError: the key is none.
    """
    exchange = get_idempotent_exchange(request)
    if exchange is None:
        return None
    if _KEY.fullmatch(exchange.key) is None:
        raise BadRequestError(f"{HEADER}: has to be 1 to 255 printable ASCII characters")
    exchange.key = exchange.key.strip('"')
    exchange.requests = context.requests
    found = await exchange.requests.claim(caller.token_id, exchange.key, fingerprint)
    if isinstance(found, StoredAnswer):
        raise AlreadyAnsweredError(found)
    exchange.claim = found
    return exchange


def _compute_fingerprint(scope: Scope, content: bytes | bytearray) -> bytes:
    fingerprint = hashlib.sha256()
    for part in (scope["method"].encode(), scope["path"].encode(), scope["query_string"], content):
        fingerprint.update(hashlib.sha256(part).digest())
    # Another state that a change is based on makes it another change.
    for name, value in scope["headers"]:
        if name == b"if-match":
            fingerprint.update(b"If-Match" + hashlib.sha256(value).digest())
    return fingerprint.digest()


def _find_key(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] not in CHANGING:
        return None
    wanted = HEADER.lower().encode()
    found = [value for name, value in scope["headers"] if name == wanted]
    # Two are neither: refused as no key.
    return b",,\0".join(found).decode("latin-1") if found else None


def _read_answer(messages: list[Message]) -> tuple[int, str, dict[str, str], bytes]:
    start: dict[str, Any] = dict(messages[0]) if messages else {"status": 500, "headers": ()}
    headers = {name.lower(): value for name, value in start.get("headers", ())}
    media_type = headers.get(b"content-type", b"").decode("latin-1")
    kept = {
        name: headers[key].decode("latin-1")
        for key, name in _KEPT_HEADERS.items()
        if key in headers
    }
    body = b"".join(one.get("body", b"") for one in messages[1:])
    return start["status"], media_type, kept, body
