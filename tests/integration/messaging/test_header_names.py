"""Header names that are not UTF-8 are read by aiokafka's own parser, made tolerant."""

from __future__ import annotations

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder, _DefaultRecordBatchBuilderPy

from messaging.consumer import batch_reader
from messaging.kafka import header_names

BAD = b"x-\xff\xfe".decode("utf-8", "surrogateescape")
HEADERS = ((BAD, b"\xff"), ("ok", b"1"), (BAD, b"2"))


@pytest.fixture(autouse=True)
def installed() -> None:
    batch_reader.install_bounded_batch_reader()


@pytest.mark.parametrize("compression", [0, 1])
def test_reads_a_batch_with_any_names_and_the_one_behind_it(compression: int) -> None:
    first = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, 1 << 20)
    first.append(0, timestamp=1, key=b"0", value=b"v", headers=[("fine", b"1")])
    first.append(
        1, timestamp=1, key=b"1", value=b"v", headers=header_names.to_raw_header_names(HEADERS)
    )
    second = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 20)
    second.append(0, timestamp=1, key=b"2", value=b"v", headers=[])
    fetched = batch_reader.BoundedMemoryRecords(bytes(first.build()) + bytes(second.build()))

    records = []
    while fetched.has_next():
        batch = fetched.next_batch()
        assert batch.validate_crc()
        records += list(batch)

    assert [record.key for record in records] == [b"0", b"1", b"2"]
    assert tuple(records[1].headers) == HEADERS
