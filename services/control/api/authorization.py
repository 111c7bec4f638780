"""Authentication by bearer token or a browser's session, and the rights that an endpoint demands.

A browser sends its session's cookie by itself, whatever page made it ask. So a request that has no
token counts as its session's only if the browser says that a page of control's own, or no page,
made it, and if what changes something has the session's CSRF token in a header.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from control.access.oidc import looks_like_jwt
from control.access.rights import Caller, NotAuthenticatedError, NotPermittedError, Right
from control.access.sessions import SessionCaller, derive_csrf_token
from control.api.context import ApiContext, Context
from control.api.cookies import SESSION_COOKIE, BrowserFacingUrl, find_browser_facing_url
from control.api.idempotency import (
    claim_idempotency_key,
    compute_request_fingerprint,
    get_idempotent_exchange,
)
from control.api.trail_outcomes import get_trailed_entries

BEARER: Final = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token made by `onrecord token create`, or an access token of the OpenID Connect "
    "issuer.",
)

COOKIE: Final = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    scheme_name="session",
    description="A browser's session; what changes something takes the header "
    "`Onrecord-CSRF-Token` too. On loopback the cookie is `onrecord-session-PORT`.",
)

CSRF_HEADER: Final = "Onrecord-CSRF-Token"
"""Header by which a page shows that it can read what control answers, so that it is its own."""

REASON_HEADER: Final = "Onrecord-Reason"
"""Header that says why something is asked for; it goes into the trail."""

_LONGEST_REASON: Final = 500

_READING: Final = frozenset({"GET", "HEAD"})
_OWN_PAGE: Final = frozenset({"same-origin", "none"})

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
Cookie = Annotated[str | None, Depends(COOKIE)]


class Requires:
    """FastAPI dependency that returns the caller, and raises if the caller lacks a right.

    A path with a ``study_id`` takes the rights in that study; any other path, in all studies.
    A request with an Idempotency-Key that the caller may make is answered as before, if it was
    carried out before.

    Args:
        rights: all of them are needed; none: any valid token or session will do.
        claims_key: whether the Idempotency-Key is claimed here; else the endpoint does it.
    """

    def __init__(self, *rights: Right, claims_key: bool = True) -> None:
        self.rights = rights
        self._claims_key = claims_key

    async def __call__(
        self, request: Request, context: Context, credentials: Credentials, _: Cookie
    ) -> Caller:
        """Return the caller.

        Raises:
            NotAuthenticatedError: there is no valid token, and no session.
            NotPermittedError: it lacks a right.
            TooManyRequestsError: it asks more often than it may.
        """
        caller = await authenticate(request, context, credentials)
        request.state.token_id = caller.token_id
        context.rates.take(caller.token_id)
        self._require(caller, request)
        if self._claims_key and get_idempotent_exchange(request) is not None:
            fingerprint = await compute_request_fingerprint(request, await request.body())
            await claim_idempotency_key(request, context, caller, fingerprint)
        return caller

    def _require(self, caller: Caller, request: Request) -> None:
        caller.require(self.rights, request.path_params.get("study_id"))


class RequiresInSomeStudy(Requires):
    """FastAPI dependency that returns the caller if it has a right in at least one study.

    Here, whoever has the right in no study at all is refused. In which study it is needed, the
    endpoint decides; for reading by ``control.api.lookups``, as if nothing were there.
    """

    def __init__(self, *rights: Right) -> None:
        super().__init__(*rights, claims_key=False)

    def _require(self, caller: Caller, request: Request) -> None:
        del request
        caller.require_in_some_study(self.rights)


class RequiresSomeRole(Requires):
    """FastAPI dependency that returns the caller if it has any role in any study."""

    def _require(self, caller: Caller, request: Request) -> None:
        del request
        if not caller.grants:
            raise NotPermittedError("this takes a role, in a study at least")


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Login session of the browser that sends a request, with its cookie's secret.

    Attributes:
        session: whose it is.
        secret: what the browser's cookie holds.
        browser: by which address it calls control.
    """

    session: SessionCaller
    secret: str
    browser: BrowserFacingUrl


async def authenticate(
    request: Request, context: ApiContext, credentials: HTTPAuthorizationCredentials | None
) -> Caller:
    """Authenticate a request by its bearer token or session cookie; return the caller.

    Raises:
        NotAuthenticatedError: there is no valid token, and no session.
        NotPermittedError: the session's request may come from a page that is not control's own.
    """
    if credentials is not None:
        return await authenticate_bearer(request, context, credentials.credentials)
    return (await _find_session(request, context)).session.caller


async def authenticate_bearer(
    request: Request, context: ApiContext, secret: str, *, own_only: bool = False
) -> Caller:
    """Authenticate a request by its bearer token; return the caller.

    Args:
        request: that it was sent with.
        context: knows the tokens and the issuer.
        secret: the token.
        own_only: take no access token of the issuer.

    Raises:
        NotAuthenticatedError: it is not valid.
        IssuerUnavailableError: nobody can say whether it is.
        TooManyRequestsError: too many that nobody knows came from there.
    """
    provider = context.logins.provider
    is_of_issuer = (
        not own_only
        and provider is not None
        and provider.takes_access_tokens
        and looks_like_jwt(secret)
    )
    if is_of_issuer and provider is not None:
        person = await provider.verify_access_token(secret)
        found = Caller(person.person_id, person.actor, person.grants, is_person=True)
    else:
        with context.credentials.look_up(secret, get_client_address(request)):
            found = await context.tokens.authenticate(secret)
    return _complete(found, request)


def get_client_address(request: Request) -> str:
    """Return the IP address that a request comes from; "" if it is unknown."""
    return request.client.host if request.client else ""


async def _find_session(request: Request, context: Context) -> BrowserSession:
    """Return the session that a request is made in.

    Raises:
        NotAuthenticatedError: it is made in none, or in one that has ended.
        NotPermittedError: it may come from a page that is not control's own.
    """
    browser = _find_browser(request, context)
    secret = browser.read_session(request) if browser else ""
    if browser is None or not secret or "authorization" in request.headers:
        raise NotAuthenticatedError(
            "this takes a token: send it as Authorization: Bearer TOKEN (the CLI reads "
            "ONRECORD_TOKEN)"
        )
    _refuse_other_pages(request, browser)
    with context.credentials.look_up(secret, get_client_address(request)):
        session = await context.sessions.authenticate(secret)
    if request.method not in _READING:
        _require_csrf_token(request, secret)
    session = replace(session, caller=_complete(session.caller, request))
    return BrowserSession(session, secret, browser)


def _find_browser(request: Request, context: Context) -> BrowserFacingUrl | None:
    try:
        return find_browser_facing_url(request, context.logins.public_url)
    except NotPermittedError:  # no browser has a session there
        return None


def _refuse_other_pages(request: Request, browser: BrowserFacingUrl) -> None:
    """Refuse what a browser does not say to come from a page of control's own.

    ``RequestGuard`` refuses what it says to come from another; this does not rely on it.
    """
    sites = request.headers.getlist("sec-fetch-site")
    origins = request.headers.getlist("origin")
    is_own = bool(sites) and set(sites) <= _OWN_PAGE
    if (is_own or origins == [browser.url]) and not (sites and not is_own):
        return
    raise NotPermittedError("a session counts only for requests of control's own pages")


def _require_csrf_token(request: Request, secret: str) -> None:
    sent = request.headers.getlist(CSRF_HEADER)
    wanted = derive_csrf_token(secret).encode()
    if len(sent) != 1 or not hmac.compare_digest(sent[0].encode(), wanted):
        raise NotPermittedError(
            f"in a session this takes the header {CSRF_HEADER}, with the csrf_token of GET /session"
        )


def _complete(caller: Caller, request: Request) -> Caller:
    """Return a caller with what the request says of where it comes from, and why."""
    # Headers are decoded as Latin-1; people's words are UTF-8.
    sent = request.headers.get(REASON_HEADER, "").encode("latin-1")
    reason = sent.decode(errors="replace")[:_LONGEST_REASON]
    return replace(
        caller,
        address=get_client_address(request),
        reason=reason,
        trailed=get_trailed_entries(request),
    )


async def require_session(request: Request, context: Context, _: Cookie) -> BrowserSession:
    """FastAPI dependency that returns the browser session of a request, or raises."""
    here = await _find_session(request, context)
    context.rates.take(here.session.caller.token_id)
    return here


InSession = Annotated[BrowserSession, Depends(require_session)]
AnyCaller = Annotated[Caller, Depends(Requires())]
Follower = Annotated[Caller, Depends(RequiresSomeRole())]
Operator = Annotated[Caller, Depends(Requires(Right.OPERATE))]
LetterReader = Annotated[Caller, Depends(Requires(Right.OPERATE, Right.READ_EVIDENCE))]
NoteReader = Annotated[Caller, Depends(Requires(Right.READ_NOTES))]
Submitter = Annotated[Caller, Depends(RequiresInSomeStudy(Right.SUBMIT))]
StudyEditor = Annotated[Caller, Depends(RequiresInSomeStudy(Right.EDIT_STUDIES))]
StudySubmitter = Annotated[Caller, Depends(Requires(Right.SUBMIT))]
Researcher = Annotated[Caller, Depends(Requires(Right.EDIT_STUDIES))]
FindingReader = Annotated[Caller, Depends(RequiresInSomeStudy(Right.READ_NOTES))]
FindingEvidenceReader = Annotated[
    Caller, Depends(RequiresInSomeStudy(Right.READ_NOTES, Right.READ_EVIDENCE))
]
EvidenceReader = Annotated[Caller, Depends(Requires(Right.READ_NOTES, Right.READ_EVIDENCE))]
Admin = Annotated[Caller, Depends(Requires(Right.ADMINISTER))]
TokenCreator = Annotated[Caller, Depends(Requires(Right.ADMINISTER, claims_key=False))]
