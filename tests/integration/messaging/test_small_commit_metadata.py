"""A broker that takes less commit metadata than there is, or none, gets what it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest
import structlog

from contracts.topics import CHUNKS_READY
from messaging import Record
from messaging.consumer import offset_metadata
from messaging.kafka.admin import open_admin_client
from support.apache_kafka import JVM_THAT_STARTS_FAST, ApacheKafka, own_kafka
from support.broker import PROBE, QUICK, Bench, bench_on, probe_topics
from support.missing import require_kafka_jars
from support.stages import Stage
from support.waiting import until

NUMBER: Final = 400
WIDE = QUICK.model_copy(update={"max_in_flight": NUMBER, "deadline_s": 3_600.0})


@pytest.fixture(params=[48, 0])
def most(request: pytest.FixtureRequest) -> int:
    """Characters the broker takes."""
    return int(request.param)


@pytest.fixture
def kafka(most: int) -> Iterator[ApacheKafka]:
    require_kafka_jars()
    with own_kafka(
        settings=(f"offset.metadata.max.bytes={most}",), jvm=JVM_THAT_STARTS_FAST
    ) as running:
        yield running


async def commit_of(bench: Bench) -> tuple[int, str]:
    async with open_admin_client(bench.kafka) as admin:
        commits = await admin.list_consumer_group_offsets(bench.kafka.topic(PROBE))
    found = [one for at, one in commits.items() if at.topic == bench.kafka.topic("chunks-ready")]
    return tuple(found[0]) if found else (-1, "")


async def test_commits_with_less_metadata_and_says_so_once(kafka: ApacheKafka, most: int) -> None:
    bench = await bench_on(kafka.servers, probe_topics())
    stage, release, done = Stage(PROBE), asyncio.Event(), set[int]()
    handled: list[int] = []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        handled.append(record.offset)
        if record.offset and record.offset % 3 == 0:
            await release.wait()
        done.add(record.offset)

    await bench.send("chunks-ready", *(b"%d" % n for n in range(NUMBER)))
    with structlog.testing.capture_logs() as logs:

        def refusals() -> int:
            return sum(one["event"] == "commit_metadata_too_large" for one in logs)

        async with bench.running(stage, WIDE):
            # Earlier commits, of a few finished messages, fit: wait for the one that does not.
            await until(lambda: refusals() > 0, within_s=40)

            async def committed() -> bool:
                offset, metadata = await commit_of(bench)
                return offset == 3 and len(metadata) <= most

            await until(committed, within_s=40)
            offset, metadata = await commit_of(bench)
            known = offset_metadata.decode_commit_metadata(offset, metadata)
            assert {one for one in range(3, NUMBER) if one in known} <= done
            release.set()
            await bench.is_committed("chunks-ready", NUMBER)
    assert refusals() == 1
    (line,) = [one for one in logs if one["event"] == "commit_metadata_too_large"]
    assert f"offset.metadata.max.bytes to {offset_metadata.MAX_CHARACTERS}" in line["what"]
    # Nothing was refused for good: the next start finds the end.
    async with bench.running(stage, WIDE) as running:
        await running.is_ready()
        assert await bench.committed("chunks-ready") == NUMBER
    assert sorted(handled) == list(range(NUMBER))
