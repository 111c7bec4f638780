"""Request bodies that are read in pieces, and decompressed within bounds."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from asgi_server import BodyTooLargeError
from control.domain import BadRequestError

_GZIP: Final = zlib.MAX_WBITS | 16
_IDENTITY: Final = ("", "identity")


async def read_content(request: Request, max_bytes: int) -> bytes:
    """Read a request's body, decompressed if it is sent with ``Content-Encoding: gzip``.

    Args:
        request: its body has not been read yet.
        max_bytes: most bytes after decompression; it ends as soon as there are more.

    Raises:
        BodyTooLargeError: it has more.
        BadRequestError: it is not gzip, though it is sent as that.
        HTTPException: 415, it has another encoding.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    parts: AsyncIterator[bytes] = request.stream()
    if encoding == "gzip":
        parts = _decompress(parts, max_bytes)
    elif encoding not in _IDENTITY:
        raise HTTPException(415, "Content-Encoding is gzip or none")
    content = bytearray()
    async for part in parts:
        content += part
        if len(content) > max_bytes:
            raise BodyTooLargeError(max_bytes)
    return bytes(content)


async def _decompress(parts: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """Yield decompressed parts; of one that grows beyond the bound, no more than that."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        async for part in parts:
            if part and unpacker.eof:
                raise BadRequestError("the body has something behind its gzip")
            yield unpacker.decompress(part, max_bytes + 1)
            while unpacker.unconsumed_tail:
                yield unpacker.decompress(unpacker.unconsumed_tail, max_bytes + 1)
    except zlib.error as error:
        raise BadRequestError("the body is no gzip, as its Content-Encoding says") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BadRequestError("the body is no whole gzip, as its Content-Encoding says")
