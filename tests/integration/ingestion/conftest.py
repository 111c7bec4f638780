"""A broker with ingestion's topics, and interviews to submit to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from contracts.topics import (
    CHUNKS_READY,
    INGESTION,
    RETRY_DELAYS_S,
    TRANSCRIPTS_INGESTED,
    TRANSCRIPTS_SUBMITTED,
    build_dlq_topic,
    build_retry_topic,
)
from support.broker import Bench, bench_on

TOPICS: Final = (
    TRANSCRIPTS_SUBMITTED,
    TRANSCRIPTS_INGESTED,
    CHUNKS_READY,
    *(build_retry_topic(INGESTION, tier) for tier in range(len(RETRY_DELAYS_S))),
    build_dlq_topic(INGESTION),
)


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, [replace(topic, partitions=1) for topic in TOPICS])
