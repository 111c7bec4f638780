"""Authentication by bearer token, and the rights that an endpoint demands."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from control.access import Caller, NotAuthenticatedError, Right
from control.api.context import ApiContext, Context
from control.api.idempotency import claim_key, get_exchange

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
    A request with an Idempotency-Key that the caller may make is answered as before, if it was
    carried out before.

    Args:
        rights: all of them are needed; none: any valid token will do.
        claims_key: whether the Idempotency-Key is claimed here; else the endpoint does it.
    """

    def __init__(self, *rights: Right, claims_key: bool = True) -> None:
        self.rights = rights
        self._claims_key = claims_key

    async def __call__(
        self, request: Request, context: Context, credentials: Credentials
    ) -> Caller:
        """Return the caller.

        Raises:
            NotAuthenticatedError: there is no valid token.
            NotPermittedError: it lacks a right.
            TooManyRequestsError: it asks more often than it may.
        """
        caller = await authenticate(request, context, credentials)
        context.rates.take(caller.token_id)
        self._require(caller, request)
        if self._claims_key and get_exchange(request) is not None:
            await claim_key(request, context, caller, await request.body())
        return caller

    def _require(self, caller: Caller, request: Request) -> None:
        caller.require(self.rights, request.path_params.get("study_id"))


class RequiresInSomeStudy(Requires):
    """As ``Requires``, for a study that only the body names: the endpoint requires it in that.

    Here, whoever has the right in no study at all is refused, before the body is read.
    """

    def __init__(self, right: Right) -> None:
        super().__init__(right, claims_key=False)

    def _require(self, caller: Caller, request: Request) -> None:
        del request
        for right in self.rights:
            if caller.list_studies(right) == frozenset():
                caller.require([right])


async def authenticate(
    request: Request, context: ApiContext, credentials: HTTPAuthorizationCredentials | None
) -> Caller:
    """Return who makes a request.

    Raises:
        NotAuthenticatedError: there is no valid token.
    """
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
Submitter = Annotated[Caller, Depends(RequiresInSomeStudy(Right.SUBMIT))]
StudySubmitter = Annotated[Caller, Depends(Requires(Right.SUBMIT))]
Admin = Annotated[Caller, Depends(Requires(Right.ADMINISTER))]
TokenCreator = Annotated[Caller, Depends(Requires(Right.ADMINISTER, claims_key=False))]
