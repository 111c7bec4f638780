"""Header names that are not UTF-8: Kafka carries them, aiokafka neither reads nor writes them.

Reading, aiokafka 0.14 raises ``UnicodeDecodeError`` for a batch that has such a name, and would do
so for ever; writing, it takes only names that encode. Here such a batch is read by aiokafka's own
Python parser, with each undecodable byte kept as a lone surrogate (PEP 383), and written by its
Python builder, which turns them back into the same bytes. Nothing else is touched; this module
and ``tests/integration/messaging/test_header_names.py`` are what to look at when aiokafka changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

ENCODING: Final = "utf-8"
ERRORS: Final = "surrogateescape"

_LENGTH_AT: Final = 8
_LENGTH_SIZE: Final = 4
"""A record batch begins with its base offset (8 bytes) and its length from there on (4 bytes)."""


class RawName(str):
    """A header name that encodes to the bytes it was read from."""

    __slots__ = ()

    def encode(self, encoding: str = ENCODING, errors: str = ERRORS) -> bytes:
        """The original bytes, whatever is asked for."""
        del encoding, errors
        return super().encode(ENCODING, ERRORS)


def is_writable(headers: Iterable[tuple[str, bytes]]) -> bool:
    """Whether aiokafka can write these headers as they are."""
    names = "".join([name for name, _ in headers])
    return names.isascii() or _encodes(names)


def raw(headers: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The headers with names that the Python builder writes byte for byte."""
    return [(RawName(name), value) for name, value in headers]


class RawBatch(BatchBuilder):  # type: ignore[misc]  # aiokafka is untyped
    """A batch for one record, built by aiokafka's Python builder, which writes raw names.

    Args:
        size: room for the record, in bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size, 0)
        self._builder = _DefaultRecordBatchBuilderPy(
            magic=2,
            compression_type=0,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=0,
            batch_size=size,
        )

    def _set_producer_state(self, *state: int) -> None:
        self._builder.set_producer_state(*state)


def install() -> None:
    """Have aiokafka's consumers read names that are not UTF-8; a second call changes nothing."""
    fetcher.MemoryRecords = TolerantRecords


def _encodes(name: str) -> bool:
    try:
        name.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return True


class TolerantRecords:
    """Fetched batches, as aiokafka's ``MemoryRecords`` hands them out."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._position = 0
        self._records = MemoryRecords(data)

    def has_next(self) -> bool:
        """Whether there is another batch."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """How large all batches are."""
        return int(self._records.size_in_bytes())

    def next_batch(self) -> TolerantBatch:
        """The next batch."""
        batch = self._records.next_batch()
        begin = self._position
        length = int.from_bytes(self._data[begin + _LENGTH_AT :][:_LENGTH_SIZE], "big")
        self._position = begin + _LENGTH_AT + _LENGTH_SIZE + length
        return TolerantBatch(batch, self._data[begin : self._position])


class TolerantBatch:
    """One batch: read by the compiled parser for as long as that can, else by the Python one."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        except UnicodeDecodeError:
            tolerant = _PythonBatch(bytearray(self._data))
            yield from islice(tolerant, read, None)


class _PythonBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka is untyped
    """aiokafka's Python parser over a buffer whose slices decode any bytes."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _Buffer(self._buffer)


class _Buffer(bytearray):
    """A buffer whose slices decode as header names."""

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return _Slice(part) if isinstance(index, slice) else part


class _Slice(bytearray):
    def decode(self, encoding: str = ENCODING, errors: str = ERRORS) -> str:
        """The name, with undecodable bytes as lone surrogates."""
        del errors
        return super().decode(encoding, ERRORS)
