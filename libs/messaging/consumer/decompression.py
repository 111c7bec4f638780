"""Decompresses a record batch into no more memory than is allowed for one.

A batch of 4 kB may hold gigabytes, and what it says of its own size may be untrue, so nothing is
believed: every codec writes into a buffer of a fixed size and stops where that ends. The buffer is
anonymous memory that takes up only the pages that were written.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import cramjam

GZIP: Final = 1
SNAPPY: Final = 2
LZ4: Final = 3
ZSTD: Final = 4
"""Codecs by their numbers in a batch's attributes (KIP-110 for zstd)."""

KEPT_BYTES: Final = 4 * 1024 * 1024
"""A buffer that was used beyond this is handed over whole and made anew, in bytes: a copy of it
would cost more than a new one, and its pages would stay with the process."""

_FULL: Final = "failed to write whole buffer"
"""How cramjam words that the output does not fit (Rust's ``std::io::Write::write_all``)."""

_PIECE: Final = 64 * 1024
"""The longest piece that snappy's encoders write at once, in bytes."""

_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16
_XERIAL_LENGTH: Final = 4
"""Java's snappy: a header of 16 bytes, then blocks, each behind its length in 4 bytes."""


class Decompressed(NamedTuple):
    """What came out of a batch.

    Attributes:
        data: the room that was asked for in front, then the bytes.
        whole: False if there is more than was allowed; ``data`` then has the beginning.
    """

    data: bytes | memoryview
    whole: bool


class UnreadableBatchError(ValueError):
    """The bytes are not what their codec says."""


def decompress(
    codec: int, compressed: memoryview, *, limit: int, front: bytes = b""
) -> Decompressed:
    """Decompress as much as is allowed.

    Args:
        codec: its number, from 1 to 4.
        compressed: the bytes.
        limit: most bytes that may come out.
        front: goes before them.

    Raises:
        UnreadableBatchError: they are damaged, or there is no such codec.
    """
    writes = _WRITERS.get(codec)
    if writes is None:
        raise UnreadableBatchError(f"there is no codec {codec}")
    begin = len(front)
    buffer = _take_buffer(begin + limit)
    room = memoryview(buffer)
    room[:begin] = front
    try:
        written, whole = writes(compressed, room[begin : begin + limit])
    except cramjam.DecompressionError as error:
        if _FULL not in str(error):
            raise UnreadableBatchError("the batch is damaged") from error
        written, whole = limit, False
    data = room[: begin + written]
    if len(data) > KEPT_BYTES or not whole:
        return Decompressed(data, whole)
    _keep_buffer(buffer)
    return Decompressed(bytes(data), whole)


def _write_snappy(compressed: memoryview, room: memoryview) -> tuple[int, bool]:
    if len(compressed) <= _XERIAL_HEADER or bytes(compressed[: len(_XERIAL)]) != _XERIAL:
        return _write_block(compressed, room)
    at, written = _XERIAL_HEADER, 0
    while at < len(compressed):
        length = int.from_bytes(compressed[at : at + _XERIAL_LENGTH], "big")
        at += _XERIAL_LENGTH
        more, whole = _write_block(compressed[at : at + length], room[written:])
        written += more
        if not whole:
            return written, False
        at += length
    return written, True


def _write_block(block: memoryview, room: memoryview) -> tuple[int, bool]:
    # A block begins with the length of what is in it.
    if cramjam.snappy.decompress_raw_len(block) <= len(room):
        return int(cramjam.snappy.decompress_raw_into(block, room)), True
    # The decoder refuses such a block without a look at it, unless it seems to fit; then it
    # writes until a piece does not.
    with suppress(cramjam.DecompressionError):
        cramjam.snappy.decompress_raw_into(_shortened(block, len(room)), room)
    return max(0, len(room) - _PIECE), False


def _shortened(block: memoryview, length: int) -> bytes:
    """A block of raw snappy that says it holds ``length`` bytes."""
    told = bytearray()
    while length >= _CONTINUED:
        told.append(length % _CONTINUED | _CONTINUED)
        length //= _CONTINUED
    told.append(length)
    behind = next(at for at, byte in enumerate(block) if byte < _CONTINUED) + 1
    return bytes(told) + block[behind:]


_CONTINUED: Final = 0x80
"""The bit of a byte of a varint that says that another byte follows."""


def _write_gzip(compressed: memoryview, room: memoryview) -> tuple[int, bool]:
    return int(cramjam.gzip.decompress_into(compressed, room)), True


def _write_lz4(compressed: memoryview, room: memoryview) -> tuple[int, bool]:
    return int(cramjam.lz4.decompress_into(compressed, room)), True


def _write_zstd(compressed: memoryview, room: memoryview) -> tuple[int, bool]:
    return int(cramjam.zstd.decompress_into(compressed, room)), True


_WRITERS: Final[dict[int, Callable[[memoryview, memoryview], tuple[int, bool]]]] = {
    GZIP: _write_gzip,
    SNAPPY: _write_snappy,
    LZ4: _write_lz4,
    ZSTD: _write_zstd,
}

_spare = threading.local()


def _take_buffer(size: int) -> mmap.mmap:
    """A buffer of at least ``size`` bytes that nobody else writes to."""
    kept: mmap.mmap | None = getattr(_spare, "buffer", None)
    _spare.buffer = None
    return kept if kept is not None and len(kept) >= size else mmap.mmap(-1, size)


def _keep_buffer(buffer: mmap.mmap) -> None:
    _spare.buffer = buffer
