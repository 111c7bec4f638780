"""Compression bombs: record batches that are small when sent and huge once decompressed.

They are compressed piece by piece, so that making one takes no more memory than it has bytes
compressed; ``send`` has a broker take it as from any producer.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any, Final

import cramjam
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.util import calc_crc32c, encode_varint

from messaging import KafkaSettings

MIB: Final = 1024 * 1024
CODECS: Final = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
XERIAL: Final = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_PIECE: Final = MIB


def zeros(size: int) -> Iterator[bytes]:
    """Yield ``size`` zero bytes, in pieces."""
    yield from repeat(bytes(_PIECE), size // _PIECE)
    yield bytes(size % _PIECE)


def one_record(
    size: int,
    *,
    key: bytes = b"k",
    begins: bytes = b"",
    header: int = 0,
    name: bytes = b"big",
) -> Iterator[bytes]:
    """Return a record with a value of ``size`` bytes, or with a header of ``header`` bytes more.

    Args:
        size: bytes of the value, zeros but for how it begins.
        key: the key.
        begins: how the value begins.
        header: bytes of the one header; there is none for 0.
        name: its name.
    """
    before = b"\x00\x00\x00" + _bytes(key) + _varint(size) + begins
    if not header:
        behind = b"\x00"
        length = len(before) + size - len(begins) + len(behind)
        return chain([_varint(length), before], zeros(size - len(begins)), [behind])
    behind = _varint(1) + _bytes(name) + _varint(header)
    length = len(before) + size - len(begins) + len(behind) + header
    return chain([_varint(length), before], zeros(size - len(begins)), [behind], zeros(header))


def tiny_records(number: int, value: bytes = b"x") -> Iterator[bytes]:
    """Return ``number`` records of a few bytes each."""
    for offset in range(number):
        body = b"\x00\x00" + _varint(offset) + _varint(-1) + _bytes(value) + b"\x00"
        yield _varint(len(body)) + body


def many_records(number: int, size: int, name: bytes = b"h") -> Iterator[bytes]:
    """Yield records of ``size`` zero bytes behind their offset, each with a header.

    Args:
        number: how many.
        size: bytes of a value, at least four.
        name: the header's name.
    """
    behind = _varint(1) + _bytes(name) + _bytes(b"1")
    for offset in range(number):
        body = b"\x00\x00" + _varint(offset) + _varint(-1) + _varint(size)
        length = len(body) + size + len(behind)
        yield _varint(length) + body + offset.to_bytes(4, "big") + bytes(size - 4) + behind


def batch(codec: str, records: Iterable[bytes], number: int = 1) -> bytes:
    """Return a record batch, as a producer sends it.

    Args:
        codec: the name of its compression.
        records: the records' bytes, in pieces.
        number: how many records they are.
    """
    body = b"".join(_compressed(codec, records))
    now = int(time.time() * 1000)
    checked = struct.pack(">hiqqqhii", CODECS[codec], number - 1, now, now, -1, -1, -1, number)
    checked += body
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, calc_crc32c(checked)) + checked


async def send(kafka: KafkaSettings, topic: str, data: bytes, *, partition: int = 0) -> None:
    """Send a prepared batch to the broker."""
    number = _HEADER.unpack_from(data)[12]
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, max_request_size=256 * MIB, acks="all"
    ) as producer:
        built = _Built(data, number)
        await (await producer.send_batch(built, kafka.topic(topic), partition=partition))


class _Built(BatchBuilder):  # type: ignore[misc]  # aiokafka is untyped
    """A batch builder whose batch is finished already."""

    def __init__(self, data: bytes, number: int) -> None:
        super().__init__(len(data), 0)
        self._buffer = bytearray(data)
        self._relative_offset = number
        self.close()

    def _set_producer_state(self, *_: int) -> None: ...


def _compressed(codec: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    if codec == "none":
        yield from pieces
    elif codec == "snappy":
        yield XERIAL
        for piece in _joined(pieces):
            block = bytes(cramjam.snappy.compress_raw(piece))
            yield struct.pack(">i", len(block)) + block
    else:
        yield from _streamed(codec, _joined(pieces))


def _streamed(codec: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    if codec == "gzip":
        gzip = zlib.compressobj(9, zlib.DEFLATED, 31)
        yield from map(gzip.compress, pieces)
        yield gzip.flush()
        return
    made: Any = (
        cramjam.zstd.Compressor()
        if codec == "zstd"
        else cramjam.lz4.Compressor(content_checksum=False, block_linked=False)
    )
    for piece in pieces:
        made.compress(piece)
    yield bytes(made.finish())


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in fewer pieces."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _PIECE:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _bytes(value: bytes) -> bytes:
    return _varint(len(value)) + value


def _varint(number: int) -> bytes:
    out = bytearray()
    encode_varint(number, out.append)
    return bytes(out)
