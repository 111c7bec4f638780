"""Reads fetched record batches, each in no more memory than one batch may take.

aiokafka 0.14 decompresses a whole batch before it yields the first record, so a batch of 4 kB may
take gigabytes. ``install_bounded_batch_reader`` replaces aiokafka's ``MemoryRecords`` by these
classes: a batch is decompressed by ``decompression``, which stops at the limit, and its records are
read by aiokafka's compiled parser; by its Python parser where header names are not UTF-8.

A batch that is over the limit is not read. Each of its offsets yields a record whose value is an
``OversizeValue``, so that all of them are accounted for; the first one has the beginning of its
key and value. A batch is always of one producer, so nobody else's records are in it.

``tests/integration/messaging/test_batch_reader.py`` pins what is relied on of aiokafka, for its
upgrades.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from typing import Any, Final, NamedTuple, Self

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

from messaging.consumer.batch_memory import BATCH_MEMORY
from messaging.consumer.decompression import UnreadableBatchError, decompress_batch
from messaging.consumer.oversize import DigestScope, OversizeInfo, OversizeValue
from messaging.consumer.poll_size import POLL_BUDGET
from messaging.kafka.header_names import NonUtf8RecordBatch
from messaging.limits import KEY_BYTES, MAX_BATCH_BYTES, OPEN_BATCHES, PULL_BYTES

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
"""A record batch's header (magic 2): base offset, length, leader epoch, magic, CRC, attributes,
last offset delta, first and max timestamp, producer id and epoch, base sequence, record count."""

_LENGTH_AT: Final = 8
_MAGIC_AT: Final = 16
_CHECKED_FROM: Final = 21
_CODEC_AT: Final = 22
_CODEC: Final = 0b111
_LOG_APPEND_TIME: Final = 0b1000
_BATCHES: Final = 2
"""The first version of the format with batches as they are read here. Brokers have converted
older ones when they were written since Kafka 3.0, and 4.0 has none."""

FIRST_BYTES: Final = 4 * 1024
"""What is kept of the key and of the value of an oversize batch's first record, in bytes each."""

_settings: dict[str, int] = {"limit": MAX_BATCH_BYTES}


def install_bounded_batch_reader(max_batch_bytes: int = MAX_BATCH_BYTES) -> None:
    """Patch aiokafka in this process, so that consumers decompress batches within size limits.

    Args:
        max_batch_bytes: the most that a batch may be after decompression, in bytes; the latest
            call counts for all consumers.
    """
    _settings["limit"] = max_batch_bytes
    fetcher.MemoryRecords = BoundedMemoryRecords


def compute_batch_digest(batch: memoryview) -> str:
    """Return the SHA-256, in hex, of the part of a record batch that its CRC covers."""
    return sha256(batch[_CHECKED_FROM:]).hexdigest()


class BatchDigestRecorder:
    """Context manager that collects a digest of each read of the batch with a given offset.

    Args:
        offset: the offset, in whatever partition.

    Attributes:
        found: the digests of the batches that were read meanwhile.
    """

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self.found: set[str] = set()

    def __enter__(self) -> Self:
        _collecting.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _collecting.remove(self)

    def see(self, batch: memoryview) -> None:
        """Record the digest of a batch that is about to be read."""
        base, *_, delta, _, _, _, _, _, _ = _HEADER.unpack_from(batch)
        if base <= self._offset <= base + delta:
            self.found.add(compute_batch_digest(batch))


_collecting: list[BatchDigestRecorder] = []


class BoundedMemoryRecords:
    """Replacement for aiokafka's ``MemoryRecords`` that limits the decompressed size.

    Once more than ``PULL_BYTES`` of it were decompressed, or more than ``POLL_BYTES`` of all
    partitions in one poll, it reports that there are no more batches, and the consumer fetches the
    rest again from where it stands.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._position = 0
        self._read_bytes = 0
        self._arrived = True
        self._records = MemoryRecords(data)

    def has_next(self) -> bool:
        """Return whether another batch may be read now.

        The first answer is whether there is one at all: aiokafka asks when the fetch arrives, and
        takes a no for a batch that is larger than a fetch may be, of which it skips an offset.
        """
        arrived, self._arrived = self._arrived, False
        full = not arrived and (self._read_bytes > PULL_BYTES or POLL_BUDGET.is_full)
        return not full and bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """Return the size of all batches in bytes."""
        return int(self._records.size_in_bytes())

    def next_batch(self) -> BoundedRecordBatch:
        """Return the next batch."""
        batch = self._records.next_batch()
        begin = self._position
        length = int.from_bytes(self._data[begin + _LENGTH_AT :][:4], "big", signed=True)
        self._position = begin + _LENGTH_AT + 4 + length
        return BoundedRecordBatch(batch, self._data[begin : self._position], self._count)

    def _count(self, size: int) -> None:
        self._read_bytes += size
        POLL_BUDGET.decompress(size)


class BoundedRecordBatch:
    """Record batch that is decompressed, up to a size limit, when its records are read.

    Args:
        batch: aiokafka's own, which knows its header.
        data: its bytes as they were fetched.
        count: called with the number of bytes after decompression.
    """

    def __init__(self, batch: Any, data: memoryview, count: Any = lambda _: None) -> None:
        self._batch = batch
        self._data = data
        self._count = count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)  # of a control batch, which aiokafka reads so

    def __iter__(self) -> Iterator[Any]:
        for one in _collecting:
            one.see(self._data)
        return _Reading(self)

    def open(self, reading: _Reading, size: int | None) -> tuple[Iterator[Any], int]:
        """Start reading at the first record.

        Args:
            reading: the iterator that reads; it may be closed to free memory.
            size: bytes after decompression; None if that is not known yet.

        Returns:
            The records, and how many bytes they keep in memory beside what was fetched.

        Raises:
            CorruptRecordException: the batch is damaged, although its CRC is right.
        """
        limit = _settings["limit"]
        BATCH_MEMORY.make_room(limit if size is None else size, limit=limit)
        plain = self._plain()
        if plain is None:
            return iter(self._batch), 0
        if isinstance(plain, _Oversize):
            return plain.records(), 0
        BATCH_MEMORY.add(reading, len(plain))
        return iter(DefaultRecordBatch(plain)), len(plain)

    def open_tolerantly(self, reading: _Reading) -> Iterator[Any]:
        """Start reading at the first record, accepting header names of any bytes."""
        limit = _settings["limit"]
        BATCH_MEMORY.make_room(OPEN_BATCHES * limit, limit=limit)
        plain = self._plain()
        if isinstance(plain, _Oversize):
            return plain.records()
        plain = self._data if plain is None else plain
        BATCH_MEMORY.add(reading, len(plain))
        batch = NonUtf8RecordBatch(plain)
        del plain  # the parser copies it twice
        return iter(batch)

    def without_key(self, record: Any) -> Any:
        """Return a record in place of one whose key is too large."""
        complaint = f"the key has {len(record.key):,} bytes; the limit is {KEY_BYTES:,}"
        batch = _known(self._data, complaint)
        key, value = record.key[:FIRST_BYTES], (record.value or b"")[:FIRST_BYTES]
        return _Record(
            record.offset,
            record.timestamp,
            record.timestamp_type,
            key,
            OversizeValue.of(batch, value),
        )

    def _plain(self) -> bytes | memoryview | _Oversize | None:
        """Return the batch uncompressed; None if it is uncompressed already, or of an old format.

        Raises:
            CorruptRecordException: the batch is damaged, although its CRC is right.
        """
        data, limit = self._data, _settings["limit"]
        if data[_MAGIC_AT] < _BATCHES:
            return None
        codec = data[_CODEC_AT] & _CODEC
        if not codec:
            records = data[_HEADER.size :]
            self._count(len(records))
            return None if len(records) <= limit else _Oversize(data, limit, records)
        header = bytearray(data[: _HEADER.size])
        header[_CODEC_AT] &= ~_CODEC
        try:
            plain, whole = decompress_batch(
                codec, data[_HEADER.size :], limit=limit, front=bytes(header)
            )
        except UnreadableBatchError as error:
            raise CorruptRecordException(str(error)) from error
        self._count(len(plain))
        return plain if whole else _Oversize(data, limit, memoryview(plain)[_HEADER.size :])


class _Reading:
    """Reads one batch, whose bytes may be dropped at any time between two records.

    Args:
        batch: what is read.
    """

    def __init__(self, batch: BoundedRecordBatch) -> None:
        self._batch = batch
        self._records: Iterator[Any] | None = None
        self._read = 0
        self._size: int | None = None
        self._tolerant = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        records = self._records or self._open()
        try:
            record = next(records)
        except StopIteration:
            self.close()
            raise
        except UnicodeDecodeError:
            if self._tolerant:
                raise
            del records
            self.close()
            self._tolerant = True
            return next(self)
        self._read += 1
        key = record.key
        return record if key is None or len(key) <= KEY_BYTES else self._batch.without_key(record)

    def close(self) -> None:
        """Drop the decompressed bytes; reading goes on where it was."""
        self._records = None
        BATCH_MEMORY.remove(self)

    def _open(self) -> Iterator[Any]:
        if self._tolerant:
            records = self._batch.open_tolerantly(self)
        else:
            records, self._size = self._batch.open(self, self._size)
        for _ in islice(records, self._read):
            pass
        self._records = records
        return records


class _Record(NamedTuple):
    """A record with the fields that aiokafka's batches provide."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes
    checksum: None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class _Oversize:
    """A batch that exceeds the limit after decompression.

    Args:
        data: its bytes as they were fetched.
        limit: most bytes after decompression.
        beginning: of its decompressed records.
    """

    def __init__(self, data: memoryview, limit: int, beginning: memoryview) -> None:
        self._data = data
        self._limit = limit
        self._key, self._value = _first_key_and_value(beginning)

    def records(self) -> Iterator[_Record]:
        """Yield a record for each offset of the batch."""
        data = self._data
        base, _, _, _, _, attributes, last, first_at, max_at, *_ = _HEADER.unpack_from(data)
        appended = bool(attributes & _LOG_APPEND_TIME)
        at = max_at if appended else first_at
        batch = _known(
            data,
            f"the record batch has more than {self._limit:,} bytes after decompression; "
            "KAFKA_MAX_BATCH_BYTES sets the limit",
        )
        yield _Record(base, at, appended, self._key, OversizeValue.of(batch, self._value))
        other = OversizeValue.of(batch)
        for offset in range(base + 1, base + last + 1):
            yield _Record(offset, at, appended, None, other)


def _known(batch: memoryview, complaint: str) -> OversizeInfo:
    return OversizeInfo(DigestScope.BATCH, len(batch), compute_batch_digest(batch), complaint)


def _first_key_and_value(records: memoryview) -> tuple[bytes | None, bytes]:
    """Return the first bytes of the first record's key and value, as far as they are present."""
    key: bytes | None = None
    value = b""
    at = 0
    try:
        for _ in _BEFORE_THE_KEY:
            _, at = decode_varint(records, at)
        length, at = decode_varint(records, at)
        if length >= 0:
            key = bytes(records[at : at + min(length, FIRST_BYTES)])
            at += length
        length, at = decode_varint(records, at)
        value = bytes(records[at : at + min(max(0, length), FIRST_BYTES)])
    except (IndexError, ValueError):
        pass  # the beginning ends within them
    return key, value


_BEFORE_THE_KEY: Final = ("length", "attributes", "timestamp delta", "offset delta")
