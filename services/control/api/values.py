"""Large values as responses that are sent in slices, as fast as the client takes them."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from asgi_server import wait_for_disconnect
from asgi_server.protocol import ABORT

SLICE_BYTES: Final = 256 * 1024
"""Most bytes that are handed to the connection at once; no more of a value is copied."""

SEND_S: Final = 30.0
"""Longest that a client may take nothing of what is sent, in seconds; then it is disconnected."""


class SlicedResponse(Response):
    """HTTP response that sends a large value of bytes in slices.

    Args:
        value: the bytes.
    """

    media_type = "application/octet-stream"

    def __init__(self, value: bytes) -> None:
        super().__init__(None, headers={"Content-Length": str(len(value))})
        self._value = memoryview(value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the value, until the client leaves or stops taking it."""
        leaving = asyncio.create_task(wait_for_disconnect(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            for begin in range(0, len(self._value), SLICE_BYTES):
                part = bytes(self._value[begin : begin + SLICE_BYTES])
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                if leaving.done():
                    return
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            scope["extensions"][ABORT]()
        finally:
            leaving.cancel()
