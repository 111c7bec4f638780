"""Middleware that refuses what pages of other sites make browsers send, and too large bodies.

A browser sends requests to any address its machine reaches, loopback and internal networks
included, for whatever page is open. Four checks keep such a page out, in this order:

* ``Host`` has to be the server's own: a page whose name was made to resolve to the server's
  address (DNS rebinding) is of the same origin as the server, but has another name.
* ``Origin``, where it is sent, has to be the server's own; so has ``Sec-Fetch-Site``.
* A body has to be JSON by its ``Content-Type``: browsers send forms and plain text to other
  origins without asking them first (the Fetch standard's CORS-safelisted types), and JSON not.
* A body has to be within the limit, and to come at a minimum rate.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message as MimeHeaders
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asgi_server.problems import ProblemResponse
from asgi_server.requests import BodyTooLargeError, BodyTooSlowError

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that are always a server's own: no page of another site has one of these names."""

OPEN_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Paths that anybody may read by any name: probes and scrapers use addresses of their own."""

MAX_BODY_BYTES: Final = 1024 * 1024
"""Most bytes of a request's body, unless a policy says otherwise."""

BODY_GRACE_S: Final = 30.0
"""Longest that a server waits for a body in all before its size counts, in seconds."""

MIN_BODY_BYTES_PER_S: Final = 1_024.0
"""Fewest bytes of a body a second that a server waits for beyond that."""

_READING: Final = frozenset({"GET", "HEAD"})
_CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WILDCARDS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_SHOWN: Final = 100
_HOST: Final = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """Policy for the HTTP requests that a server accepts: its allowed hosts, and the largest body.

    Attributes:
        allowed_hosts: names and addresses, as ``normalize_host`` returns them, by which the
            server may be called; loopback and the address that a request came in on are too.
        max_body_bytes: most bytes of a request's body.
        larger_bodies: paths whose bodies may be larger, with the most bytes of those.
        hosts_setting: the setting that names further hosts, for the refusal's text.
        navigable_paths: to which a page of another site may send the browser as a whole (``GET``),
            as an identity provider's does after a login; nothing that the browser kept for the
            server may count there.
    """

    allowed_hosts: frozenset[str] = frozenset()
    max_body_bytes: int = MAX_BODY_BYTES
    larger_bodies: Mapping[str, int] = field(default_factory=dict)
    hosts_setting: str = ""
    navigable_paths: frozenset[str] = frozenset()

    def limit_body(self, path: str) -> int:
        """Return the most bytes of a body that is sent to a path."""
        return self.larger_bodies.get(path, self.max_body_bytes)


class RequestGuard:
    """ASGI middleware that refuses requests with a bad host, origin, media type or size.

    Args:
        app: serves what is not refused.
        policy: returns what is taken at the moment of a request.
        open_paths: may be read (``GET``, ``HEAD``) without any check.
    """

    def __init__(
        self,
        app: ASGIApp,
        policy: Callable[[], RequestPolicy] = RequestPolicy,
        open_paths: frozenset[str] = OPEN_PATHS,
    ) -> None:
        self._app = app
        self._policy = policy
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http" or self._is_open(scope):
            await self._app(scope, receive, send)
            return
        policy = self._policy()
        refusal = build_refusal_response(scope, policy)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, policy.limit_body(scope["path"])), send)

    def _is_open(self, scope: Scope) -> bool:
        return scope["method"] in _READING and scope["path"] in self._open_paths


def build_refusal_response(scope: Scope, policy: RequestPolicy) -> ProblemResponse | None:
    """Return the HTTP error response for a request that violates a policy, or None if allowed."""
    return (
        _refuse_host(scope, policy)
        or _refuse_origin(scope)
        or _refuse_fetch_site(scope, policy)
        or _refuse_content_type(scope)
        or _refuse_length(scope, policy)
    )


def build_allowed_hosts(bound_to: str, others: Iterable[str] = ()) -> frozenset[str]:
    """Return the host names and IP addresses that a request's ``Host`` header may contain.

    Args:
        bound_to: what it listens on; an address that stands for all of them adds nothing.
        others: further names and addresses.
    """
    hosts = set(map(normalize_host, others))
    if bound_to not in _WILDCARDS:
        with suppress(ValueError):  # what can be listened on, but stands in no Host
            hosts.add(normalize_host(bound_to))
    return frozenset(hosts)


def normalize_host(host: str) -> str:
    """Normalize a host: lower case, no trailing dot, an IP address in its shortest form.

    Raises:
        ValueError: it is neither a name nor an address; one with a port is not.
    """
    name = host.strip().lower()
    if ":" in name:
        return str(ip_address(name))
    found = _HOST.fullmatch(name)
    if found is None or not (name := name.removesuffix(".")):
        raise ValueError(f"{host!r} is no host: a name or an address, without scheme and port")
    return name


def _refuse_host(scope: Scope, policy: RequestPolicy) -> ProblemResponse | None:
    sent = _values(scope, b"host")
    found = _HOST.fullmatch(sent[0].lower()) if len(sent) == 1 else None
    if found is None:
        return ProblemResponse(HTTPStatus.BAD_REQUEST, "the request has no Host, or not one alone")
    try:
        host = normalize_host(found["six"] or found["name"])
    except ValueError:
        return ProblemResponse(HTTPStatus.BAD_REQUEST, "the request's Host is none")
    own = scope.get("server") or ("",)
    if host in LOOPBACK_NAMES or host in policy.allowed_hosts or host == own[0]:
        return None
    hint = f"; {policy.hosts_setting} names those that are" if policy.hosts_setting else ""
    text = f"the host {host[:_SHOWN]} is not served here{hint}"
    return ProblemResponse(HTTPStatus.MISDIRECTED_REQUEST, text)


def _refuse_origin(scope: Scope) -> ProblemResponse | None:
    origins = _values(scope, b"origin")
    # Behind a proxy that ends TLS the scheme is another one here, but the authority is not.
    authority = _values(scope, b"host")[0].lower()
    own = ([f"http://{authority}"], [f"https://{authority}"])
    if not origins or [one.lower() for one in origins] in own:
        return None
    return ProblemResponse(HTTPStatus.FORBIDDEN, "pages of another origin are not served")


def _refuse_fetch_site(scope: Scope, policy: RequestPolicy) -> ProblemResponse | None:
    # Ports of one host are one site: "same-site" may be any program on this machine.
    if set(_values(scope, b"sec-fetch-site")) <= {"same-origin", "none"}:
        return None
    if scope["path"] in policy.navigable_paths and _is_navigation(scope):
        return None
    return ProblemResponse(HTTPStatus.FORBIDDEN, "pages of another site or origin are not served")


def _is_navigation(scope: Scope) -> bool:
    """Return whether a browser's window goes somewhere: no frame, no image, no script's request."""
    return (
        scope["method"] == "GET"
        and _values(scope, b"sec-fetch-mode") == ["navigate"]
        and _values(scope, b"sec-fetch-dest") == ["document"]
    )


def _refuse_content_type(scope: Scope) -> ProblemResponse | None:
    types = _values(scope, b"content-type")
    may_change = bool(types) and scope["method"] in _CHANGING
    if not (_has_body(scope) or may_change) or (len(types) == 1 and _is_json(types[0])):
        return None
    text = "a request's body has to be JSON, with the header Content-Type: application/json"
    return ProblemResponse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)


def _refuse_length(scope: Scope, policy: RequestPolicy) -> ProblemResponse | None:
    # What is no number, the server's parser has refused.
    lengths = [int(one) for one in _values(scope, b"content-length") if one.isdecimal()]
    most = policy.limit_body(scope["path"])
    if max(lengths, default=0) <= most:
        return None
    return ProblemResponse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(BodyTooLargeError(most).detail))


def _has_body(scope: Scope) -> bool:
    lengths = _values(scope, b"content-length")
    return any(one.strip("0") for one in lengths) or bool(_values(scope, b"transfer-encoding"))


def _is_json(content_type: str) -> bool:
    header = MimeHeaders()
    header["content-type"] = content_type
    charset = str(header.get_param("charset", "utf-8")).lower()
    # The parsed type of what is malformed is text/plain.
    return header.get_content_type() == "application/json" and charset == "utf-8"


def _values(scope: Scope, name: bytes) -> list[str]:
    """Return the values of a header, one for each time it was sent."""
    return [value.decode("latin-1").strip() for key, value in scope["headers"] if key == name]


def _bounded(receive: Receive, max_bytes: int) -> Receive:
    """Return a ``receive`` that raises once a body exceeds the limit, or is waited for too long.

    Only what the application waits is counted: not how long it takes with what it has.
    """
    size, waited, is_whole = 0, 0.0, False

    async def receive_within_bounds() -> Message:
        nonlocal size, waited, is_whole
        if is_whole:  # what comes now is that the client leaves
            return await receive()
        clock = asyncio.get_running_loop().time
        begin = clock()
        try:
            async with asyncio.timeout(BODY_GRACE_S + size / MIN_BODY_BYTES_PER_S - waited):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlowError from None
        waited += clock() - begin
        is_whole = not message.get("more_body", False)
        size += len(message.get("body", b""))
        if size > max_bytes:
            raise BodyTooLargeError(max_bytes)
        return message

    return receive_within_bounds
