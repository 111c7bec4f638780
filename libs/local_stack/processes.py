"""Starts processes, finds out whether they live, and signals them, but never a reused pid.

A pid is used again by the system; a pid with the moment its process began is not.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from signal import Signals
from typing import Final

from configuration.private_files import PRIVATE

LAUNCHER: Final = Path(__file__).with_name("process_launcher.py")


@dataclass(frozen=True, slots=True)
class Process:
    """Running process, identified by its pid and start time, as pids are reused.

    Attributes:
        pid: its number, also that of its session and process group.
        born: when it began, as the system has it; see ``get_process_start_time``.
    """

    pid: int
    born: str

    def alive(self) -> bool:
        """Return whether it still runs; a zombie does not."""
        _reap(self.pid)
        return get_process_start_time(self.pid) == self.born

    def signal(self, number: Signals, *, group: bool = False) -> None:
        """Send a signal to it, or to its whole process group, if it still runs."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(self.pid, number)


def get_process_start_time(pid: int) -> str | None:
    """Return a process's start time as text, to distinguish it from others with the same pid.

    On Linux, the boot's id and the clock ticks since (field 22 of proc_pid_stat(5)); elsewhere,
    seconds since 1970. None if there is none, or only a zombie.
    """
    # psutil has only the latter, on Linux too: there it moves whenever the clock is set, and a
    # process that runs would be taken for another one.
    return _start_ticks_of(pid) if sys.platform == "linux" else get_start_time_by_psutil(pid)


def _start_ticks_of(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before may hold blanks and ")"
    return None if state in {"Z", "X"} else f"{_boot_id()}/{fields[18]}"


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def get_start_time_by_psutil(pid: int) -> str | None:
    """Return a process's start time in seconds since the epoch, as text; None if it has ended.

    For systems without ``/proc``: on Linux it moves when the clock is set.
    """
    import psutil  # noqa: PLC0415 - of the extra "local", and slow to import

    try:
        process = psutil.Process(pid)
        is_zombie = process.status() == psutil.STATUS_ZOMBIE
        return None if is_zombie else f"{process.create_time():.6f}"
    except psutil.NoSuchProcess:
        return None


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def get_exit_code(pid: int) -> int | None:
    """Return a child process's exit code, or minus its signal; None while it runs.

    Raises:
        ChildProcessError: it is no child of ours, or was asked about after its end before.
    """
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def start_process(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    die_with_us: Signals | None,
    record: Callable[[Process], None],
) -> Process:
    """Start a process in its own session, with its output appended to a log file.

    Args:
        command: program and arguments.
        env: its whole environment.
        log: the file that takes its stdout and stderr.
        die_with_us: the signal it gets when this process ends in any way (Linux); None to outlive.
        record: called with the process before it runs a single line of the command.
    """
    return _forever().run(lambda: _launch(command, env, log, die_with_us, record))


def _launch(
    command: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    die_with_us: Signals | None,
    record: Callable[[Process], None],
) -> Process:
    gate, release = os.pipe()
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(LAUNCHER), str(int(die_with_us or 0)), *command],
            dict(env),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, gate, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=(),  # ours may be blocked just now
        )
        process = Process(pid, get_process_start_time(pid) or "gone")
        record(process)
        with contextlib.suppress(BrokenPipeError):
            os.write(release, b"\n")
    finally:
        os.close(gate)
        os.close(release)
    return process


class _Thread:
    """A thread that starts all children and lives as long as this process.

    Linux takes the thread that started a child for its parent: a child started by a worker thread
    would die with that thread.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Process], Callable[[], Process]]] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._work, name="onrecord-launch", daemon=True).start()

    def run(self, job: Callable[[], Process]) -> Process:
        done: Future[Process] = Future()
        self._jobs.put((done, job))
        return done.result()

    def _work(self) -> None:
        while True:
            done, job = self._jobs.get()
            try:
                done.set_result(job())
            except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
                done.set_exception(error)


@cache
def _forever() -> _Thread:
    return _Thread()
