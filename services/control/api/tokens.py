"""Endpoints of access tokens: make, list and revoke them, and who one is."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from contracts.access import (
    AccessToken,
    AccessTokenPage,
    CreatedToken,
    CreateTokenRequest,
    WhoAmI,
)
from contracts.control_api import Moment
from contracts.pages import PageRequest
from control.access.tokens import format_token_secret
from control.api.authorization import Admin, AnyCaller, TokenCreator
from control.api.context import Context
from control.api.idempotency import (
    REPLAYED_HEADER,
    AlreadyAnsweredError,
    claim_idempotency_key,
    compute_request_fingerprint,
    get_idempotent_exchange,
)
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, split_page
from control.domain import BadRequestError
from control.idempotency import derive_new_token_secret

TokenId = Annotated[UUID, Path(description="The token's id.")]

router: Final = APIRouter(tags=["access"])

_CURSORS: Final = ListCursors("tokens", TypeAdapter(tuple[Moment, UUID]))


@router.get("/me")
async def who_am_i(caller: AnyCaller) -> WhoAmI:
    """Return the name and roles of the caller's access token."""
    return WhoAmI(token_id=caller.token_id, name=caller.name, grants=caller.grants)


@router.post("/tokens", status_code=201, responses=build_error_responses(409, 422))
async def create_token(
    wanted: JsonBody[CreateTokenRequest],
    request: Request,
    response: Response,
    context: Context,
    caller: TokenCreator,
) -> CreatedToken:
    """Create an access token; only this response contains its secret.

    With an `Idempotency-Key`, the secret is derived from the key and the caller's own token, so
    that the same request can be answered again although the secret is kept nowhere. In a session,
    or with an access token of the OpenID Connect issuer, which is renewed, there is no key.
    """
    is_key_of_use = caller.session_id is None and not caller.is_person
    if get_idempotent_exchange(request) is not None and not is_key_of_use:
        raise BadRequestError(
            "Idempotency-Key: takes a token of control's own here, no session and no token of the "
            "identity provider"
        )
    own = _secret_of(request)
    try:
        fingerprint = await compute_request_fingerprint(request, await request.body())
        exchange = await claim_idempotency_key(request, context, caller, fingerprint)
    except AlreadyAnsweredError as error:
        response.headers[REPLAYED_HEADER] = "true"
        return _create_again(request, error, own)
    secret, claim = None, exchange.claim if exchange is not None else None
    if exchange is not None and claim is not None:
        secret = format_token_secret(derive_new_token_secret(own, exchange.key, claim.salt))
    roles = ", ".join(f"{one.role} in {one.study_id or 'all studies'}" for one in wanted.grants)
    await context.trail.record(caller, "token.create", f"{wanted.name}: {roles}")
    made = await context.tokens.create(wanted, caller.name, secret, claim)
    if exchange is not None:
        exchange.stored_body = made.token.model_dump_json().encode()
    return made


def _secret_of(request: Request) -> str:
    """Return the bearer token; empty if there is none."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _create_again(request: Request, error: AlreadyAnsweredError, own: str) -> CreatedToken:
    exchange = get_idempotent_exchange(request)
    assert exchange is not None, "it had a key"
    secret = format_token_secret(derive_new_token_secret(own, exchange.key, error.answer.salt))
    token = AccessToken.model_validate_json(error.answer.body)
    return CreatedToken(token=token, secret=secret)


@router.get("/tokens")
async def list_tokens(
    which: Annotated[PageRequest, Query()], context: Context, caller: Admin
) -> AccessTokenPage:
    """List access tokens, including revoked and expired ones, the latest first."""
    del caller
    found = await context.tokens.list_tokens(limit=which.limit + 1, after=_CURSORS.decode(which))
    page, last = split_page(found, which.limit, lambda one: (one.created_at, one.token_id))
    return AccessTokenPage(tokens=page, next=_CURSORS.encode(last, which))


@router.delete("/tokens/{token_id}", responses=build_error_responses(404))
async def revoke_token(token_id: TokenId, context: Context, caller: Admin) -> AccessToken:
    """Revoke an access token, so that it is no longer accepted.

    Requests with it are refused from then on.
    """
    await context.trail.record(caller, "token.revoke", str(token_id))
    return await context.tokens.revoke(token_id)
