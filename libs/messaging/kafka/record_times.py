"""Timestamps of records that were not fetched yet, from the headers of their batches.

A fetch of one byte returns one whole batch, whatever its size. Its records are not decompressed:
the header has the timestamps of the first and of the latest one.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest

_READ_COMMITTED: Final = 1
_LEAST: Final = 1
"""Bytes asked for: a broker sends the first batch all the same (KIP-74)."""

_HEADER: Final = struct.Struct(">qiibIhiqq")
"""A record batch's header (magic 2) as far as needed: base offset, length, leader epoch, magic,
CRC, attributes, last offset delta, first and latest timestamp."""

_BEFORE_LENGTH: Final = 12
"""Bytes of a batch that its length does not count."""

_MAGIC: Final = 2
_LOG_APPEND_TIME: Final = 0b1000


async def fetch_record_timestamp(client: Any, partition: TopicPartition, offset: int) -> int | None:
    """Fetch the timestamp of the record at an offset, or of the first one behind it.

    It is exact for the first record of a batch, and where the broker sets the timestamps. Any other
    record of a batch is not older than the first one, whose timestamp is returned for it.

    Args:
        client: aiokafka's client.
        partition: where the record is.
        offset: of the record.

    Returns:
        Milliseconds since the epoch; None if there is no record, or none in a format of today.

    Raises:
        KafkaError: the leader is not known, or does not answer.
    """
    leader = client.cluster.leader_for_partition(partition)
    if leader is None or leader < 0:
        raise KafkaError(f"{partition.topic}-{partition.partition} has no leader now")
    wanted = [(partition.topic, [(partition.partition, offset, _LEAST)])]
    request = FetchRequest(0, 0, _LEAST, _READ_COMMITTED, wanted)
    response = await client.send(leader, request)
    for _, parts in response.topics:
        for _, error, *_, data in parts:
            if error:
                raise for_code(error)(f"{partition.topic}-{partition.partition}")
            return find_batch_timestamp(data or b"", offset)
    return None


def find_batch_timestamp(data: bytes, offset: int) -> int | None:
    """Return the timestamp of the first batch that reaches an offset; None if there is none.

    Args:
        data: record batches, the last one perhaps cut off.
        offset: of a record.
    """
    at = 0
    while len(data) - at >= _HEADER.size:
        base, length, _, magic, _, attributes, delta, first, latest = _HEADER.unpack_from(data, at)
        if magic != _MAGIC or length <= 0:
            return None
        if base + delta >= offset:
            return int(latest if attributes & _LOG_APPEND_TIME else first)
        at += _BEFORE_LENGTH + length
    return None
