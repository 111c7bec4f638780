"""Request bodies that are read in pieces, and decompressed within bounds."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from asgi_server import BodyTooLargeError, BodyTooSlowError
from control.domain import BadRequestError

_GZIP: Final = zlib.MAX_WBITS | 16
_IDENTITY: Final = ("", "identity")

_SLICE_BYTES: Final = 1024 * 1024
"""Most bytes that are decompressed before other requests have their turn: some milliseconds."""


@dataclass(frozen=True, slots=True)
class MinimumUploadSpeed:
    """Minimum speed and maximum duration of a client's upload of a request body.

    Attributes:
        timeout_s: longest that it may take in all, in seconds.
        min_bytes_per_s: fewest bytes a second on average, as they are sent.
        grace_s: seconds before that average counts.
    """

    timeout_s: float = 600.0
    min_bytes_per_s: float = 16_384.0
    grace_s: float = 10.0

    def find_time_for(self, received: int) -> float:
        """Return within how many seconds of its begin a body has to go on, by what has come."""
        return min(self.timeout_s, self.grace_s + received / self.min_bytes_per_s)


async def read_request_body(
    request: Request, max_bytes: int, pace: MinimumUploadSpeed
) -> bytearray:
    """Read a request's body as bytes; decompress it if its ``Content-Encoding`` is gzip.

    Args:
        request: its body has not been read yet.
        max_bytes: most bytes after decompression; it ends as soon as there are more.
        pace: how fast it has to come.

    Raises:
        BodyTooLargeError: it has more.
        BadRequestError: it is not gzip, though it is sent as that.
        BodyTooSlowError: it comes too slowly.
        HTTPException: 415, it has another encoding.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    parts: AsyncIterator[bytes] = _receive(request, pace)
    if encoding == "gzip":
        parts = _decompress(parts, max_bytes)
    elif encoding not in _IDENTITY:
        raise HTTPException(415, "Content-Encoding is gzip or none")
    content = bytearray()
    async for part in parts:
        content += part
        if len(content) > max_bytes:
            raise BodyTooLargeError(max_bytes)
    return content  # as it is: bytes would be a copy


async def _receive(request: Request, pace: MinimumUploadSpeed) -> AsyncIterator[bytes]:
    """Yield a body's parts as they come."""
    clock = asyncio.get_running_loop().time
    begin, received = clock(), 0
    parts = request.stream()
    while True:
        try:
            async with asyncio.timeout_at(begin + pace.find_time_for(received)):
                part = await anext(parts, None)
        except TimeoutError:
            raise BodyTooSlowError from None
        if part is None:
            return
        received += len(part)
        yield part


async def _decompress(parts: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """Yield decompressed parts; of one that grows beyond the bound, no more than that."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        async for part in parts:
            if part and unpacker.eof:
                raise BadRequestError("the body has something behind its gzip")
            slice_bytes = min(_SLICE_BYTES, max_bytes + 1)
            yield unpacker.decompress(part, slice_bytes)
            while unpacker.unconsumed_tail:
                await asyncio.sleep(0)
                yield unpacker.decompress(unpacker.unconsumed_tail, slice_bytes)
    except zlib.error as error:
        raise BadRequestError("the body is no gzip, as its Content-Encoding says") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BadRequestError("the body is no whole gzip, as its Content-Encoding says")
