"""Content that is gzip in base64: compressed, and decompressed within bounds."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from typing import Final

GZIP_MAGIC: Final = b"\x1f\x8b"
"""How a gzip file begins (RFC 1952, section 2.3.1)."""

MAX_GZIP_MEMBERS: Final = 1_000
"""Most gzip files one after another in one; each costs a copy of what follows."""

_GZIP_FORMAT: Final = zlib.MAX_WBITS | 16


class MalformedGzipError(ValueError):
    """Raised when content is not valid gzip data in base64."""


class OversizedGzipError(ValueError):
    """Raised when gzip content exceeds the size limit after decompression."""


def compress_text(text: str) -> str:
    """Compress a text with gzip, and encode the result in base64."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")


def decode_base64(content: str) -> bytes:
    """Decode base64 text, with or without line breaks, to bytes.

    Raises:
        MalformedGzipError: it is no base64, or what it stands for is no gzip file.
    """
    try:
        data = base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedGzipError("is not gzip in base64") from error
    if not data.startswith(GZIP_MAGIC):
        raise MalformedGzipError("is not gzip in base64")
    return data


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """Decompress gzip data; raise ``OversizedGzipError`` beyond ``max_bytes``.

    Raises:
        MalformedGzipError: it is no gzip file, or not a whole one.
        OversizedGzipError: it holds more than ``max_bytes``.
    """
    content = bytearray()
    for _ in range(MAX_GZIP_MEMBERS):
        member = zlib.decompressobj(_GZIP_FORMAT)
        try:
            content += member.decompress(data, max_bytes + 1 - len(content))
        except zlib.error as error:
            raise MalformedGzipError("is not valid gzip") from error
        if len(content) > max_bytes:
            raise OversizedGzipError(f"holds more than {max_bytes:,} bytes")
        if not member.eof:
            raise MalformedGzipError("is gzip that ends too early")
        data = member.unused_data.lstrip(b"\0")  # padding, as of a tape, is no content
        if not data:
            return bytes(content)
    raise MalformedGzipError(f"is more than {MAX_GZIP_MEMBERS:,} gzip files in one")
