"""Request handling beyond Starlette: bounded bodies, disconnected clients, aborted connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from asgi_server.protocol import ABORT


class BodyTooLargeError(HTTPException):
    """Raised when a request's body exceeds the size limit; answered with HTTP 413."""

    def __init__(self, max_bytes: int) -> None:
        message = f"the request's body is too large: it may have {max_bytes} bytes"
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)


class BodyTooSlowError(HTTPException):
    """Raised when a client sends a request's body too slowly; answered with HTTP 408."""

    def __init__(self) -> None:
        # What has not come yet is not waited for: the connection ends with the answer.
        headers = {"Connection": "close"}
        message = "the request's body came too slowly; send it again"
        super().__init__(HTTPStatus.REQUEST_TIMEOUT, message, headers)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read a request's body as bytes; raise ``BodyTooLargeError`` beyond ``max_bytes``.

    Raises:
        BodyTooLargeError: it has more than ``max_bytes``; the rest is not read.
        ClientDisconnect: the client has left before it was whole.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > max_bytes:
            raise BodyTooLargeError(max_bytes)
        parts.append(part)
    return b"".join(parts)


@asynccontextmanager
async def cancel_on_disconnect(receive: Receive) -> AsyncIterator[None]:
    """Async context manager that cancels its block when the client disconnects.

    To be entered once the body has been read, and to be left with the last byte of the answer;
    the block must not call ``receive``.

    Raises:
        ClientDisconnect: the client has left.
    """
    handler = asyncio.current_task()
    assert handler is not None, "requests are handled in tasks"
    has_left = False

    async def watch() -> None:
        nonlocal has_left
        while (await receive())["type"] != "http.disconnect":
            pass
        has_left = True
        handler.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        # Somebody else may have cancelled the handler too: that one is not to be swallowed.
        if has_left and handler.uncancel() == 0:
            raise ClientDisconnect from None
        raise
    finally:
        watching.cancel()


async def wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client of a request has disconnected; other ASGI messages are discarded."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def abort_connection(scope: Scope) -> NoReturn:
    """Close the connection of an HTTP request at once, without sending a response.

    Raises:
        KeyError: the server cannot do that (see ``asgi_server.protocol``).
    """
    scope["extensions"][ABORT]()
    await wait_forever()


async def wait_forever() -> NoReturn:
    """Sleep until the current asyncio task is cancelled."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody has the future")
