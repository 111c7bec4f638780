"""Runs uvicorn inside a program that has its own event loop, signals and logging."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

from asgi_server.protocol import BoundedHttpProtocol

GRACE_S: Final = 1.0
"""How long requests that are being answered may take once the server closes, in seconds."""

LEAVE_S: Final = 0.2
"""How long handlers may take to end once their connection is cut, or they are cancelled, in s."""

KEEP_ALIVE_S: Final = 75
"""How long a connection without a request is kept: longer than clients keep theirs, so that a
request does not meet a connection that is just being closed."""

_DATE_S: Final = 1.0
"""How often uvicorn renews the ``date`` header."""


class StartupFailedError(RuntimeError):
    """Raised when an ASGI application failed at startup, before it served a request."""


class _Server(uvicorn.Server):
    """A server without signals of its own, whose end is an event and not a flag that is polled."""

    def __init__(self, config: uvicorn.Config, grace_s: float) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.stopping = asyncio.Event()
        self._grace_s = grace_s

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:  # which would end the event loop, and nobody would clean up
            raise StartupFailedError("the ASGI application could not start; see the log") from error
        self.listening.set()

    async def main_loop(self) -> None:
        while not self.stopping.is_set():
            await self.on_tick(0)
            try:
                async with asyncio.timeout(_DATE_S):
                    await self.stopping.wait()
            except TimeoutError:
                pass

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what listens; let requests end within the grace; cut the connections of others."""
        for listener in [*self.servers, *(sockets or ())]:
            listener.close()
        connections, handlers = self.server_state.connections, self.server_state.tasks
        for connection in list(connections):
            connection.shutdown()
        await _ended(handlers, self._grace_s)
        for connection in list(connections):
            # A handler that waits is cancelled, and ends: see `cancel_on_disconnect`. What is
            # closing has its whole answer, which may still be on its way.
            if not connection.transport.is_closing():
                connection.transport.abort()
        await _ended(handlers, LEAVE_S)
        for handler in handlers:
            handler.cancel()
        await _ended(handlers, LEAVE_S)
        await self.lifespan.shutdown()


@asynccontextmanager
async def serve(app: Any, *, host: str, port: int, grace_s: float = GRACE_S) -> AsyncIterator[int]:
    """Context manager that serves an ASGI application with uvicorn until its block ends.

    Args:
        app: the application; its lifespan, if it has one, is begun before the first request.
        host: address to listen on; all of those that a name stands for.
        port: port to listen on; 0 lets the system choose.
        grace_s: how long requests in progress may take at the end, in seconds.

    Yields:
        The port listened on.

    Raises:
        OSError: the address cannot be listened on.
        StartupFailedError: the application's lifespan failed.
    """
    sockets = await _bind(host, port)
    config = uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = _Server(config, grace_s)
    serving = asyncio.create_task(server.serve(sockets))
    try:
        await _until_listening(server, serving)
        yield sockets[0].getsockname()[1]
    finally:
        server.stopping.set()
        try:
            await serving
        finally:
            for one in sockets:
                one.close()


async def _ended(handlers: Collection[asyncio.Task[None]], within_s: float) -> None:
    if handlers:
        await asyncio.wait(handlers, timeout=within_s)


async def _bind(host: str, port: int) -> list[socket.socket]:
    """Return sockets that are bound to each address of a host; asyncio finds and binds them."""
    loop = asyncio.get_running_loop()
    bound = await loop.create_server(asyncio.Protocol, host or None, port, start_serving=False)
    try:
        return [socket.socket(fileno=os.dup(one.fileno())) for one in bound.sockets]
    finally:
        bound.close()


async def _until_listening(server: _Server, serving: asyncio.Task[None]) -> None:
    """Wait until the server has started; raise what ended it before that."""
    listening = asyncio.create_task(server.listening.wait())
    try:
        await asyncio.wait((listening, serving), return_when=asyncio.FIRST_COMPLETED)
        if not server.listening.is_set():
            serving.result()
    finally:
        listening.cancel()
