"""Runs Apache Kafka without containers, one broker or a cluster of several.

``python -m support.apache_kafka --port 0`` runs one broker until it is stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NoReturn, Self

from aiokafka.errors import KafkaError

from local_stack.probes import ReadinessProbeKind, probe_port
from local_stack.processes import Process, get_exit_code, start_process
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.kafka.admin import open_admin_client, wait_for_broker
from support.broker import free_port, free_ports
from support.kafka_jars import DEPLOY, jars, java, kafka_version
from support.waiting import eventually

START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 60.0
LOOK_EVERY_S: Final = 2.0
"""How long clients try a broker that listens before its process is looked at again."""
CLUSTER: Final = "cluster-id"
"""The file in a broker's folder with the id of its cluster."""
MEMORY: Final = ("-Xms256m", "-Xmx768m", "-Djava.awt.headless=true")
JVM: Final = (*MEMORY, "-XX:+UseG1GC")
JVM_THAT_STARTS_FAST: Final = (*MEMORY, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""For brokers that are often started anew; nothing is to be measured on one."""
JVM_OF_MANY: Final = (*JVM_THAT_STARTS_FAST, "-Xms64m", "-Xmx320m")
"""For the brokers of a cluster; of an option that is given twice, the last counts."""


class KafkaDidNotStartError(Exception):
    """The broker ended or stayed silent before it was ready."""


class Quorum:
    """Controllers of a cluster, one in each broker's process, known before any is formatted.

    Args:
        size: how many.

    Attributes:
        ports: of each controller, in the order of node ids, which count from 1.
    """

    def __init__(self, size: int = 1) -> None:
        self.ports = free_ports(size)
        self._cluster = _new_id()
        self._directories = [_new_id() for _ in self.ports]

    @property
    def cluster(self) -> str:
        """The id of the cluster."""
        return self._cluster

    @property
    def addresses(self) -> str:
        """What ``controller.quorum.bootstrap.servers`` has to be."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    @property
    def format_options(self) -> tuple[str, ...]:
        """Options of ``kafka.tools.StorageTool format``, the same for every node."""
        cluster = f"--cluster-id={self._cluster}"
        if len(self.ports) == 1:
            return cluster, "--standalone"
        voters = (
            f"{node}@127.0.0.1:{port}:{directory}"
            for node, (port, directory) in enumerate(
                zip(self.ports, self._directories, strict=True), start=1
            )
        )
        return cluster, f"--initial-controllers={','.join(voters)}"


class ApacheKafka:
    """One Apache Kafka broker on loopback, with the same interface as ``OwnBroker``.

    Nothing of it outlives this process, however that ends (Linux).

    Args:
        folder: where its data, settings and log go; what is there already is taken up again.
        port: where clients reach it; 0 for any free one, the same for this object's life.
        settings: lines for ``server.properties`` beyond those in ``deploy/kafka``.
        jvm: options of its Java machine.
        quorum: the controllers of its cluster; None for a cluster of its own.
        node: its node id, its place among the controllers.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        settings: Sequence[str] = (),
        jvm: Sequence[str] = JVM,
        *,
        quorum: Quorum | None = None,
        node: int = 1,
    ) -> None:
        self.folder = folder
        self.node = node
        self._quorum = quorum
        self._jvm = jvm
        self._settings = settings
        self._port = port or free_port()
        self._process: Process | None = None

    @property
    def servers(self) -> str:
        """What ``KAFKA_BOOTSTRAP_SERVERS`` has to be."""
        return f"127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        """Its warnings and errors."""
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        """Its process, while it has one."""
        return self._process.pid if self.alive() and self._process else None

    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.alive()

    def start(self) -> None:
        """Start it and wait until clients are answered.

        Raises:
            KafkaMissingError: there is no Java, or no way to fetch Kafka.
            KafkaDidNotStartError: it ended, or did not answer in time.
        """
        assert not self.alive(), "it runs already"
        settings = self.folder / "server.properties"
        if not settings.is_file():
            self._format(settings)
        try:
            self._process = self._launch(settings)
            self._wait()
        except BaseException:
            self.kill()
            raise

    def freeze(self) -> None:
        """Have its process stand still, with its connections open; ``thaw`` has it go on."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have a frozen process go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in good order and wait until it is gone."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again on the same data and port."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _format(self, settings: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        quorum = self._quorum or Quorum()
        draft = settings.with_suffix(".draft")
        controller = quorum.ports[self.node - 1]
        own = (
            f"node.id={self.node}",
            f"listeners=PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{controller}",
            f"controller.quorum.bootstrap.servers={quorum.addresses}",
            f"log.dirs={self.folder / 'data'}",
            *self._settings,
        )
        fixed = (DEPLOY / "server.properties").read_text(encoding="utf-8")
        draft.write_text("\n".join((fixed, *own, "")), encoding="utf-8")
        words = ("format", *quorum.format_options, f"--config={draft}")
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_TIMEOUT_S,
        )
        if done.returncode:
            raise KafkaDidNotStartError(f"cannot format {self.folder}:\n{done.stdout}{done.stderr}")
        (self.folder / CLUSTER).write_text(quorum.cluster, encoding="ascii")
        draft.rename(settings)  # what has its settings is formatted

    def _launch(self, settings: Path) -> Process:
        return start_process(
            self._java("kafka.Kafka", str(settings)),
            env=os.environ,
            log=self.log,
            die_with_us=signal.SIGKILL,
            record=lambda _: None,  # nobody else has to find it
        )

    def _java(self, *words: str) -> list[str]:
        quiet = f"-Dlog4j2.configurationFile={DEPLOY / 'log4j2.properties'}"
        return [java(), *self._jvm, quiet, "-cp", f"{jars()}/*", *words]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not probe_port(ReadinessProbeKind.KAFKA, self._port, "").ready or not self._answers():
            if not self.alive():
                raise KafkaDidNotStartError(f"it ended: {self._last_words()}")
            if time.monotonic() > deadline:
                raise KafkaDidNotStartError(
                    f"no answer in {START_TIMEOUT_S:g} s: {self._last_words()}"
                )
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Ask as clients do; in a thread of its own, as this one may have an event loop at work.

        While it is down its port is anyone's: another run's broker that took it answers, too, and
        would take records that nobody finds again.
        """
        kafka = KafkaSettings(bootstrap_servers=self.servers)
        with ThreadPoolExecutor(1) as thread:
            try:
                answered_by = thread.submit(asyncio.run, _fetch_cluster_id(kafka)).result()
            except (KafkaError, KafkaUnavailableError):
                return False
        return answered_by == (self.folder / CLUSTER).read_text(encoding="ascii")

    def _last_words(self) -> str:
        logged = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return logged[-2_000:]

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it does not run"
        self._process.signal(number)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.signal(number)
            try:
                eventually(lambda: _has_ended(process.pid), within_s=STOP_TIMEOUT_S)
            finally:
                process.signal(signal.SIGKILL)


@contextmanager
def own_kafka(
    port: int = 0, settings: Sequence[str] = (), jvm: Sequence[str] = JVM
) -> Iterator[ApacheKafka]:
    """Run a broker with a temporary folder for the duration of the context; see ``ApacheKafka``."""
    folder = Path(tempfile.mkdtemp(prefix="onrecord-kafka-"))
    try:
        with ApacheKafka(folder, port, settings, jvm) as broker:
            yield broker
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_cluster(size: int, settings: Sequence[str] = ()) -> Iterator[tuple[ApacheKafka, ...]]:
    """Run a cluster of brokers with temporary folders for the duration of the context.

    Each broker is a controller too. They are killed at the end: the last ones of a cluster cannot
    be stopped in good order.

    Args:
        size: how many brokers; topics of Kafka's own have a copy on each.
        settings: lines for each one's ``server.properties``, as for ``ApacheKafka``.
    """
    quorum = Quorum(size)
    copies = (
        f"default.replication.factor={size}",
        f"offsets.topic.replication.factor={size}",
        f"transaction.state.log.replication.factor={size}",
        f"share.coordinator.state.topic.replication.factor={size}",
        f"min.insync.replicas={size // 2 + 1}",
        f"transaction.state.log.min.isr={size // 2 + 1}",
    )
    with ExitStack() as ending:
        folder = Path(tempfile.mkdtemp(prefix="onrecord-kafka-"))
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        brokers = tuple(
            ApacheKafka(
                folder / str(node),
                settings=(*copies, *settings),
                jvm=JVM_OF_MANY,
                quorum=quorum,
                node=node,
            )
            for node in range(1, size + 1)
        )
        for broker in brokers:
            ending.callback(broker.kill)
        start_together(brokers)
        yield brokers


def start_together(brokers: Sequence[ApacheKafka]) -> None:
    """Start brokers at the same time: without most of a cluster's controllers none can start."""
    with ThreadPoolExecutor(len(brokers)) as threads:
        for started in [threads.submit(broker.start) for broker in brokers]:
            started.result()


async def _fetch_cluster_id(kafka: KafkaSettings) -> str:
    await wait_for_broker(kafka, LOOK_EVERY_S)
    async with open_admin_client(kafka) as admin:
        return str((await admin.describe_cluster()).get("cluster_id"))


def _new_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _has_ended(pid: int) -> bool:
    """Return whether a child and all its threads have ended: only then its ports are free."""
    try:
        return get_exit_code(pid) is not None
    except ChildProcessError:
        return True  # its end was seen before


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(0 if number == signal.SIGTERM else 128 + number)


def main() -> None:
    """Run a broker until SIGTERM or Ctrl-C; its ``host:port`` is the only line on stdout."""
    parser = argparse.ArgumentParser(prog="support.apache_kafka", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    with own_kafka(parser.parse_args().port) as broker:
        sys.stderr.write(f"Apache Kafka {kafka_version()}, pid {broker.pid}\n")
        sys.stdout.write(f"{broker.servers}\n")
        sys.stdout.flush()
        while broker.alive():
            time.sleep(0.5)
        sys.exit("Apache Kafka has ended by itself")


if __name__ == "__main__":
    main()
