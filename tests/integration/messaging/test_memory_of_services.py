"""Services, as processes, stay within their memory whatever arrives, and go on behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from contracts.events import TranscriptSubmitted
from contracts.ids import derive_id
from contracts.topics import (
    ALL_TOPICS,
    CHUNKS_READY,
    INGESTION,
    RETRY_DELAYS_S,
    TRANSCRIPTS_INGESTED,
    TRANSCRIPTS_SUBMITTED,
    build_dlq_topic,
    build_retry_topic,
)
from database.settings import PostgresSettings
from messaging import KafkaSettings
from messaging.codec import encode_event
from support import bombs
from support.admission import open_ingestion
from support.bombs import MIB
from support.broker import Bench, bench_on
from support.interviews import STUDY
from support.service_process import service_process
from support.waiting import until

MAX_MIB: Final = 512
"""Resident memory that the service has to stay within, in MiB (design, promise 10)."""

CONTROL_MIB: Final = 440
"""The same for control, which holds few records at once: less, as it answers people meanwhile."""

pytestmark = pytest.mark.long

TOPICS: Final = (
    TRANSCRIPTS_SUBMITTED,
    TRANSCRIPTS_INGESTED,
    CHUNKS_READY,
    *(build_retry_topic(INGESTION, tier) for tier in range(len(RETRY_DELAYS_S))),
    build_dlq_topic(INGESTION),
)

ARRAYS: Final = b"[" + b"[]," * (10 * MIB) + b"0]"

BOMBS: Final[dict[str, tuple[str, Callable[[], Iterator[bytes]]]]] = {
    "130 MiB in 4 kB": ("zstd", partial(bombs.one_record, 130 * MIB)),
    "700 MiB in 22 kB": ("zstd", partial(bombs.one_record, 700 * MIB)),
    "130 MiB in 570 kB": ("lz4", partial(bombs.one_record, 130 * MIB)),
    "130 MiB in 130 kB": ("gzip", partial(bombs.one_record, 130 * MIB)),
    "130 MiB in 6.4 MB": ("snappy", partial(bombs.one_record, 130 * MIB)),
    "a header of 60 MiB": ("zstd", partial(bombs.one_record, 1_000, header=60 * MIB)),
    "a header of 60 MiB whose name is not UTF-8": (
        "zstd",
        partial(bombs.one_record, 1_000, header=60 * MIB, name=b"\xff"),
    ),
    "a header of 200 MiB": ("zstd", partial(bombs.one_record, 1_000, header=200 * MIB)),
    "ten million arrays": ("zstd", partial(bombs.one_record, len(ARRAYS), begins=ARRAYS)),
    **{
        f"63 MiB, number {number}": ("zstd", partial(bombs.one_record, 63 * MIB))
        for number in range(5)
    },
}
"""Codec and records of hostile batches."""


def submission(number: int) -> tuple[bytes, bytes]:
    """A good interview, as key and value."""
    event = TranscriptSubmitted(
        transcript_id=derive_id("interview", number),
        title="An interview",
        study=STUDY,
        content="Moderator: How was it?\nAnna: It was slow at first.\n",
    )
    key, value, _ = encode_event(event, source="/test")
    return key, value


async def submit(bench: Bench, number: int) -> None:
    key, value = submission(number)
    await bench.send("transcripts-submitted", value, key=key)


async def ingested(bench: Bench, number: int) -> None:
    """Wait until so many interviews were read."""

    async def look() -> bool:
        return await bench.size("transcripts-ingested") == number

    await until(look, within_s=150)


def settings(kafka: KafkaSettings) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "KAFKA_GROUP_INSTANCE_ID": "one",
    }


async def test_control_indexes_huge_messages_and_letters_in_bounded_memory(
    broker: str, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    bench = await bench_on(broker, ALL_TOPICS)
    large = [one for one in BOMBS if one.startswith(("700", "63", "a header of 60", "ten"))]
    for name in large:
        codec, records = BOMBS[name]
        data = bombs.batch(codec, records())
        await bombs.send(bench.kafka, "transcripts-submitted", data)
        await bombs.send(bench.kafka, "ingestion-dlq", data)
    env = settings(bench.kafka) | {"POSTGRES_DSN": postgres_settings.dsn.get_secret_value()}
    with service_process("control", env, tmp_path, stop_within_s=60) as service:
        await service.is_ready()
        await bench.is_committed("transcripts-submitted", len(large), "control")
        await bench.is_committed("ingestion-dlq", len(large), "control")
        assert service.peak_mib() < CONTROL_MIB


async def test_huge_messages_take_no_more_than_their_share_and_interviews_go_on(
    broker: str, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    bench = await bench_on(broker, TOPICS)
    for number, (codec, records) in enumerate(BOMBS.values()):
        data = bombs.batch(codec, records())
        await bombs.send(bench.kafka, "transcripts-submitted", data, partition=number % 4)
    for number in range(8):  # of all partitions
        await submit(bench, number)
    env = settings(bench.kafka) | open_ingestion(postgres_settings)
    with service_process("ingestion", env, tmp_path, stop_within_s=60) as service:
        await service.is_ready()
        await ingested(bench, 8)
        await bench.is_committed("transcripts-submitted", len(BOMBS) + 8, "ingestion")
        peak_mib = service.peak_mib()
    assert await bench.size("ingestion-dlq") == len(BOMBS)
    assert peak_mib < MAX_MIB
    for number in range(8, 12):
        await submit(bench, number)
    with service_process("ingestion", env, tmp_path) as service:
        await ingested(bench, 12)
        await service.is_ready()
        assert service.peak_mib() < MAX_MIB // 2
