"""A real service process: ingestion, stopped politely and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contracts.events import TranscriptSubmitted
from contracts.ids import transcript_id
from contracts.topics import (
    CHUNKS_READY,
    INGESTION,
    TRANSCRIPTS_INGESTED,
    TRANSCRIPTS_SUBMITTED,
    dlq_topic,
    retry_topic,
)
from messaging import Publisher
from support.broker import Bench, bench_on
from support.chunks import STUDY
from support.waiting import until

TOPICS = (
    TRANSCRIPTS_SUBMITTED,
    TRANSCRIPTS_INGESTED,
    CHUNKS_READY,
    *(retry_topic(INGESTION, tier) for tier in range(4)),
    dlq_topic(INGESTION),
)
NUMBER = 40


@pytest.fixture
async def filled(broker: str) -> Bench:
    """A bench with interviews waiting for ingestion."""
    bench = await bench_on(broker, TOPICS)
    async with Publisher(bench.kafka, source="/test") as publisher:
        await publisher.publish(
            TranscriptSubmitted(
                transcript_id=transcript_id("heating", str(n)),
                title=f"Interview {n}",
                study=STUDY,
                content=f"Ann: What do you pay?\n\nBen: About {n} pounds a month, I think.",
            )
            for n in range(NUMBER)
        )
    return bench


@contextmanager
def ingestion(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": bench.kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": bench.kafka.topic_prefix,
        "KAFKA_SESSION_TIMEOUT_MS": "6000",
        "KAFKA_GROUP_INSTANCE_ID": "one",
        "INGESTION_MAX_IN_FLIGHT": "2",
        "INGESTION_COMMIT_INTERVAL_S": "0.2",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ingestion.main"], env=env, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def ids_of(bench: Bench, topic: str) -> Counter[str]:
    """How often each interview is told of on a topic."""
    records = await bench.records(topic, await bench.size(topic))
    return Counter(record.key.decode() for record in records)


async def test_sigterm_ends_it_with_exit_code_0_and_everything_committed(filled: Bench) -> None:
    async def all_there() -> bool:
        return await filled.size("transcripts-ingested") == NUMBER

    with ingestion(filled) as process:
        await until(all_there, within_s=60)
        process.send_signal(signal.SIGTERM)
        await until(lambda: process.poll() is not None, within_s=35)
        assert process.returncode == 0
    assert await filled.committed("transcripts-submitted", INGESTION) == NUMBER
    assert await filled.size("chunks-ready") == NUMBER


async def test_kill_9_and_a_restart_lose_nothing(filled: Bench) -> None:
    async def begun() -> bool:
        return await filled.size("transcripts-ingested") > 0

    with ingestion(filled) as process:
        await until(begun, within_s=60)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with ingestion(filled):
        await filled.is_committed("transcripts-submitted", NUMBER, INGESTION)
    everything = {str(transcript_id("heating", str(n))) for n in range(NUMBER)}
    assert set(await ids_of(filled, "transcripts-ingested")) == everything
    # A redelivery may tell of a chunk twice, but always under the same id.
    assert len(await ids_of(filled, "chunks-ready")) == NUMBER
    assert await filled.size("ingestion-dlq") == 0
