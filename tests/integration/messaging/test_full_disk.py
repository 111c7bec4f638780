"""A broker whose disk is full: the stage waits, and nothing counts as done that is not stored."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from messaging import Publisher
from messaging.kafka import broker_monitor
from support.apache_kafka import JVM_THAT_STARTS_FAST, ApacheKafka
from support.broker import PROBE, bench_on, probe_topics
from support.missing import missing, require_kafka_jars
from support.waiting import until
from support.workload import Workload

DISK: Final = "32m"
KIB: Final = 1024
ROOM: Final = 64 * KIB
"""Bytes that the full disk still has: for some of the messages, not for all."""

SIZE: Final = 4 * KIB
NUMBER: Final = 60
"""Messages sent before the disk is full, and again afterwards."""

PATIENCE_S: Final = 90.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A broker's data folder that is a small file system of its own."""
    folder = tmp_path / "kafka" / "data"
    folder.mkdir(parents=True)
    try:
        mounting = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK},nosuid,nodev", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        missing(f"there is no program that mounts a small disk: {error}")
    if mounting.returncode:
        missing(f"a small disk cannot be mounted, as root could: {mounting.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def kafka(disk: Path) -> Iterator[ApacheKafka]:
    require_kafka_jars()
    with ApacheKafka(disk.parent, jvm=JVM_THAT_STARTS_FAST) as running:
        yield running


def fill(disk: Path) -> Path:
    """Write a file that leaves the disk no more than ``ROOM``; return it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(16 * KIB)):
            pass
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - ROOM)
    return ballast


@pytest.mark.long
async def test_what_a_full_disk_does_not_take_arrives_once_there_is_room(
    kafka: ApacheKafka, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_monitor, "CHECK_INTERVAL_S", 0.5)
    bench = await bench_on(kafka.servers, probe_topics())
    work = Workload(bench, size=SIZE, patience_s=PATIENCE_S)
    as_it_is = bench.kafka.model_copy(update={"compression": "none"})
    async with (
        Publisher(as_it_is, source="/test") as publisher,
        bench.running(work.stage) as running,
    ):
        await work.send(publisher, NUMBER)
        await work.is_done()
        ballast = fill(disk)
        sending = asyncio.create_task(work.send(publisher, NUMBER))
        try:
            await until(lambda: not kafka.alive(), within_s=PATIENCE_S)
            assert "No space left on device" in kafka.log.read_text(encoding="utf-8")

            def says_so() -> bool:
                return not running.health.ready and "kafka_unavailable" in running.health.reason

            await until(says_so, within_s=PATIENCE_S)
            # Those are not sent again: unless they are stored, they are missing in the end.
            assert NUMBER < len(work.acknowledged) < work.sent
            ballast.unlink()
            await asyncio.to_thread(kafka.start)
            async with asyncio.timeout(PATIENCE_S):
                await sending
        finally:
            sending.cancel()
        await work.is_done()
        assert await bench.size(f"{PROBE}-dlq") == 0
        await until(lambda: running.health.ready, within_s=PATIENCE_S)
