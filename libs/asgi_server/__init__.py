"""Serves an ASGI application over HTTP, within a program that has its own event loop and signals.

uvicorn does the work. What it leaves to whoever embeds it is done here: it takes over no signals,
sets up no logging, ends no process where a port is taken, and tells which port it listens on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

GRACE_S: Final = 1
"""How long requests that are being answered may take once the server closes, in seconds."""

BACKLOG: Final = 128
"""Connections that may wait to be accepted."""


class NotStartedError(RuntimeError):
    """The application's lifespan failed before it served anything."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the program, and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:  # which would end the event loop, and nobody would clean up
            raise NotStartedError("the ASGI application could not start; see the log") from error
        self.listening.set()


@asynccontextmanager
async def serve(app: Any, *, host: str, port: int, grace_s: int = GRACE_S) -> AsyncIterator[int]:
    """Serve an ASGI application until the context is left.

    Args:
        app: the application; its lifespan, if it has one, is begun before the first request.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose.
        grace_s: how long requests in progress may take at the end, in seconds.

    Yields:
        The port listened on.

    Raises:
        OSError: the port is taken.
        NotStartedError: the application's lifespan failed.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=grace_s,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await _until_listening(server, serving)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        try:
            await serving
        finally:
            listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket on the first address that a host name stands for."""
    family, _, _, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return socket.create_server(address[:2], family=family, backlog=BACKLOG)


async def _until_listening(server: _Server, serving: asyncio.Task[None]) -> None:
    """Wait until the server has started; raise what ended it before that."""
    listening = asyncio.create_task(server.listening.wait())
    try:
        await asyncio.wait((listening, serving), return_when=asyncio.FIRST_COMPLETED)
        if not server.listening.is_set():
            serving.result()
    finally:
        listening.cancel()
