"""Endpoints of browsers' sessions: log in, log out, list and end them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from html import escape
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field, TypeAdapter

from contracts.access import CurrentSession, OpenSessionRequest, SessionPage
from contracts.control_api import Moment
from contracts.pages import PageRequest
from control.access.oidc import LoginInProgress, LoginRefusedError, OidcProvider
from control.access.rights import Caller
from control.access.sessions import OpenedSession, derive_csrf_token
from control.api.authorization import (
    Admin,
    InSession,
    authenticate_bearer,
    get_client_address,
)
from control.api.context import Context
from control.api.cookies import BrowserFacingUrl, find_browser_facing_url
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, split_page
from control.api.trail_outcomes import get_trailed_entries
from control.domain import BadRequestError, NotFoundError

CALLBACK: Final = "/session/callback"

SessionId = Annotated[UUID, Path(description="The session's id.")]
ReturnTo = Annotated[
    str,
    Query(max_length=1_000, description="A path of control's own, to go on with after the login."),
]

router: Final = APIRouter(tags=["sessions"])

_CURSORS: Final = ListCursors("sessions", TypeAdapter(tuple[Moment, UUID]))

_NO_STORE: Final = {"Cache-Control": "no-store"}
_PAGE_HEADERS: Final = {
    **_NO_STORE,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={path}">
<title>onrecord</title><p>You are logged in. <a href="{path}">Go on</a></p></html>
"""
"""A page of control's own goes on from here: a redirect would still be one of the issuer's page,
and the session's cookie is not sent from other sites' pages."""

_REDIRECT: Final[dict[int | str, dict[str, Any]]] = {
    303: {"description": "To the page of the OpenID Connect issuer."}
}
_HTML: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/html": {}}, "description": "The browser is logged in."}
}


class ListSessionsRequest(PageRequest):
    """Parameters of the request to list the sessions of browsers."""

    ended: bool = Field(default=False, description="Those that have ended, too.")


class LoginRedirectParameters(BaseModel):
    """Query parameters with which the OpenID Connect issuer redirects a browser after a login."""

    code: str = Field("", max_length=4_000, description="What the tokens are got with.")
    state: str = Field("", max_length=500, description="Of which login.")
    iss: str | None = Field(None, max_length=500, description="Which issuer answers.")
    error: str = Field("", max_length=500, description="Why there is no code.")


@router.get(
    "/session/login",
    status_code=303,
    response_class=RedirectResponse,
    responses={**_REDIRECT, **build_error_responses(404)},
)
async def begin_login(
    request: Request, context: Context, return_to: ReturnTo = "/"
) -> RedirectResponse:
    """Begin a login: redirect the browser to the OpenID Connect issuer."""
    provider = _require_logins(context.logins.provider)
    browser = find_browser_facing_url(request, context.logins.public_url)
    login = LoginInProgress.begin()
    url = await provider.build_login_url(login, _redirect_uri(request, browser))
    response = RedirectResponse(url, 303, headers=_NO_STORE)
    path = urlsafe_b64encode(_require_own_path(return_to).encode()).decode().rstrip("=")
    browser.set_login(response, f"{login.secret}.{path}")
    return response


@router.get(
    "/session/callback",
    response_class=HTMLResponse,
    responses={**_HTML, **build_error_responses(404)},
)
async def finish_login(
    request: Request, context: Context, answer: Annotated[LoginRedirectParameters, Query()]
) -> HTMLResponse:
    """Finish a login after the OpenID Connect issuer's redirect, and set the session cookie."""
    provider = _require_logins(context.logins.provider)
    browser = find_browser_facing_url(request, context.logins.public_url)
    login, path = _read_login(browser.read_login(request))
    login.require_state(answer.state)
    if not answer.code or answer.error:
        raise LoginRefusedError("the identity provider refused the login")
    redirect_uri = _redirect_uri(request, browser)
    address = get_client_address(request)
    # Anybody can come here, and the issuer is asked each time: no more often than people log in.
    context.logins.rates.take(address)
    async with context.logins.places.place(address):
        person = await provider.finish_login(login, answer.code, redirect_uri, answer.iss)
    caller = Caller(
        *(person.person_id, person.actor, person.grants, address),
        is_person=True,
        trailed=get_trailed_entries(request),
    )
    await context.trail.record(caller, "session.open", person.subject)
    session = await context.sessions.open_for_person(person, caller.address)
    response = HTMLResponse(_PAGE.format(path=escape(path)), headers=_PAGE_HEADERS)
    browser.clear_login(response)
    _set_session(context, browser, response, session)
    return response


@router.post("/session", status_code=201)
async def open_session(
    wanted: JsonBody[OpenSessionRequest], request: Request, response: Response, context: Context
) -> CurrentSession:
    """Log a browser in with an access token, and set its session cookie."""
    browser = find_browser_facing_url(request, context.logins.public_url)
    caller = await authenticate_bearer(request, context, wanted.token, own_only=True)
    context.rates.take(caller.token_id)
    await context.trail.record(caller, "session.open", str(caller.token_id))
    session = await context.sessions.open_with_token(caller.token_id, caller.address)
    _set_session(context, browser, response, session)
    response.headers.update(_NO_STORE)
    return CurrentSession(
        session_id=session.session_id,
        name=caller.name,
        grants=caller.grants,
        expires_at=session.expires_at,
        csrf_token=derive_csrf_token(session.secret),
    )


@router.get("/session")
async def read_session(here: InSession, response: Response) -> CurrentSession:
    """Return the caller's browser session, with its CSRF token (`csrf_token`)."""
    response.headers.update(_NO_STORE)
    return CurrentSession(
        session_id=here.session.session_id,
        name=here.session.caller.name,
        grants=here.session.caller.grants,
        expires_at=here.session.expires_at,
        csrf_token=derive_csrf_token(here.secret),
    )


@router.delete("/session", status_code=204, openapi_extra={"x-changes": True})
async def close_session(here: InSession, context: Context, response: Response) -> None:
    """Log the browser out: end its session and delete its cookie."""
    session_id = here.session.session_id
    await context.trail.record(here.session.caller, "session.close", str(session_id))
    await context.sessions.end(session_id)
    here.browser.clear_session(response)


@router.get("/sessions")
async def list_sessions(
    which: Annotated[ListSessionsRequest, Query()], context: Context, caller: Admin
) -> SessionPage:
    """List the login sessions of browsers, the latest first."""
    del caller
    found = await context.sessions.list_sessions(
        ended_too=which.ended, limit=which.limit + 1, after=_CURSORS.decode(which)
    )
    page, last = split_page(found, which.limit, lambda one: (one.created_at, one.session_id))
    return SessionPage(sessions=page, next=_CURSORS.encode(last, which))


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    responses=build_error_responses(404),
    openapi_extra={"x-changes": True},
)
async def end_session(session_id: SessionId, context: Context, caller: Admin) -> None:
    """End a browser's login session by its id.

    Requests with it are refused from then on.
    """
    await context.trail.record(caller, "session.revoke", str(session_id))
    await context.sessions.end(session_id)


def _set_session(
    context: Context, browser: BrowserFacingUrl, response: Response, session: OpenedSession
) -> None:
    lifetime_s = int(context.logins.limits.lifetime.total_seconds())
    browser.set_session(response, session.secret, lifetime_s)


def _require_logins(provider: OidcProvider | None) -> OidcProvider:
    if provider is None or not provider.takes_logins:
        raise NotFoundError("there is no identity provider to log in at: use an access token")
    return provider


def _redirect_uri(request: Request, browser: BrowserFacingUrl) -> str:
    return f"{browser.url}{request.scope.get('root_path', '')}{CALLBACK}"


def _read_login(cookie: str) -> tuple[LoginInProgress, str]:
    """Return the login that a browser has begun, and where it goes on.

    Raises:
        LoginRefusedError: it has begun none, or too long ago.
    """
    secret, _, encoded = cookie.partition(".")
    if not secret:
        raise LoginRefusedError("this browser has begun no login, or too long ago; begin again")
    try:
        path = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        return LoginInProgress(secret), _require_own_path(path)
    except (ValueError, BadRequestError):
        raise LoginRefusedError("this browser has begun no login; begin again") from None


def _require_own_path(path: str) -> str:
    r"""Require a path of control's own: browsers take ``//host`` and ``/\host`` for another one.

    Raises:
        BadRequestError: it is none.
    """
    if path.startswith("/") and path.isprintable() and "\\" not in path and path[1:2] != "/":
        return path
    raise BadRequestError("return_to: has to be a path of this host, such as /")
