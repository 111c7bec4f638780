"""Local stacks for tests, each in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import yaml
from pydantic import SecretStr

from contracts.topics import PIPELINE
from database.settings import PostgresSettings
from local_stack.postgres import ROLE, find_postgres_programs
from local_stack.spec import find_stack_file
from local_stack.supervisor import LocalStack
from support.containers import kafka_container, postgres_container
from support.data_folders import make_data_folder

StackFile = Callable[..., Path]
"""Writes a ``stack.yaml`` of the processes it is given as keyword arguments."""

EMBEDDED: Final = "embedded"
CONTAINERS: Final = "containers"
APACHE: Final = "apache"
"""What ``--stack`` names: all embedded; the broker and the database in containers; the broker of
single tests Apache Kafka from its jars."""

BROUGHT: Final = frozenset({"broker", "postgres"})
PORT_OF_BROUGHT_DATABASE: Final = "TEST_POSTGRES_PORT"
"""What a stack on containers does not start itself."""

QUICK_RETRIES: Final = {
    f"{service.upper()}_{name}": value
    for service in PIPELINE
    for name, value in {"RETRY_DELAYS_S": "0.2,0.4,0.8", "RETRY_WAIT_S": "0.05"}.items()
}
"""Retry topics as in production, with waits a test can afford."""


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Return a temporary folder for a stack.

    It is not pytest's ``tmp_path``: that one is closed to other users, and as root the database
    runs as ``nobody``.
    """
    folder = make_data_folder("onrecord-stack-")
    try:
        yield folder / "home"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def embedded_stack(
    *services: str, env: dict[str, str] | None = None, file: Path | None = None
) -> Iterator[LocalStack]:
    """Run a stack for the duration of the context; all services if none is named.

    Signals are left to pytest: what the stack started ends with this process in any case.
    """
    with temporary_home() as home:
        stack = LocalStack(home, env=env, services=services or None, file=file)
        stack.start()
        try:
            yield stack
        finally:
            stack.stop()


@contextmanager
def container_stack(env: dict[str, str] | None = None) -> Iterator[LocalStack]:
    """Run a stack whose broker and database are containers."""
    with (
        kafka_container() as broker,
        postgres_container() as database,
        tempfile.TemporaryDirectory(prefix="onrecord-stack-") as folder,
    ):
        brought = {"KAFKA_BOOTSTRAP_SERVERS": broker.servers}
        file = without_brought(Path(folder), database_port=database.port)
        with embedded_stack(env=(env or {}) | brought, file=file) as running:
            yield running


def whole_stack(kind: str, env: dict[str, str] | None = None) -> AbstractContextManager[LocalStack]:
    """Run a stack of all services and the simulator, on what ``--stack`` names."""
    return container_stack(env) if kind == CONTAINERS else embedded_stack(env=env)


def without_brought(folder: Path, *, database_port: int) -> Path:
    """Write the local stack's file without the broker and the database."""
    text = find_stack_file({}).read_text(encoding="utf-8")
    whole = yaml.safe_load(
        text.replace("{port:postgres}", str(database_port)).replace("{secret}", ROLE)
    )["processes"]
    whole["roles"]["provides"] = {PORT_OF_BROUGHT_DATABASE: str(database_port)}
    kept = {name: one for name, one in whole.items() if name not in BROUGHT}
    for process in kept.values():
        process["after"] = [name for name in process.get("after", ()) if name not in BROUGHT]
    file = folder / "stack.yaml"
    file.write_text(yaml.safe_dump({"processes": kept}, sort_keys=False), encoding="utf-8")
    return file


def as_superuser(stack: LocalStack) -> PostgresSettings:
    """Settings that reach a stack's database as its superuser, for what no service may do."""
    embedded_port = stack.home.load().ports.get("postgres")
    password = stack.home.secret() if embedded_port else ROLE
    port = embedded_port or stack.client_env()[PORT_OF_BROUGHT_DATABASE]
    return PostgresSettings(
        dsn=SecretStr(f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/{ROLE}")
    )


def processes_of(folder: Path) -> dict[int, str]:
    """Return all processes of a stack by pid, found without the stack's own records.

    They are told by the folder in their command line or as their current directory (the
    database's workers show neither their command line nor their environment). Linux only.
    """
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = entry.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            where = entry.joinpath("cwd").readlink()
        except OSError:
            continue  # ended meanwhile, or a zombie, or somebody else's
        if str(folder) in command or where.is_relative_to(folder):
            found[int(entry.name)] = command
    return found


def versions() -> str:
    """The embedded broker's and database's versions, for people."""
    server = [str(find_postgres_programs() / "postgres"), "--version"]
    database = subprocess.run(server, capture_output=True, text=True, check=True).stdout.split()[-1]
    try:
        broker = version("noida-db")
    except PackageNotFoundError:
        broker = "not installed"
    return f"noida-db {broker}, PostgreSQL {database}"
