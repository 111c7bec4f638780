"""Programs of other languages against the running pipeline: those that docs/producers.md shows.

Where a program they need is missing, tests are skipped with the reason in the run's summary, or
fail if ``ONRECORD_REQUIRE_TOOLS`` is set, as CI does.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaConsumer

from contracts.events import NotesStored
from contracts.study import Study, Theme
from contracts.topics import NOTES_STORED
from local_stack.supervisor import LocalStack
from support.missing import missing, require_kafka_jars
from support.pipeline import Pipeline, submitted
from support.waiting import until

ROOT: Final = Path(__file__).parents[3]
NODE: Final = Path(__file__).parent / "node"
GO: Final = Path(__file__).parent / "go"
OLDEST_NODE: Final = (20, 19, 4)
"""As the client's ``engines`` say."""
PROGRAM_S: Final = 60.0
INSTALL_S: Final = 240.0
OLDEST_GO: Final = (1, 26)
"""As the client's ``go.mod`` says."""

_BLOCK: Final = re.compile(
    r"^```(?:sh|js|python|java|go) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)

Run = Callable[..., subprocess.CompletedProcess[str]]
"""Runs a program of the page, named by its file, with arguments."""


@pytest.fixture(scope="session")
def producers_page() -> str:
    """The text of docs/producers.md."""
    return (ROOT / "docs" / "producers.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def programs(producers_page: str) -> dict[str, str]:
    """The programs that the page shows, by the name of their file."""
    return {found[1]: found[2] for found in _BLOCK.finditer(producers_page)}


@pytest.fixture(scope="session")
def registered_study(stack: LocalStack) -> None:
    """The study that an example names by its id alone; an interview that brings it registers it."""

    async def register() -> None:
        pipeline = Pipeline(stack)
        study = Study(
            study_id="small-repair-shops", name="Shops", themes=(Theme(id="p", name="P"),)
        )
        await pipeline.publish([submitted(study, "registers the study", "Ann: Why?\nBo: So.")])
        await until(
            lambda: pipeline.rows("SELECT FROM studies WHERE study_id = $1", study.study_id)
        )

    asyncio.run(register())


@pytest.fixture
def pipeline(stack: LocalStack, registered_study: None) -> Pipeline:
    del registered_study
    return Pipeline(stack)


@pytest.fixture
def environment(pipeline: Pipeline) -> dict[str, str]:
    """What programs find in their environment."""
    return {**os.environ, **pipeline.env}


@pytest.fixture(scope="session")
def kcat() -> str:
    """The path of kcat."""
    for program in ("kcat", "jq"):
        if shutil.which(program) is None:
            missing(f"{program} is not installed (on Debian: apt install kcat jq)")
    return shutil.which("kcat") or ""


@pytest.fixture
def run_shell(
    kcat: str, programs: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> Run:
    """Runs a shell program of the page."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        script = tmp_path / name
        script.write_text(programs[name], encoding="utf-8")
        return _run(["sh", str(script), *map(str, arguments)], environment)

    return run


@pytest.fixture
def run_python(programs: dict[str, str], environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs a Python program of the page."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        script = tmp_path / name
        script.write_text(programs[name], encoding="utf-8")
        return _run([sys.executable, str(script), *map(str, arguments)], environment)

    return run


@pytest.fixture(scope="session")
def node_folder(programs: dict[str, str]) -> Path:
    """A folder with the page's Node programs and what they import."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        missing("Node is not installed; 20.19.4 or newer is needed")
    output = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=True
    ).stdout
    if tuple(int(part) for part in output.strip().lstrip("v").split(".")) < OLDEST_NODE:
        missing(
            f"Node {output.strip()} is too old for the Kafka client: 20.19.4 or newer is needed, "
            "as from `npm install node@22`"
        )
    folder = _installed()
    for name, text in programs.items():
        if name.endswith(".mjs"):
            (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def run_node(node_folder: Path, environment: dict[str, str]) -> Run:
    """Runs a Node program of the page, or of the folder ``node`` beside this file."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return _run(["node", str(node_folder / name), *map(str, arguments)], environment)

    return run


@pytest.fixture(scope="session")
def java_jars() -> Path:
    """The folder of jars with Apache Kafka's client and Jackson."""
    if shutil.which("javac") is None:
        missing("there is no Java compiler (on Debian: apt install default-jdk-headless)")
    return require_kafka_jars()


@pytest.fixture
def run_java(
    java_jars: Path, programs: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> Run:
    """Runs a Java program of the page."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        source = tmp_path / name
        source.write_text(programs[name], encoding="utf-8")
        path = f"{java_jars}/*"
        return _run(["java", "-cp", path, str(source), *map(str, arguments)], environment)

    return run


@pytest.fixture(scope="session")
def go_programs(programs: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's Go programs, built."""
    if shutil.which("go") is None:
        missing("Go is not installed; 1.26 or newer is needed")
    output = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True)
    version = output.stdout.strip().removeprefix("go")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_GO:
        missing(f"Go {version} is too old for the Kafka client: 1.26 or newer is needed")
    folder = tmp_path_factory.mktemp("go")
    for file in GO.iterdir():
        shutil.copy(file, folder)
    for name, text in programs.items():
        if name.endswith(".go"):
            (folder / name).write_text(text, encoding="utf-8")
    build = ["go", "build", "-o", "submit", "submit.go"]
    done = subprocess.run(
        build, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_S
    )
    if done.returncode:
        missing(f"Go cannot build the page's program: {done.stderr.strip()[:500]}")
    return folder


@pytest.fixture
def run_go(go_programs: Path, environment: dict[str, str]) -> Run:
    """Runs a Go program of the page."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        program = go_programs / name.removesuffix(".go")
        return _run([str(program), *map(str, arguments)], environment)

    return run


@pytest.fixture
def stored_of(pipeline: Pipeline) -> Callable[[str], Awaitable[NotesStored]]:
    """Waits for what ``notes-stored`` says under a trace id; whoever handed it in."""

    async def wait(trace: str) -> NotesStored:
        consumer = AIOKafkaConsumer(
            NOTES_STORED.name, auto_offset_reset="earliest", **pipeline.kafka.client_options()
        )
        await consumer.start()
        try:
            async with asyncio.timeout(PROGRAM_S):
                async for record in consumer:
                    output = dict(record.headers).get("traceparent", b"")
                    if output.startswith(f"00-{trace}-".encode()):
                        return NotesStored.model_validate_json(record.value)
        finally:
            await consumer.stop()
        raise AssertionError("the consumer ended by itself")

    return wait


@contextmanager
def _fresh_folder(beside: Path) -> Iterator[Path]:
    beside.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=beside.parent, prefix=".installing-") as name:
        yield Path(name) / "node"


def _installed() -> Path:
    """What the lock names, installed once into the project's cache."""
    lock = (NODE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("ONRECORD_CACHE") or ROOT / ".onrecord" / "cache").absolute()
    folder = cache / f"node-{sha256(lock).hexdigest()[:12]}"
    if not folder.is_dir():
        with _fresh_folder(folder) as fresh:
            shutil.copytree(NODE, fresh, ignore=shutil.ignore_patterns("node_modules"))
            _install(fresh)
            fresh.rename(folder)
    return folder


def _install(folder: Path) -> None:
    # Without what is optional, nothing of it is native; scripts of packages have no business here.
    command = ["npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        [*command, "--loglevel=error"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_S,
    )
    if done.returncode:
        missing(f"npm cannot install the Kafka client: {done.stderr.strip()[:200]}")


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PROGRAM_S,
    )
