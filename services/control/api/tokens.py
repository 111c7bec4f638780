"""Endpoints of access tokens: make, list and revoke them, and who one is."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path

from contracts.access import AccessToken, CreatedToken, CreateTokenRequest, WhoAmI
from control.api.authorization import Admin, AnyCaller
from control.api.context import Context
from control.api.openapi import responses

TokenId = Annotated[UUID, Path(description="The token's id.")]

router: Final = APIRouter(tags=["access"])


@router.get("/me")
async def who_am_i(caller: AnyCaller) -> WhoAmI:
    """Return the name and roles of the caller's access token."""
    return WhoAmI(token_id=caller.token_id, name=caller.name, grants=caller.grants)


@router.post("/tokens", status_code=201)
async def create_token(wanted: CreateTokenRequest, context: Context, caller: Admin) -> CreatedToken:
    """Create an access token; its secret is only in this response."""
    roles = ", ".join(f"{one.role} in {one.study_id or 'all studies'}" for one in wanted.grants)
    await context.trail.record(caller, "token.create", f"{wanted.name}: {roles}")
    return await context.tokens.create(wanted, caller.name)


@router.get("/tokens")
async def list_tokens(context: Context, caller: Admin) -> list[AccessToken]:
    """List access tokens, also revoked and expired ones, the latest first; at most 1,000."""
    del caller
    return list(await context.tokens.list_tokens())


@router.delete("/tokens/{token_id}", responses=responses(404), openapi_extra={"x-changes": True})
async def revoke_token(token_id: TokenId, context: Context, caller: Admin) -> AccessToken:
    """Revoke an access token, so that requests with it are refused."""
    await context.trail.record(caller, "token.revoke", str(token_id))
    return await context.tokens.revoke(token_id)
