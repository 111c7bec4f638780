"""Whatever arrives, ingestion stays within its memory, and good interviews go through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from contracts.events import TranscriptIngested
from contracts.topics import (
    INGESTION,
    TRANSCRIPTS_INGESTED,
    build_dlq_topic,
    build_retry_topic,
)
from database.settings import PostgresSettings
from messaging import Publisher
from support.admission import open_ingestion
from support.broker import Bench
from support.hostile_interviews import HOSTILE
from support.service_process import service_process
from support.submissions import submitted

MIB = 1024 * 1024
MAX_RESIDENT = 512 * MIB
WITHIN_S = 500.0
MAY_BE_READ = {
    "marks out of order",
    "cues that just fit",
    "overlapping cues",
    "nested tags",
}
CODES = {"too_large", "malformed_transcript", "empty_transcript", "doubtful_reading"}


def family(pid: int) -> list[int]:
    """A process and all that come from it."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]
    return [pid, *(one for child in children for one in family(child))]


def resident(pid: int) -> dict[int, int]:
    """Resident bytes of each process that runs now, of a family."""
    found: dict[int, int] = {}
    with suppress(OSError):
        for one in family(pid):
            with suppress(OSError):
                pages = Path(f"/proc/{one}/statm").read_text(encoding="ascii").split()[1]
                found[one] = int(pages) * 4096
    return found


@contextmanager
def peak_of(pid: int) -> Iterator[dict[int, int]]:
    """Watch the memory of a process and its children; holds it as it was when it was most."""
    most: dict[int, int] = {}
    stop = Event()

    def watch() -> None:
        while not stop.wait(0.03):
            if sum((now := resident(pid)).values()) > sum(most.values()):
                most.clear()
                most.update(now)

    watching = Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        stop.set()
        watching.join()


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_hostile_interviews_neither_fill_the_memory_nor_stop_good_ones(
    bench: Bench, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    good = [submitted(f"good {n}", "Anna: Why?\nBo: Because.") for n in range(len(HOSTILE))]
    env = {
        **open_ingestion(postgres_settings),
        "KAFKA_BOOTSTRAP_SERVERS": bench.kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": bench.kafka.topic_prefix,
        "KAFKA_SESSION_TIMEOUT_MS": "30000",
    }
    with service_process(INGESTION, env, tmp_path) as service:
        await service.is_ready()
        async with Publisher(bench.kafka, source="/test") as publisher:
            with peak_of(service.pid) as most:
                for (name, make), other in zip(HOSTILE.items(), good, strict=True):
                    await publisher.publish([submitted(name, make()), other])
                letters = await bench.records(
                    build_dlq_topic(INGESTION).name,
                    len(HOSTILE) - len(MAY_BE_READ),
                    within_s=WITHIN_S,
                )
                ingested = await bench.records(
                    TRANSCRIPTS_INGESTED.name, len(HOSTILE) + len(MAY_BE_READ), within_s=WITHIN_S
                )
        retried = [await bench.size(build_retry_topic(INGESTION, tier).name) for tier in range(4)]
    read = {TranscriptIngested.model_validate_json(one.value).title for one in ingested}
    assert read == {one.title for one in good} | MAY_BE_READ
    assert {dict(one.headers)["onrecord-error-code"].decode() for one in letters} == CODES
    assert retried == [0, 0, 0, 0]
    assert sum(most.values()) < MAX_RESIDENT, most
