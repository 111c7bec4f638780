"""uvicorn's HTTP/1.1 protocol with limits on a request's head, and a way to cut the connection."""

from __future__ import annotations

import json
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from asgi_server.problems import MEDIA_TYPE, build_problem_details

MAX_LINE_BYTES: Final = 8_190
"""Longest request target, and longest header: name and value together."""

MAX_HEADERS: Final = 128
"""Most headers of a request."""

MAX_HEAD_BYTES: Final = 64 * 1024
"""Most bytes that are held of a head that has not ended."""

ABORT: Final = "onrecord.abort"
"""The ASGI extension that cuts the connection of a request: a function without arguments."""


class HeadTooLargeError(Exception):
    """Raised when a request's URL or headers exceed the size limits."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """HTTP protocol for uvicorn that answers 400 if a request's URL or headers are too large."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = False
        self._head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        super().data_received(data)
        # The parser hands out a header only once it is whole: what has no end is counted here.
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("Invalid HTTP request received.")

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or exceeds the limits, with a problem, and close."""
        body = json.dumps(build_problem_details(400, msg)).encode("ascii")
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        scope = cast("dict[str, Any]", self.scope)
        scope["extensions"] = {ABORT: self.transport.abort}

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        super().on_url(url)
        if len(self.url) > MAX_LINE_BYTES:
            raise HeadTooLargeError  # which the parser wraps, and the protocol answers with 400

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if len(name) + len(value) > MAX_LINE_BYTES or len(self.headers) >= MAX_HEADERS:
            raise HeadTooLargeError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        self._in_head = False
        super().on_headers_complete()
