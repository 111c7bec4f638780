"""What ``stack.json`` remembers between commands: ports, pids and how clients reach the stack."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from configuration.private_files import PRIVATE, PRIVATE_FOLDER
from database.logins import read_or_create_password
from local_stack.errors import StackFailedError
from local_stack.processes import Process

TRAVERSABLE: Final = 0o711  # as root, the database runs as another user and has to get through
MAX_LOG_BYTES: Final = 10 * 1024 * 1024
"""A longer log is renamed when its process starts, in place of the one before; in bytes."""


class RunningProcess(BaseModel):
    """Record of a started process: pid, start time, ports, and hashes of its settings."""

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
    """Language model that the stack's services use: its name and URL, or the simulator."""

    name: str | None = Field(description="ONRECORD_MODEL, if set.")
    base_url: str | None = Field(description="Where it answers; None for the client's default.")
    simulated: bool = Field(description="Whether it is the simulator.")


class StackState(BaseModel):
    """State of the local stack, as stored in ``stack.json``."""

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


class StackFolder:
    """Folder of a local stack's state and logs, usually ``.onrecord``.

    Attributes:
        path: the folder.
        data: what the stack stored.
        logs: the logs of its processes.
        secret_file: the password of its database's superuser.
        logins: the passwords of the other logins, each in a file.
    """

    def __init__(self, path: Path) -> None:
        self._given = path.expanduser()
        self.path = self._given.resolve()
        self.data = self.path / "data"
        self.logs = self.path / "logs"
        self.secret_file = self.data / "secret"
        self.logins = self.data / "logins"
        self._state_file = self.path / "stack.json"

    def create(self) -> None:
        """Make the folders, closed to other users: interviews lie in them.

        Raises:
            StackFailedError: the folder is another user's.
        """
        self.check_owner()
        self.path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        is_root = os.geteuid() == 0
        if is_root:
            self.path.chmod(self.path.stat().st_mode | TRAVERSABLE)
        for folder in (self.data, self.logs):
            folder.mkdir(exist_ok=True)
            folder.chmod(TRAVERSABLE if is_root else PRIVATE_FOLDER)
        # Made before processes were started with a umask, when anybody could read its files.
        if (broker := self.data / "broker").is_dir():
            broker.chmod(PRIVATE_FOLDER)

    def check_owner(self) -> None:
        """Check that the folder, a link to it, and what it has are this user's, where they exist.

        Whoever owns them decides which broker and database commands talk to, and which programs
        are started.

        Raises:
            StackFailedError: one of them is another user's, or others may write to a folder.
        """
        places = (self._given, self.path, self.data, self.logs, self.secret_file, self._state_file)
        for place in places:
            try:
                found = place.lstat()
            except FileNotFoundError:
                continue
            if found.st_uid != os.geteuid():
                raise StackFailedError(
                    f"{place} belongs to another user ({_find_user_name(found.st_uid)}), who could "
                    "make commands talk to anything: set ONRECORD_HOME to a folder of your own"
                )
            if stat.S_ISDIR(found.st_mode) and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise StackFailedError(
                    f"other users of this machine may write to {place}, and make commands talk to "
                    f"anything: `chmod go-w {place}`"
                )

    def load(self) -> StackState:
        """What was saved last; nothing is remembered where there is no file.

        Raises:
            StackFailedError: the file is not ours to understand, or another user's.
        """
        self.check_owner()
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
        """Return the superuser's password; lies with the data it belongs to.

        Raises:
            StackFailedError: its file cannot be used.
        """
        return _read_password(self.secret_file)

    def password(self, login: str) -> str:
        """Return the password of a login, as ``database.logins`` names it; lies with the data.

        Raises:
            StackFailedError: its file cannot be used.
        """
        return _read_password(self.logins / login)

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


def _read_password(file: Path) -> str:
    try:
        return read_or_create_password(file)
    except OSError as error:
        raise StackFailedError(
            f"cannot use {file}, which has a password of the stack ({error.strerror})"
        ) from error
    except UnicodeDecodeError as error:
        raise StackFailedError(
            f"{file} has no password in it, but bytes that are no text: delete it, and a new one "
            "is made"
        ) from error
    except ValueError as error:
        raise StackFailedError(str(error)) from error


def _find_user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"user id {user_id}"


class StackLock:
    """File lock that lets only one command at a time change a stack.

    Args:
        home: whose stack.
    """

    def __init__(self, home: StackFolder) -> None:
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
