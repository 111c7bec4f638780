"""HTTP client of an endpoint: connections, the headers of every request, bounded error bodies."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any, Final

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from model_client.settings import ModelConfig
from model_client.transport.connection_pool import ConnectionStackTransport

NO_KEY: Final = "no-key"
"""API key sent where none is set: local endpoints take any, and most insist on one."""

LONGEST_EXPLANATION: Final = 1024 * 1024
"""Bytes of an error's body that are read, after decompression; what follows is left out."""

_OF_THE_WHOLE: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are about the whole body as it was sent."""


class ErrorTruncatingClient(DefaultAsyncHttpxClient):
    """HTTP client (httpx2) that truncates the bodies of error responses.

    An error's body is read to its end before the error is explained, however long it is, and
    whatever it grows to when it is decompressed.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Not as an argument: that would turn off the proxies of the environment.
        self._transport = ConnectionStackTransport()

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


def open_http_client(config: ModelConfig) -> httpx2.AsyncClient:
    """Open the HTTP client of an endpoint, which sends the headers that the openai package sends.

    Those from the environment, such as ``OPENAI_ORG_ID``, included. They are computed once: the
    package does it for each request.
    """
    client = ErrorTruncatingClient(
        base_url=config.base_url, timeout=httpx2.Timeout(config.timeout_s)
    )
    key = config.key or NO_KEY
    sdk = AsyncOpenAI(base_url=config.base_url, api_key=key, http_client=client)
    headers = {"Authorization": f"Bearer {key}", **sdk.default_headers}
    client.headers.update({name: one for name, one in headers.items() if isinstance(one, str)})
    return client


async def _beginning(response: httpx2.Response) -> bytes:
    body = bytearray()
    async with aclosing(response.aiter_bytes()) as parts:
        async for part in parts:
            body += part[: LONGEST_EXPLANATION - len(body)]
            if len(body) >= LONGEST_EXPLANATION:
                break
    return bytes(body)
