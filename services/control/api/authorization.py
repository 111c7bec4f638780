"""Authentication by bearer token, and the rights that an endpoint demands."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from control.access import Caller, NotAuthenticatedError, Right
from control.api.context import ApiContext, Context

BEARER: Final = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token made by `onrecord token create`.",
)

REASON_HEADER: Final = "Onrecord-Reason"
"""Header that says why something is asked for; it goes into the trail."""

_LONGEST_REASON: Final = 500

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


class Requires:
    """FastAPI dependency that returns the caller, or raises if its token lacks a right.

    A path with a ``study_id`` takes the rights in that study; any other path, in all studies.

    Args:
        rights: all of them are needed; none: any valid token will do.
    """

    def __init__(self, *rights: Right) -> None:
        self.rights = rights

    async def __call__(
        self, request: Request, context: Context, credentials: Credentials
    ) -> Caller:
        """Return the caller.

        Raises:
            NotAuthenticatedError: there is no valid token.
            NotPermittedError: it lacks a right.
        """
        caller = await _authenticate(request, context, credentials)
        caller.require(self.rights, request.path_params.get("study_id"))
        return caller


async def _authenticate(
    request: Request, context: ApiContext, credentials: HTTPAuthorizationCredentials | None
) -> Caller:
    if credentials is None:
        raise NotAuthenticatedError(
            "this takes a token: send it as Authorization: Bearer TOKEN (the CLI reads "
            "ONRECORD_TOKEN)"
        )
    found = await context.tokens.authenticate(credentials.credentials)
    address = request.client.host if request.client else ""
    # Headers are decoded as Latin-1; people's words are UTF-8.
    sent = request.headers.get(REASON_HEADER, "").encode("latin-1")
    reason = sent.decode(errors="replace")[:_LONGEST_REASON]
    return Caller(found.token_id, found.name, found.grants, address, reason)


AnyCaller = Annotated[Caller, Depends(Requires())]
Operator = Annotated[Caller, Depends(Requires(Right.OPERATE))]
LetterReader = Annotated[Caller, Depends(Requires(Right.OPERATE, Right.READ_EVIDENCE))]
NoteReader = Annotated[Caller, Depends(Requires(Right.READ_NOTES))]
Admin = Annotated[Caller, Depends(Requires(Right.ADMINISTER))]
