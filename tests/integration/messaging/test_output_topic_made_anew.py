"""A topic that a stage writes to is deleted and made anew while it works."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from contracts.topics import CHUNKS_READY
from messaging import KafkaUnavailableError
from messaging.kafka.admin import create_topics, open_admin_client
from messaging.producer.partitioner import choose_partition
from messaging.producer.publisher import Publisher
from support.broker import bench_on
from support.waiting import until

TRIES = 3
OUT = replace(CHUNKS_READY, partitions=4)
LAST = OUT.partitions - 1


@pytest.mark.parametrize("partitions", [4, 1], ids=["as before", "with fewer partitions"])
async def test_records_reach_a_topic_that_was_made_anew_between_two(
    broker: str, partitions: int
) -> None:
    bench = await bench_on(broker, [OUT])
    name = bench.kafka.topic(OUT.name)
    some = (b"%d" % number for number in range(40))
    keys = [key for key in some if choose_partition(key, range(OUT.partitions)) == LAST]
    async with Publisher(bench.kafka, source="/test") as publisher:
        for key in keys:
            await publisher.forward(OUT.name, key, b"old", ())
        async with open_admin_client(bench.kafka) as admin:
            await admin.delete_topics([name])

            async def is_gone() -> bool:
                return name not in await admin.list_topics()

            await until(is_gone)
        await create_topics(bench.kafka, [replace(OUT, partitions=partitions)])
        await until(partial(knows, publisher, name, partitions))
        for key in keys:
            await forward_again(publisher, key)
    assert await bench.size(OUT.name) == len(keys)


async def knows(publisher: Publisher, name: str, partitions: int) -> bool:
    """Whether the client has heard how many partitions the topic has now."""
    client = publisher._producer.client
    await client.force_metadata_update()
    return len(client.cluster.partitions_for_topic(name) or ()) == partitions


async def forward_again(publisher: Publisher, key: bytes) -> None:
    """Send as a stage does, for which an outage is no failure of the message."""
    for _ in range(TRIES - 1):
        with suppress(KafkaUnavailableError):
            await publisher.forward(OUT.name, key, b"new", ())
            return
    await publisher.forward(OUT.name, key, b"new", ())
