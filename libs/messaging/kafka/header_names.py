"""Header names that are not UTF-8, which aiokafka can neither read nor write.

Reading, aiokafka 0.14 raises ``UnicodeDecodeError`` for a batch that has such a name, and would do
so for ever; writing, it takes only names that encode. Here such a batch is read by aiokafka's own
Python parser, with each undecodable byte kept as a lone surrogate (PEP 383), and written by its
Python builder, which turns them back into the same bytes. ``batch_reader`` decides which
parser reads a batch. Check this module and ``tests/integration/messaging/test_header_names.py``
when aiokafka is upgraded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy, _DefaultRecordBatchPy

ENCODING: Final = "utf-8"
ERRORS: Final = "surrogateescape"


class RawHeaderName(str):
    """Kafka header name, as a string that keeps its exact bytes even if they are not UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = ENCODING, errors: str = ERRORS) -> bytes:
        """Return the original bytes, whatever encoding is asked for."""
        del encoding, errors
        return super().encode(ENCODING, ERRORS)


def can_aiokafka_encode_headers(headers: Iterable[tuple[str, bytes]]) -> bool:
    """Return whether aiokafka's compiled batch builder can encode the names of some headers."""
    names = "".join([name for name, _ in headers])
    return names.isascii() or _encodes(names)


def to_raw_header_names(headers: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Convert header names so that aiokafka writes exactly the bytes that were read."""
    return [(RawHeaderName(name), value) for name, value in headers]


class SingleRecordBatchBuilder(BatchBuilder):  # type: ignore[misc]  # aiokafka is untyped
    """Builder of a batch of one record, whose header names may be arbitrary bytes.

    Args:
        size: room for the record, in bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size, 0)
        # In place of the compiled builder, which the base class makes without a choice. Producer
        # id, epoch and sequence are set by the sender, just before it sends.
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


def _encodes(name: str) -> bool:
    try:
        name.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return True


class NonUtf8RecordBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka is untyped
    """Parser of uncompressed record batches whose header names need not be UTF-8."""

    def _maybe_uncompress(self) -> None:
        # aiokafka calls this before it reads a batch's first record, and cuts header names out of
        # the buffer: so that is where the kind of slice is decided.
        self._decompressed = True
        self._buffer: bytearray = _Buffer(self._buffer)


class _Buffer(bytearray):
    """A buffer whose slices decode as header names."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return _Slice(memoryview(self)[index])  # one copy, however long
        return super().__getitem__(index)


class _Slice(bytes):
    def decode(self, encoding: str = ENCODING, errors: str = ERRORS) -> str:
        """Return the name, with undecodable bytes as lone surrogates."""
        del errors  # aiokafka decodes strictly, and would fail the whole batch
        return super().decode(encoding, ERRORS)
