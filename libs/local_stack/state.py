"""What ``stack.json`` remembers between commands: ports, pids and how clients reach the stack."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from local_stack.errors import StackFailedError
from local_stack.processes import Process

PRIVATE: Final = 0o600
TRAVERSABLE: Final = 0o711  # as root, the database runs as another user and has to get through
MAX_LOG_BYTES: Final = 10 * 1024 * 1024
"""A longer log is renamed when its process starts, in place of the one before; in bytes."""


class RunningProcess(BaseModel):
    """Record of a started process: pid, start time, ports, hashes of its settings."""

    pid: int
    born: str = Field(description="When it began, see processes.start_time_of.")
    fingerprint: str = Field(description="SHA-256 of its command and environment.")
    started_at: float = Field(description="Unix time in seconds.")
    hashes: dict[str, str] = Field({}, description="SHA-256 of each of its settings.")

    @property
    def process(self) -> Process:
        """The process, safe to signal."""
        return Process(self.pid, self.born)

    def alive(self) -> bool:
        """Return whether it still runs."""
        return self.process.alive()


class ModelInUse(BaseModel):
    """Language model that the services of the stack call."""

    name: str | None = Field(description="ONRECORD_MODEL, if set.")
    base_url: str | None = Field(description="Where it answers; None for the client's default.")
    simulated: bool = Field(description="Whether it is the simulator.")


class StackState(BaseModel):
    """State of the local stack, as ``stack.json`` holds it."""

    attached: bool = Field(default=False, description="Whether it is to end with its parent.")
    wanted: list[str] = Field([], description="What is to run, in order of start.")
    model: ModelInUse | None = Field(
        None, description="The model asked; None if no process asks one."
    )
    ports: dict[str, int] = {}
    processes: dict[str, RunningProcess] = {}
    tasks_done: dict[str, str] = Field({}, description="Fingerprints of tasks that succeeded.")
    client_env: dict[str, str] = Field({}, description="Settings with which clients reach it.")

    def alive(self) -> dict[str, RunningProcess]:
        """What runs now, in order of start."""
        return {name: one for name, one in self.processes.items() if one.alive()}


class StackHome:
    """Folder that holds one local stack's state and logs, usually ``.onrecord``."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.data = self.path / "data"
        self.logs = self.path / "logs"
        self._state_file = self.path / "stack.json"

    def create(self) -> None:
        """Make the folders."""
        for folder in (self.path, self.data, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(folder.stat().st_mode | TRAVERSABLE)

    def load(self) -> StackState:
        """What was saved last; nothing is remembered where there is no file.

        Raises:
            StackFailedError: the file is not ours to understand.
        """
        try:
            return StackState.model_validate_json(self._state_file.read_bytes())
        except FileNotFoundError:
            return StackState()
        except ValidationError as error:
            raise StackFailedError(
                f"{self._state_file} is damaged; remove it and try again"
            ) from error

    def save(self, state: StackState) -> None:
        """Write the state, whole or not at all; only its owner may read it."""
        draft = self._state_file.with_suffix(".json.new")
        draft.touch(mode=PRIVATE)
        draft.write_text(state.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(self._state_file)

    def secret(self) -> str:
        """Return the password of this stack's database; lies with the data it belongs to."""
        file = self.data / "secret"
        if not file.exists():
            file.touch(mode=PRIVATE)
            file.write_text(secrets.token_urlsafe(24), encoding="ascii")
        return file.read_text(encoding="ascii")

    def log(self, name: str) -> Path:
        """Return a process's log; one that grew large is put aside first."""
        log = self.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        return log

    def purge(self) -> None:
        """Delete what the stack stored: data, logs and ports; nothing else that lies here."""
        for folder in (self.data, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
        self._state_file.unlink(missing_ok=True)


class StackLock:
    """File lock that keeps other commands off a stack while one changes it.

    Args:
        home: whose stack.
    """

    def __init__(self, home: StackHome) -> None:
        self._home = home
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether we hold it."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take it; a no-op when held.

        Raises:
            StackFailedError: another command holds it.
        """
        if self.held:
            return
        self._home.create()
        descriptor = os.open(self._home.path / "stack.lock", os.O_RDWR | os.O_CREAT, PRIVATE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise StackFailedError(
                f"another command is at work on the stack in {self._home.path}; "
                "try again when it is done"
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back; a no-op when not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
