"""Decompression of record batches into a buffer of limited size.

A batch of 4 kB may expand to gigabytes, and its declared size may be false, so neither is trusted:
every codec writes into a buffer of fixed size and stops at its end. The buffer is anonymous memory,
of which only the pages that were written take up memory.
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
"""Result size, in bytes, beyond which the buffer itself is returned and a new one made: copying the
result would cost more, and the written pages would stay with the process."""

_FULL: Final = "failed to write whole buffer"
"""cramjam's error text if the output does not fit (Rust's ``std::io::Write::write_all``)."""

_PIECE: Final = 64 * 1024
"""The longest piece that snappy's encoders write at once, in bytes."""

_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16
_XERIAL_LENGTH: Final = 4
"""Java's snappy: a header of 16 bytes, then blocks, each behind its length in 4 bytes."""


class DecompressedBatch(NamedTuple):
    """Decompressed bytes of a record batch, whole or cut at the limit.

    Attributes:
        data: the room that was asked for in front, then the bytes.
        whole: False if there is more than was allowed; ``data`` then has the beginning.
    """

    data: bytes | memoryview
    whole: bool


class UnreadableBatchError(ValueError):
    """Raised when a record batch's compressed bytes are damaged."""


def decompress_batch(
    codec: int, compressed: memoryview, *, limit: int, front: bytes = b""
) -> DecompressedBatch:
    """Decompress a record batch, up to a limit of bytes.

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
        return DecompressedBatch(data, whole)
    _keep_buffer(buffer)
    return DecompressedBatch(bytes(data), whole)


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
    # The decoder refuses a block whose declared length exceeds the buffer. With a smaller length
    # declared it writes until a piece does not fit, so the beginning is recovered.
    with suppress(cramjam.DecompressionError):
        cramjam.snappy.decompress_raw_into(_shortened(block, len(room)), room)
    return max(0, len(room) - _PIECE), False


def _shortened(block: memoryview, length: int) -> bytes:
    """Return a block of raw snappy with its length header set to ``length`` bytes."""
    header = bytearray()
    while length >= _CONTINUED:
        header.append(length % _CONTINUED | _CONTINUED)
        length //= _CONTINUED
    header.append(length)
    behind = next(at for at, byte in enumerate(block) if byte < _CONTINUED) + 1
    return bytes(header) + block[behind:]


_CONTINUED: Final = 0x80
"""The continuation bit of a varint's bytes: another byte follows."""


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
    """Return a buffer of at least ``size`` bytes that no one else writes to."""
    kept: mmap.mmap | None = getattr(_spare, "buffer", None)
    _spare.buffer = None
    return kept if kept is not None and len(kept) >= size else mmap.mmap(-1, size)


def _keep_buffer(buffer: mmap.mmap) -> None:
    _spare.buffer = buffer
