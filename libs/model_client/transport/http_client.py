"""HTTP client of an endpoint: connections on a stack, error bodies of bounded size."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any, Final

import httpx2
from openai import DefaultAsyncHttpxClient

from model_client.transport.connection_pool import LifoPoolTransport

LONGEST_EXPLANATION: Final = 1024 * 1024
"""Bytes of an error's body that are read, after decompression; what follows is left out."""

_OF_THE_WHOLE: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are about the whole body as it was sent."""


class ErrorBodyTruncatingClient(DefaultAsyncHttpxClient):
    """HTTP client that truncates the bodies of error responses.

    The openai package reads an error's body to its end before it raises, however long it is, and
    whatever it grows to when it is decompressed.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Not as an argument: that would turn off the proxies of the environment.
        self._transport = LifoPoolTransport()

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request as ``httpx2.AsyncClient`` does."""
        response = await super().send(request, stream=True, **options)
        try:
            if not response.is_error:
                if not stream:
                    await response.aread()
                return response
            body = await _beginning(response)
        except BaseException:
            await response.aclose()
            raise
        await response.aclose()
        headers = [pair for pair in response.headers.multi_items() if pair[0] not in _OF_THE_WHOLE]
        return httpx2.Response(
            response.status_code,
            headers=headers,
            content=body,
            request=request,
            extensions=response.extensions,
        )


async def _beginning(response: httpx2.Response) -> bytes:
    body = bytearray()
    async with aclosing(response.aiter_bytes()) as parts:
        async for part in parts:
            body += part[: LONGEST_EXPLANATION - len(body)]
            if len(body) >= LONGEST_EXPLANATION:
                break
    return bytes(body)
