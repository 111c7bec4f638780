"""Batches are read in no more memory than one may take, whatever they say of themselves."""

from __future__ import annotations

import asyncio
import gc
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any
from weakref import ref

import cramjam
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from messaging.consumer import batch_reader
from messaging.consumer.batch_memory import BATCH_MEMORY
from messaging.consumer.batch_reader import BatchDigestRecorder, BoundedMemoryRecords
from messaging.consumer.corrupt_batches import CorruptionLocatingRecords
from messaging.consumer.oversize import OversizeValue
from messaging.limits import KEY_BYTES
from support.bombs import CODECS, MIB, batch, many_records, one_record, tiny_records

LIMIT = MIB
each_codec = pytest.mark.parametrize("codec", CODECS)


@pytest.fixture(autouse=True)
def _limited() -> Iterator[None]:
    batch_reader.install_bounded_batch_reader(LIMIT)
    yield
    batch_reader.install_bounded_batch_reader()


def reader(
    data: bytes, begin: int = 0, of: type[PartitionRecords] = PartitionRecords
) -> Iterator[Any]:
    """What aiokafka's consumer keeps of a fetch until everything is read."""
    place = TopicPartition("t", 0)
    records = BoundedMemoryRecords(data)
    assert records.has_next()  # else aiokafka takes it for a batch larger than a fetch
    return iter(of(place, records, [], begin, None, None, check_crcs=True, isolation_level=0))


def read(data: bytes, begin: int = 0) -> list[Any]:
    """The records as aiokafka's consumer reads them."""
    return list(reader(data, begin))


def placed(data: bytes, offset: int) -> bytes:
    """A batch as a broker has stored it."""
    return offset.to_bytes(8, "big") + data[8:]


@each_codec
def test_reads_ordinary_batches_as_aiokafka_does(codec: str) -> None:
    seed = random.Random(codec)
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], 0, -1, -1, -1, LIMIT)
    values = [seed.randbytes(seed.randrange(2_000)) + b"a" * 500 for _ in range(200)]
    for offset, value in enumerate(values):
        builder.append(offset, timestamp=7, key=b"%d" % offset, value=value, headers=[("h", b"1")])

    found = read(placed(bytes(builder.build()), 1_000), begin=1_003)

    assert [one.value for one in found] == values[3:]
    assert [one.offset for one in found] == list(range(1_003, 1_200))
    assert {one.headers for one in found} == {(("h", b"1"),)}
    assert {one.timestamp for one in found} == {7}


@each_codec
@pytest.mark.parametrize("over", [False, True])
def test_the_limit_is_of_the_records_bytes(codec: str, *, over: bool) -> None:
    around = len(b"".join(one_record(100_000))) - 100_000
    record = one_record(LIMIT - around + over)

    (found,) = read(batch(codec, record))

    assert isinstance(found.value, OversizeValue) is over
    assert over or found.value == bytes(LIMIT - around)


@each_codec
def test_a_larger_batch_is_a_record_that_says_so_and_has_its_beginning(codec: str) -> None:
    bomb = placed(batch(codec, one_record(3 * LIMIT, key=b"abc", begins=b"0123" * 2_000)), 5)
    good = placed(batch(codec, one_record(10, begins=b"good")), 6)

    oversize, behind = read(bomb + good, begin=5)

    assert (oversize.offset, oversize.key, oversize.headers) == (5, b"abc", ())
    assert oversize.timestamp > 0
    assert oversize.value == (b"0123" * 2_000)[: 4 * 1024]
    told = oversize.value.known
    assert (told.kind, told.size_bytes) == ("batch", len(bomb))
    assert "KAFKA_MAX_BATCH_BYTES" in told.complaint
    assert told.sha256 == batch_reader.compute_batch_digest(memoryview(bomb))
    assert behind.value.startswith(b"good")


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
def test_every_offset_of_a_larger_batch_is_told(codec: str) -> None:
    number = LIMIT // 8 + 1
    data = placed(batch(codec, tiny_records(number), number), 100)

    found = read(data, begin=103)

    assert [one.offset for one in found] == list(range(103, 100 + number))
    assert all(isinstance(one.value, OversizeValue) and not one.value for one in found)


def test_a_header_may_be_what_is_too_large() -> None:
    (found,) = read(batch("zstd", one_record(20, begins=b"told", header=2 * LIMIT)))

    assert isinstance(found.value, OversizeValue)
    assert found.value == b"told".ljust(20, b"\0")


def test_a_key_may_be_what_is_too_large_and_the_records_beside_it_are_read() -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, LIMIT)
    keys = [b"k", b"l" * (KEY_BYTES + 1), b"m" * KEY_BYTES]
    for offset, key in enumerate(keys):
        builder.append(offset, timestamp=7, key=key, value=b"v", headers=[("h", b"1")])
    data = bytes(builder.build())

    before, large, behind = read(data)

    assert (before.key, behind.key) == (keys[0], keys[2])
    assert (large.offset, large.timestamp, large.value) == (1, 7, b"v")
    assert keys[1].startswith(large.key)
    assert len(large.key) < KEY_BYTES
    assert large.value.known.sha256 == batch_reader.compute_batch_digest(memoryview(data))


def test_raw_snappy_is_limited_as_javas_is() -> None:
    record = b"".join(one_record(2 * LIMIT, begins=b"begins"))
    plain = batch("none", [record])
    block = bytes(cramjam.snappy.compress_raw(record))
    data = batch("snappy", [])[:61]
    data = data[:8] + (len(block) + 49).to_bytes(4, "big") + data[12:] + block

    (found,) = list(BoundedMemoryRecords(data).next_batch())

    assert isinstance(found.value, OversizeValue)
    assert found.value.startswith(b"begins")
    assert len(block) < len(plain)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_batches_of_several_frames_are_limited_as_a_whole(codec: str) -> None:
    def frames(number: int) -> bytes:
        body = batch(codec, [bytes(LIMIT // 2)])[61:]
        data = batch(codec, [])[:61]
        data = data[:8] + (number * len(body) + 49).to_bytes(4, "big") + data[12:]
        return data + number * body

    (found,) = list(BoundedMemoryRecords(frames(3)).next_batch())

    assert isinstance(found.value, OversizeValue)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_damaged_batch_is_said_to_be_damaged(codec: str) -> None:
    data = batch(codec, one_record(100_000, begins=random.Random(1).randbytes(90_000)))
    damaged = data[:8] + (len(data) - 112).to_bytes(4, "big") + data[12:-100]

    with pytest.raises(CorruptRecordException):
        list(BoundedMemoryRecords(damaged).next_batch())


def test_what_is_left_of_a_fetch_is_fetched_again_after_much_was_decompressed() -> None:
    batch_reader.install_bounded_batch_reader(64 * MIB)
    large = batch("zstd", one_record(10 * MIB))
    data = b"".join(placed(large, offset) for offset in range(5))

    assert [one.offset for one in read(data)] == [0, 1]


async def test_a_poll_of_many_partitions_is_bounded_as_a_whole() -> None:
    batch_reader.install_bounded_batch_reader(64 * MIB)
    data = batch("zstd", one_record(10 * MIB))

    first = [len(read(data)) for _ in range(6)]
    await asyncio.sleep(0)
    second = [len(read(data)) for _ in range(6)]

    assert first == second == [1, 1, 1, 1, 0, 0]


async def test_a_poll_of_batches_that_were_read_in_part_is_bounded_and_the_next_goes_on() -> None:
    batch_reader.install_bounded_batch_reader(64 * MIB)
    data = batch("zstd", many_records(40, MIB), 40)
    readers = {at: reader(data, of=CorruptionLocatingRecords) for at in range(4)}
    found: dict[int, list[int]] = {}
    for at, one in readers.items():
        found[at] = [record.offset for record in islice(one, 3)]
        await asyncio.sleep(0)
    polled: list[int] = []

    for _ in range(10):
        more = {at: [record.offset for record in one] for at, one in readers.items()}
        for at, offsets in more.items():
            found[at] += offsets
        # What the poll did not bring is fetched again.
        left = [at for at, offsets in found.items() if len(offsets) < 40]
        readers = {at: reader(data, len(found[at]), of=CorruptionLocatingRecords) for at in left}
        polled.append(sum(map(len, more.values())))
        await asyncio.sleep(0)

    assert all(offsets == list(range(40)) for offsets in found.values())
    assert max(polled) == 33
    assert BATCH_MEMORY.held_bytes <= 2 * 64 * MIB


async def test_what_arrives_in_the_midst_of_a_full_poll_is_no_batch_larger_than_a_fetch() -> None:
    batch_reader.install_bounded_batch_reader(64 * MIB)
    assert len(read(batch("zstd", one_record(40 * MIB)))) == 1

    arrived = BoundedMemoryRecords(batch("zstd", one_record(10)))

    assert arrived.has_next()  # aiokafka skips an offset and raises RecordTooLargeError else
    assert not arrived.has_next()  # before the first batch is read


@each_codec
@pytest.mark.parametrize("name", [b"h", b"\xff"])
def test_batches_read_in_turns_stay_within_their_room_and_lose_nothing(
    codec: str, name: bytes
) -> None:
    seed = random.Random(f"{codec} {name!r}")
    number, size = 20, 40_000
    one = batch(codec, many_records(number, size, name), number)
    data = b"".join(placed(one, number * at) for at in range(3))
    readers = {at: reader(data) for at in range(6)}
    found: dict[int, list[Any]] = {at: [] for at in readers}

    while readers:
        at = seed.choice(sorted(readers))
        more = list(islice(readers[at], wanted := seed.randrange(1, 15)))
        found[at] += more
        if len(more) < wanted:
            del readers[at]
        assert BATCH_MEMORY.held_bytes <= 2 * LIMIT

    assert BATCH_MEMORY.held_bytes == 0
    for records in found.values():
        assert [record.offset for record in records] == list(range(3 * number))
        values = [int.from_bytes(record.value[:4], "big") for record in records]
        assert values == 3 * list(range(number))
        assert {len(record.value) for record in records} == {size}
        assert {record.headers[0][0].encode(errors="surrogateescape") for record in records} == {
            name
        }


def test_a_batch_that_nobody_reads_on_leaves_the_account() -> None:
    read_in_part = reader(batch("zstd", many_records(20, 40_000), 20))
    next(read_in_part)
    assert 800_000 < BATCH_MEMORY.held_bytes < LIMIT

    del read_in_part
    gc.collect()  # aiokafka's reader is a cycle

    assert BATCH_MEMORY.held_bytes == 0


@each_codec
@pytest.mark.parametrize("read", [0, 1, 5])
def test_what_a_seek_discards_is_freed_without_the_collector_of_cycles(
    codec: str, read: int
) -> None:
    gc.collect()
    gc.disable()
    try:
        discarded = reader(batch(codec, many_records(10, 1_000), 10), of=CorruptionLocatingRecords)
        assert len(list(islice(discarded, read))) == read
        fetched = ref(discarded._records)  # type: ignore[attr-defined]
        del discarded
        assert fetched() is None
    finally:
        gc.enable()


def test_tells_the_digest_of_the_batch_an_offset_is_in() -> None:
    first, second = placed(batch("lz4", one_record(1)), 4), placed(batch("lz4", one_record(2)), 5)

    with BatchDigestRecorder(5) as digests:
        read(first + second, begin=4)
    read(first, begin=4)

    assert digests.found == {batch_reader.compute_batch_digest(memoryview(second))}


BOMBED = """
import resource, sys
from messaging.consumer import batch_reader
from messaging.consumer.batch_reader import BoundedMemoryRecords
from support.bombs import MIB, batch, one_record
data = batch(sys.argv[1], one_record(130 * MIB))
batch_reader.install_bounded_batch_reader(8 * MIB)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(3):
    (found,) = list(BoundedMemoryRecords(data).next_batch())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_of_130_mib_takes_no_more_memory_than_the_limit(codec: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOMBED, codec],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) < 12 * 1024  # kB


READ_IN_PART = """
import resource
from itertools import islice
from messaging.consumer import batch_reader
from integration.messaging.test_batch_reader import reader
from support.bombs import MIB, batch, many_records
data = batch("zstd", many_records(50, MIB), 50)
assert len(data) < 20_000
batch_reader.install_bounded_batch_reader()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
readers = [reader(data) for _ in range(20)]
for one in readers:
    assert [record.offset for record in islice(one, 3)] == [0, 1, 2]
for one in readers:
    at = 3
    for record in one:
        assert (record.offset, record.value[:4]) == (at, at.to_bytes(4, "big"))
        at += 1
    assert at == 50
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_batches_of_50_mib_read_in_part_in_20_partitions_take_no_more_than_two_of_64_mib() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ_IN_PART],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) < (2 * 64 + 16) * 1024  # kB
