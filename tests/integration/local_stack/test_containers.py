"""Containers of tests: reached on loopback, as compose has them, and gone however a run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from messaging.kafka.admin import list_missing_topics
from support import docker_engine
from support.broker import bench_on, fresh_prefix, probe_topics
from support.containers import KafkaContainer, images, kafka_container
from support.docker_engine import RUN_LABEL, NoContainersError, prepare
from support.stack import CONTAINERS

RUN_AND_WAIT: Final = """
import signal

# Whoever runs this in the background may have had it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

from support.containers import PostgresContainer
from support.docker_engine import this_run
PostgresContainer().start()
print(this_run(), flush=True)
input()
"""


@pytest.fixture(scope="module", autouse=True)
def engine(pytestconfig: pytest.Config) -> None:
    """An engine at work; without ``--stack=containers`` nobody has promised one."""
    if pytestconfig.getoption("--stack") != CONTAINERS:
        pytest.skip("the tests do not run on containers")
    prepare(images())


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaContainer]:
    with kafka_container() as running:
        yield running


def left_of(run: str) -> list[str]:
    """The containers and networks of a test run."""
    engine, wanted = docker_engine.engine(), {"label": f"{RUN_LABEL}={run}"}
    found = [
        *engine.containers.list(all=True, filters=wanted),
        *engine.networks.list(filters=wanted),
    ]
    return [one.name for one in found]


@pytest.mark.long
async def test_keeps_its_port_topics_and_records_over_a_crash(kafka: KafkaContainer) -> None:
    bench = await bench_on(kafka.servers, probe_topics())
    await bench.send("chunks-ready", b"1", b"2")
    kafka.kill()
    kafka.start()
    assert [record.value for record in await bench.records("chunks-ready", 2)] == [b"1", b"2"]


async def test_a_broker_in_a_container_has_the_settings_of_compose(kafka: KafkaContainer) -> None:
    settings = fresh_prefix(kafka.servers)
    name = settings.topic("chunks-redy")
    assert await list_missing_topics(settings, [name]) == (name,)
    assert await list_missing_topics(settings, [name]) == (name,)


def test_ports_are_published_on_loopback_alone(kafka: KafkaContainer) -> None:
    kafka._container.reload()
    published = [place for places in kafka._container.ports.values() for place in places or ()]
    assert published == [{"HostIp": "127.0.0.1", "HostPort": str(kafka.port)}]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_of_a_run_outlives_the_start_of_the_next(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN_AND_WAIT],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as other:
        assert other.stdout is not None
        run = other.stdout.readline().strip()
        assert len(left_of(run)) == 2
        prepare(())  # another run that is still at work is left alone
        assert len(left_of(run)) == 2
        other.send_signal(number)
        other.wait(timeout=60)
    if number == signal.SIGKILL:
        prepare(())
    assert left_of(run) == []


def test_an_image_that_cannot_be_had_stops_the_run_with_what_to_do() -> None:
    nobody = "127.0.0.1:1/kafka:0"  # a registry that is not there
    with pytest.raises(NoContainersError) as refusal:
        prepare([nobody])
    assert str(refusal.value) == (
        f"the image {nobody} is not here and cannot be pulled; "
        "`make images` makes it, `--stack=embedded` does without"
    )
