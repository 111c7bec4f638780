"""Apache Kafka from its jars: keeps its data over a crash, and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.processes import get_process_start_time
from messaging.kafka.admin import list_missing_topics, wait_for_broker
from support.apache_kafka import ApacheKafka, KafkaDidNotStartError, own_kafka
from support.broker import OwnBroker, bench_on, free_port, fresh_prefix, probe_topics
from support.data_folders import make_data_folder
from support.kafka_jars import KafkaMissingError, jars, java
from support.missing import require_kafka_jars
from support.waiting import eventually


@pytest.fixture(scope="module")
def can_run(pytestconfig: pytest.Config) -> None:
    """Java and the jars."""
    require_kafka_jars()


@pytest.fixture(scope="module")
def kafka(can_run: None) -> Iterator[ApacheKafka]:
    with own_kafka() as running:
        yield running


@pytest.mark.long
async def test_keeps_its_topics_and_records_over_a_crash(kafka: ApacheKafka) -> None:
    bench = await bench_on(kafka.servers, probe_topics())
    await bench.send("chunks-ready", b"1", b"2")
    before = kafka.pid
    kafka.kill()
    kafka.start()
    assert kafka.pid != before
    assert [record.value for record in await bench.records("chunks-ready", 2)] == [b"1", b"2"]


@pytest.mark.long
async def test_another_broker_on_its_port_is_not_taken_for_it(
    can_run: None, request: pytest.FixtureRequest
) -> None:
    port, folder = free_port(), make_data_folder("onrecord-broker-")
    request.addfinalizer(lambda: shutil.rmtree(folder, ignore_errors=True))
    stranger = OwnBroker(folder, port)
    with own_kafka(port) as kafka:
        kafka.kill()
        stranger.start()
        try:
            await wait_for_broker(fresh_prefix(stranger.servers), 20)
            with pytest.raises(KafkaDidNotStartError):
                await asyncio.to_thread(kafka.start)
        finally:
            stranger.stop()
        await asyncio.to_thread(kafka.start)


async def test_creates_no_topic_that_nobody_declared(kafka: ApacheKafka) -> None:
    settings = fresh_prefix(kafka.servers)
    name = settings.topic("chunks-redy")
    assert await list_missing_topics(settings, [name]) == (name,)
    assert await list_missing_topics(settings, [name]) == (name,)


def test_the_command_names_its_address_and_ends_the_broker_at_sigterm(can_run: None) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "support.apache_kafka", "--port", "0"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        assert command.stdout.readline().startswith("127.0.0.1:")
        pid = int(command.stderr.readline().rpartition(" ")[2])
        assert get_process_start_time(pid) is not None
        command.send_signal(signal.SIGTERM)
        assert command.wait(timeout=60) == 0
    assert get_process_start_time(pid) is None


def test_a_killed_parent_takes_the_broker_with_it(can_run: None, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "support.apache_kafka"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stderr is not None
        pid = int(command.stderr.readline().rpartition(" ")[2])
        command.kill()
    eventually(lambda: get_process_start_time(pid) is None)


def test_says_why_it_does_not_start(can_run: None, tmp_path: Path) -> None:
    broker = ApacheKafka(tmp_path)
    (tmp_path / "server.properties").write_text("process.roles=broker\n", encoding="utf-8")
    with pytest.raises(KafkaDidNotStartError, match=r"node\.id|quorum|listener"):
        broker.start()
    assert not broker.alive()


def test_says_what_is_missing_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaMissingError, match="Java 17"):
        java()


def test_says_what_is_missing_without_maven(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("ONRECORD_CACHE", str(tmp_path / "cache"))
    with pytest.raises(KafkaMissingError, match="Maven"):
        jars()
