"""Embedded stacks for tests: each in a folder of its own, gone with the test run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from contracts.topics import PIPELINE
from onrecord.stack.postgres import programs
from onrecord.stack.supervisor import Stack

StackFile = Callable[..., Path]
"""Writes a ``stack.yaml`` of the processes it is given as keyword arguments."""

QUICK_RETRIES: Final = {
    f"{service.upper()}_{name}": value
    for service in PIPELINE
    for name, value in {"RETRY_DELAYS_S": "0.2,0.4,0.8", "RETRY_WAIT_S": "0.05"}.items()
}
"""Retry topics as in production, with waits a test can afford."""


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A folder for a stack, deleted afterwards.

    It is not pytest's ``tmp_path``: that one is closed to other users, and as root the database
    runs as ``nobody``.
    """
    folder = Path(tempfile.mkdtemp(prefix="onrecord-stack-"))
    try:
        yield folder / "home"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def embedded_stack(
    *services: str, env: dict[str, str] | None = None, file: Path | None = None
) -> Iterator[Stack]:
    """A running stack; all of it if no service is named.

    Signals are left to pytest: what the stack started ends with this process in any case.
    """
    with temporary_home() as home:
        stack = Stack(home, env=env, services=services or None, file=file)
        stack.start()
        try:
            yield stack
        finally:
            stack.stop()


def processes_of(folder: Path) -> dict[int, str]:
    """All processes that work for a stack, by pid, found without its own records.

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
    server = [str(programs() / "postgres"), "--version"]
    database = subprocess.run(server, capture_output=True, text=True, check=True).stdout.split()[-1]
    try:
        broker = version("noida-db")
    except PackageNotFoundError:
        broker = "not installed"
    return f"noida-db {broker}, PostgreSQL {database}"
