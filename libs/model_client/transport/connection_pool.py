"""HTTP transport whose cost per request does not grow with the number of open connections.

The pool of the HTTP library looks at all of its connections twice a request, and asks the operating
system about each idle one. With 64 calls at once that is a sixth of a call's CPU time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

import httpx2

IDLE_S: Final = 5.0
"""How long an idle connection is kept open, in seconds: the library's own default."""


def _open_transport() -> httpx2.AsyncBaseTransport:
    return httpx2.AsyncHTTPTransport(verify=_SSL, limits=httpx2.Limits(keepalive_expiry=IDLE_S))


_SSL: Final = httpx2.create_ssl_context()


class LifoPoolTransport(httpx2.AsyncBaseTransport):
    """HTTP transport whose connection pool reuses the most recently used connection first.

    Each connection belongs to a transport of its own, whose pool holds nothing else. Idle ones lie
    on a stack: what is needed at all stays warm, and the rest is closed after ``IDLE_S``.

    Args:
        open_transport: opens the transport of one more connection.
        clock: a clock, in seconds.
    """

    def __init__(
        self,
        open_transport: Callable[[], httpx2.AsyncBaseTransport] = _open_transport,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_transport = open_transport
        self._clock = clock
        self._all: set[httpx2.AsyncBaseTransport] = set()
        self._idle: deque[tuple[httpx2.AsyncBaseTransport, float]] = deque()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request on an idle connection, or on a new one."""
        await self._close_expired()
        transport = self._take()
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            # Its connection is closed; the next request opens another one.
            self._give_back(transport)
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _ReleasingStream(response.stream, lambda: self._give_back(transport))
        return response

    async def aclose(self) -> None:
        """Close all connections, also those in use."""
        self._idle.clear()
        while self._all:
            await self._all.pop().aclose()

    def _take(self) -> httpx2.AsyncBaseTransport:
        if self._idle:
            return self._idle.pop()[0]
        transport = self._open_transport()
        self._all.add(transport)
        return transport

    def _give_back(self, transport: httpx2.AsyncBaseTransport) -> None:
        if transport in self._all:
            self._idle.append((transport, self._clock()))

    async def _close_expired(self) -> None:
        # The bottom of the stack has been idle for longest.
        while self._idle and self._clock() - self._idle[0][1] > IDLE_S:
            transport, _ = self._idle.popleft()
            self._all.discard(transport)
            await transport.aclose()


class _ReleasingStream(httpx2.AsyncByteStream):
    """Response body that gives its connection back once it is closed.

    Args:
        stream: the body.
        release: called once, when the connection may be used again.
    """

    def __init__(self, stream: httpx2.AsyncByteStream, release: Callable[[], None]) -> None:
        self._stream = stream
        self._release: Callable[[], None] | None = release

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            release, self._release = self._release, None
            if release is not None:
                release()
