"""Cookies of browsers: the session's, and that of a login under way.

The names have the prefix ``__Host-`` where control is called by https: no other host, not even a
sibling domain, can set such a cookie (RFC 6265bis, section 4.1.3.2). On loopback, where there is no
TLS, the port is in the name: cookies of one host are sent to all of its ports, and two
installations on one machine would overwrite each other's.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from control.access.oidc.login import VALID_S
from control.access.oidc.settings import is_loopback_host
from control.access.rights import NotPermittedError

SESSION_COOKIE: Final = "__Host-onrecord-session"
"""The session's cookie, where control is called by https."""

_LOGIN_COOKIE: Final = "__Host-onrecord-login"
_HOST_PREFIX: Final = "__Host-"


class BrowserFacingUrl:
    """URL by which browsers reach the control service; sets and reads its session cookies.

    Args:
        url: scheme and authority, without a path.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._port = parts.port

    def read_session(self, request: Request) -> str:
        """Return the session's secret that a browser sends; an empty text if it sends none."""
        return request.cookies.get(self._name(SESSION_COOKIE), "")

    def set_session(self, response: Response, secret: str, lifetime_s: int) -> None:
        """Have the browser keep a session's secret, and send it from pages of control's only."""
        response.set_cookie(
            self._name(SESSION_COOKIE),
            secret,
            max_age=lifetime_s,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )

    def clear_session(self, response: Response) -> None:
        """Have the browser forget the session's secret."""
        response.delete_cookie(
            self._name(SESSION_COOKIE), secure=self._secure, httponly=True, samesite="strict"
        )

    def read_login(self, request: Request) -> str:
        """Return what a browser keeps of a login under way; an empty text if nothing."""
        return request.cookies.get(self._name(_LOGIN_COOKIE), "")

    def set_login(self, response: Response, value: str) -> None:
        """Have the browser keep what a login is finished with.

        It is sent when the issuer's page sends the browser back, which is another site's.
        """
        response.set_cookie(
            self._name(_LOGIN_COOKIE),
            value,
            max_age=VALID_S,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def clear_login(self, response: Response) -> None:
        """Have the browser forget a login, which is over."""
        response.delete_cookie(
            self._name(_LOGIN_COOKIE), secure=self._secure, httponly=True, samesite="lax"
        )

    def _name(self, name: str) -> str:
        return name if self._secure else f"{name.removeprefix(_HOST_PREFIX)}-{self._port or 80}"


def find_browser_facing_url(request: Request, public_url: str) -> BrowserFacingUrl:
    """Return the URL by which a browser reaches the control service.

    Args:
        request: its ``Host`` has been found to be control's own.
        public_url: the address that the settings name; empty if they name none.

    Raises:
        NotPermittedError: none is named, and the host is not loopback: what a browser sends could
            be read on the way.
    """
    if public_url:
        return BrowserFacingUrl(public_url)
    host = request.headers.get("host", "")
    if not is_loopback_host(urlsplit(f"//{host}").hostname or ""):
        raise NotPermittedError(
            "sessions take https: name the address that browsers use in CONTROL_PUBLIC_URL"
        )
    return BrowserFacingUrl(f"http://{host}")
