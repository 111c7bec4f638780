"""uvicorn's HTTP/1.1 protocol with limits on a request's head, and a way to cut the connection.

What uvicorn leaves to a proxy in front of it::

    connection ─▶ head ─────────▶ body ──────────────▶ trailer
                  within HEAD_S   bounded and timed    read over, and not held
                  and its sizes   by RequestGuard      beyond MAX_HEAD_BYTES

One meaning alone: a target whose authority is not that of ``Host``, a coding other than chunked,
and a version other than 1.0 and 1.1 are answered with 400. Fields of a trailer are dropped: uvicorn
adds them to the headers, where they would count as if a proxy had seen them.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from asgi_server.problems import MEDIA_TYPE, build_problem_details

MAX_LINE_BYTES: Final = 8_190
"""Longest request target, and longest header: name and value together."""

MAX_HEADERS: Final = 128
"""Most headers of a request."""

MAX_HEAD_BYTES: Final = 64 * 1024
"""Most bytes that are held of a head that has not ended, or of what comes behind it and is no
body, such as a trailer."""

HEAD_S: Final = 30.0
"""Longest that a request's head may take, from the connection or its first byte, in seconds."""

ABORT: Final = "onrecord.abort"
"""The ASGI extension that cuts the connection of a request: a function without arguments."""

_VERSIONS: Final = ("1.0", "1.1")
_INVALID: Final = "Invalid HTTP request received."
_TOO_SLOW: Final = "the request came too slowly"
_PHRASES: Final = {400: "Bad Request", 408: "Request Timeout"}


class MalformedHeadError(Exception):
    """Raised when a request's head exceeds the size limits, or has more than one meaning."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """HTTP protocol for uvicorn that answers 400 if a request's URL or headers are too large.

    Attributes:
        head_timeout_s: longest that a head may take, in seconds.
    """

    head_timeout_s = HEAD_S

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = False
        self._in_body = False
        self._idle_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    # As uvicorn declares it: asyncio's own protocols take any transport.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection, on which a request's head has to come in time."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._clear_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        # The parser hands out a header, of a trailer too, only once it is whole: what has no end is
        # counted here. A body's parts reset the count.
        self._idle_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._idle_bytes > MAX_HEAD_BYTES:
            self.send_400_response(_INVALID)
        elif self._in_body and self._idle_bytes > MAX_HEAD_BYTES:
            self.transport.abort()  # an answer may be under way
        elif not self._in_body and self._is_at_rest():
            self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or exceeds the limits, with a problem, and close."""
        self._refuse(400, msg)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._idle_bytes = True, 0
        scope = cast("dict[str, Any]", self.scope)
        scope["extensions"] = {ABORT: self.transport.abort}

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        super().on_url(url)
        if len(self.url) > MAX_LINE_BYTES:
            raise MalformedHeadError  # which the parser wraps, and the protocol answers with 400

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; drop a trailer's field."""
        if len(name) + len(value) > MAX_LINE_BYTES or len(self.headers) >= MAX_HEADERS:
            raise MalformedHeadError
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        self._require_one_meaning()
        self._clear_deadline()
        self._in_head, self._in_body, self._idle_bytes = False, True, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._in_body, self._idle_bytes = False, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, whose head may have begun meanwhile."""
        super().on_response_complete()
        if self._in_head and self._is_at_rest() and not self.transport.is_closing():
            self._set_deadline()

    def _require_one_meaning(self) -> None:
        """Raise unless all readers of this head find the same host and the same body in it."""
        if self.parser.get_http_version() not in _VERSIONS:
            raise MalformedHeadError
        host = httptools.parse_url(self.url).host
        if host is not None:
            # Of a target that is a whole URL, the server has to take the host (RFC 9112, 3.2.2).
            authority = self.url.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
            if [authority.lower()] != [one.lower() for one in self._list_values(b"host")]:
                raise MalformedHeadError
        codings = [one.strip().lower() for one in self._list_values(b"transfer-encoding")]
        if codings not in ([], [b"chunked"]):
            raise MalformedHeadError

    def _list_values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    def _is_at_rest(self) -> bool:
        """Return whether nothing is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_timeout_s, self._end_slow_head)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end_slow_head(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(408, _TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, status: int, text: str) -> None:
        body = json.dumps(build_problem_details(status, text)).encode("ascii")
        head = (
            f"HTTP/1.1 {status} {_PHRASES[status]}\r\n"
            f"content-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
