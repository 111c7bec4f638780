"""Apache Kafka and PostgreSQL in containers, as docker-compose.yml has them, by testcontainers.

Each has one port, published on loopback alone, and a network that is this test run's own. It is
removed with the context that started it; ``docker_engine`` sees to those that missed it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import yaml

from local_stack.probes import LOOPBACK, ReadinessProbeKind, probe_port
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.kafka.admin import wait_for_broker
from support.broker import free_port
from support.docker_engine import RUN_LABEL, load, network, this_run

COMPOSE: Final = Path(__file__).parents[2] / "docker-compose.yml"
KAFKA: Final = "kafka"
POSTGRES: Final = "postgres"
ROLE: Final = "onrecord"
"""The database's superuser, its password and its database."""

START_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 60
LOOK_EVERY_S: Final = 2.0
"""How long clients try a broker that listens before its container is looked at again."""
QUICK_START: Final = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true"
"""Ready in a third of the time on two cores (ran); too slow once started to measure anything."""

_VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*))?\}")


class ContainerDidNotStartError(Exception):
    """The container ended or stayed silent before it was ready."""


@dataclass(frozen=True, slots=True)
class ComposeService:
    """A service's definition in docker-compose.yml."""

    image: str
    environment: dict[str, str]


def compose_service(name: str, variables: Mapping[str, object] | None = None) -> ComposeService:
    """Return a service's definition; unset variables have the file's defaults."""
    whole = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"][name]
    given = {key: str(value) for key, value in (variables or {}).items()}

    def fill(found: re.Match[str]) -> str:
        return given.get(found["name"], found["default"] or "")

    environment = {
        key: _VARIABLE.sub(fill, str(value)) for key, value in whole["environment"].items()
    }
    return ComposeService(_VARIABLE.sub(fill, whole["image"]), environment)


class Container:
    """A container that keeps its port and data until it is removed.

    Args:
        service: its image and settings.
        inside: the port it listens on in the container.
        port: where clients reach it, the same for this object's life.
        environment: more settings, which win.
        more: what else testcontainers is to know.
    """

    probe: ClassVar[ReadinessProbeKind]

    def __init__(
        self,
        service: ComposeService,
        inside: int,
        port: int,
        environment: dict[str, str],
        **more: Any,
    ) -> None:
        self.port = port
        container = load("testcontainers.core.container").DockerContainer
        self._made = container(
            service.image,
            env=service.environment | environment,
            network=network(),
            labels={RUN_LABEL: this_run()},
            **more,
        )
        self._made.ports[f"{inside}/tcp"] = (LOOPBACK, port)
        self._is_made = False

    def start(self) -> None:
        """Start it, on the data it had if it ran before, and wait until it answers.

        Raises:
            ContainerDidNotStartError: it ended, or did not answer in time.
        """
        if self._is_made:
            self._container.start()
        else:
            self._made.start()
            self._is_made = True
        self._wait()

    def stop(self) -> None:
        """End it in good order and wait until it is gone; nothing happens if it does not run."""
        self._container.stop(timeout=STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        self._container.kill()
        self._container.wait()

    def remove(self) -> None:
        """End it and delete its data."""
        if self._is_made:
            self._made.stop()

    def answers(self) -> bool:
        """Whether clients are answered."""
        return probe_port(self.probe, self.port, "").ready

    @property
    def _container(self) -> Any:
        return self._made.get_wrapped_container()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.answers():
            self._container.reload()
            ended = self._container.status in {"exited", "dead"}
            if ended or time.monotonic() > deadline:
                text = self._container.logs(tail=20).decode(errors="replace")
                why = "it ended" if ended else f"no answer in {START_TIMEOUT_S:g} s"
                raise ContainerDidNotStartError(f"{self._made.image}: {why}: {text}")
            time.sleep(0.05)


class KafkaContainer(Container):
    """A Kafka broker in a container, with the same interface as ``OwnBroker``.

    Args:
        settings: lines for ``server.properties`` beyond those in docker-compose.yml.
    """

    probe = ReadinessProbeKind.KAFKA

    def __init__(self, settings: Sequence[str] = ()) -> None:
        port = free_port()  # has to be known before it starts: the broker tells it to clients
        service = compose_service(KAFKA, {"ONRECORD_KAFKA_PORT": port})
        environment = {"KAFKA_JVM_PERFORMANCE_OPTS": QUICK_START}
        for line in settings:
            name, _, value = line.partition("=")
            environment[f"KAFKA_{name.upper().replace('.', '_')}"] = value
        # It is its own client, by the name that compose gives it.
        super().__init__(service, 9092, port, environment, hostname=KAFKA)

    @property
    def servers(self) -> str:
        """What ``KAFKA_BOOTSTRAP_SERVERS`` has to be."""
        return f"{LOOPBACK}:{self.port}"

    def answers(self) -> bool:
        """Ask as clients do; in a thread of its own, as this one may have an event loop at work."""
        if not super().answers():
            return False
        kafka = KafkaSettings(bootstrap_servers=self.servers)
        with ThreadPoolExecutor(1) as thread:
            try:
                thread.submit(asyncio.run, wait_for_broker(kafka, LOOK_EVERY_S)).result()
            except KafkaUnavailableError:
                return False
        return True


# In place of the file that Compose generates; what is empty counts as not set.
_PASSWORD: Final = {"POSTGRES_PASSWORD": ROLE, "POSTGRES_PASSWORD_FILE": ""}


class PostgresContainer(Container):
    """A PostgreSQL server in a container, without durability, which tests do not need.

    Its data is not on a tmpfs: that is gone as soon as a container stops.
    """

    probe = ReadinessProbeKind.POSTGRES

    def __init__(self) -> None:
        service = compose_service(POSTGRES)
        options = f"{service.environment['POSTGRES_INITDB_ARGS']} --no-sync"
        command = ["postgres", "-c", "fsync=off"]
        super().__init__(
            service,
            5432,
            free_port(),
            {"POSTGRES_INITDB_ARGS": options} | _PASSWORD,
            command=command,
        )

    def address(self, database: str = ROLE) -> str:
        """What ``POSTGRES_DSN`` has to be."""
        return f"postgresql://{ROLE}:{ROLE}@{LOOPBACK}:{self.port}/{database}"


@contextmanager
def kafka_container(settings: Sequence[str] = ()) -> Iterator[KafkaContainer]:
    """Run a broker for the duration of the context; see ``KafkaContainer``."""
    broker = KafkaContainer(settings)
    try:
        broker.start()
        yield broker
    finally:
        broker.remove()


@contextmanager
def postgres_container() -> Iterator[PostgresContainer]:
    """Run a server for the duration of the context; see ``PostgresContainer``."""
    server = PostgresContainer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def images() -> tuple[str, ...]:
    """Return the images of the broker and the database."""
    return compose_service(KAFKA).image, compose_service(POSTGRES).image
