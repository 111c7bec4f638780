"""A small interview is not held up by costly ones that came before it, whatever their form."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest

from contracts.events import TranscriptIngested
from contracts.topics import (
    INGESTION,
    TRANSCRIPTS_INGESTED,
)
from database.settings import PostgresSettings
from messaging import Publisher
from onrecord.client import compress_content
from support.admission import open_ingestion
from support.broker import Bench
from support.hostile_interviews import HOSTILE
from support.service_process import service_process
from support.submissions import submitted

PLAIN: Final = 5
COMPRESSED: Final = 4
"""Costly interviews, about a second of CPU time each, in the order in which they are sent."""
WITHIN_S: Final = 200.0


@pytest.mark.long
async def test_a_small_interview_is_read_before_costly_ones_that_came_earlier(
    bench: Bench, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    marks = HOSTILE["marks out of order"]()
    costly = [submitted(f"plain {n}", marks) for n in range(PLAIN)]
    costly += [compress_content(submitted(f"compressed {n}", marks)) for n in range(COMPRESSED)]
    env = {
        **open_ingestion(postgres_settings),
        "KAFKA_BOOTSTRAP_SERVERS": bench.kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": bench.kafka.topic_prefix,
    }
    with service_process(INGESTION, env, tmp_path) as service:
        await service.is_ready()
        async with Publisher(bench.kafka, source="/test") as publisher:
            began = time.monotonic()
            await publisher.publish([submitted("alone", "Anna: Why?\nBo: Because.")])
            await bench.records(TRANSCRIPTS_INGESTED.name, 1)
            alone_s = time.monotonic() - began
            for one in costly:
                await publisher.publish([one])
            sent = time.time()
            await publisher.publish([submitted("small", "Anna: Why?\nBo: Because.")])
        records = await bench.records(TRANSCRIPTS_INGESTED.name, len(costly) + 2, within_s=WITHIN_S)
    found = {TranscriptIngested.model_validate_json(one.value).title: one for one in records}
    in_time = sorted(found, key=lambda title: found[title].timestamp)
    assert found.keys() == {"alone", "small", *(one.title for one in costly)}
    assert found["small"].timestamp / 1000 - sent <= 2 * alone_s + 5.0, in_time
    assert in_time.index("small") < len(costly) - 3, in_time
