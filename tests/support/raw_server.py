"""An HTTP server that sends bytes as a test says, right or wrong, with or without TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from support.certificates import Identity

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What is sent: bytes, or whatever a function writes."""


@dataclass(slots=True)
class RawServer:
    """A server that listens on 127.0.0.1.

    Attributes:
        port: where it listens.
        requests: heads of the requests it got, as text.
    """

    port: int = 0
    requests: list[str] = field(default_factory=list)


@asynccontextmanager
async def raw_server(
    answers: Mapping[str, Answer], identity: Identity | None = None
) -> AsyncIterator[RawServer]:
    """Serve answers by path; paths without one get a 404.

    Args:
        answers: what is sent for a path.
        identity: its certificate, if it speaks TLS.
    """
    served = RawServer()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            served.requests.append(head)
            path = head.split(" ")[1].partition("?")[0]
            found = answers.get(path, response(b"", status="404 Not Found"))
            if isinstance(found, bytes):
                writer.write(found)
                await writer.drain()
            else:
                await found(writer)
        writer.close()

    context = None
    if identity is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(identity.certificate, identity.key)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()


def response(
    body: bytes, *headers: str, status: str = "200 OK", length: int | None = None
) -> bytes:
    """Return a response with a body, whose length may be a lie."""
    size = len(body) if length is None else length
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {size}", "Connection: close", *headers)
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    """Return a redirect."""
    return response(b"", f"Location: {location}", status=status)
