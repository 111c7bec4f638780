"""Readers of response bodies: server-sent events or whole, each with a size limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from typing import Any, Final

import httpx2

from model_client.errors import BadOutputError

LONGEST_BODY: Final = 64 * 1024 * 1024
"""Bytes of a whole body, or of one line of a stream; whoever sends more is no model."""

DRAIN_S: Final = 0.25
"""Longest wait for the end of a stream whose answer is complete, in seconds."""


async def iter_sse_data(parts: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """Yield the ``data`` fields of a stream of server-sent events.

    Args:
        parts: the body, in pieces of any size.

    Raises:
        BadOutputError: a line has no end.
    """
    data: list[str] = []
    async for line in _lines(parts):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data.clear()
    if data:
        yield "\n".join(data)


async def drain_stream(rest: AsyncIterable[object]) -> None:
    """Read and discard the rest of a streamed response, so that its connection can be reused."""
    with suppress(TimeoutError, httpx2.RequestError, BadOutputError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in rest:
                pass


async def read_whole_body(parts: AsyncIterable[bytes]) -> bytes:
    """Read a response's body to its end and return it.

    Raises:
        BadOutputError: it has no end.
    """
    body = bytearray()
    async for part in parts:
        body += part
        _limit(len(body))
    return bytes(body)


def parse_json_or_none(body: str | bytes) -> Any:
    """Parse a response body as JSON; return None if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


async def _lines(parts: AsyncIterable[bytes]) -> AsyncIterator[str]:
    r"""Yield lines of an event stream, which end with ``\n``, ``\r\n`` or ``\r``.

    And with nothing else: U+2028 and its like, at which text is split elsewhere, are letters of
    JSON that an answer may hold.
    """
    held: list[bytes] = []
    length = 0
    async for part in parts:
        held.append(part)
        length += len(part)
        if b"\n" not in part and b"\r" not in part:
            _limit(length)
            continue
        *lines, rest = b"".join(held).splitlines(keepends=True)
        # A "\r" at the end may be half of "\r\n".
        if rest.endswith(b"\n"):
            lines, rest = [*lines, rest], b""
        for line in lines:
            yield _text(line)
        held, length = [rest], len(rest)
    if any(held):
        yield _text(b"".join(held))


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n").decode("utf-8", "replace")


def _limit(length: int) -> None:
    if length > LONGEST_BODY:
        raise BadOutputError("the answer has no end")
