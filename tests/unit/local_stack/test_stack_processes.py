from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from signal import Signals

import pytest

from local_stack.processes import (
    Process,
    get_exit_code,
    get_process_start_time,
    get_start_time_by_psutil,
    start_process,
)
from support.waiting import eventually

SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def test_a_process_is_born_once(sleeper: subprocess.Popen[bytes]) -> None:
    born = get_process_start_time(sleeper.pid)
    assert born is not None
    assert get_process_start_time(sleeper.pid) == born
    assert get_process_start_time(os.getpid()) != born


def test_a_zombie_does_not_live() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", ""]) as process:
        eventually(lambda: get_process_start_time(process.pid) is None)


def test_another_process_with_a_recycled_pid_is_not_signalled(
    sleeper: subprocess.Popen[bytes],
) -> None:
    recycled = Process(sleeper.pid, "an earlier boot/12345")
    assert not recycled.alive()
    recycled.signal(Signals.SIGKILL)
    recycled.signal(Signals.SIGKILL, group=True)
    assert sleeper.poll() is None


def test_what_a_launched_process_writes_is_its_users_alone(tmp_path: Path) -> None:
    command = ["sh", "-c", f"mkdir {tmp_path}/folder && : > {tmp_path}/folder/file"]
    before = os.umask(0)
    try:
        process = start_process(
            command, env=os.environ, log=tmp_path / "log", die_with_us=None, record=lambda _: None
        )
    finally:
        os.umask(before)
    eventually(lambda: get_exit_code(process.pid) == 0)
    written = ("log", "folder", "folder/file")
    assert [(tmp_path / name).stat().st_mode & 0o077 for name in written] == [0, 0, 0]


def test_a_launched_process_writes_to_its_log_and_tells_how_it_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [
        sys.executable,
        "-c",
        "import os; print(os.environ['GREETING']); raise SystemExit(4)",
    ]
    process = start_process(
        command, env={"GREETING": "hello"}, log=log, die_with_us=None, record=lambda _: None
    )
    assert eventually(lambda: get_exit_code(process.pid)) == 4
    assert log.read_text() == "hello\n"


def test_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start_process(["/absent"], env={}, log=log, die_with_us=None, record=lambda _: None)
    assert eventually(lambda: get_exit_code(process.pid)) == 127
    assert "cannot run /absent" in log.read_text()


def test_a_process_does_not_run_unless_it_was_recorded(tmp_path: Path) -> None:
    made = tmp_path / "made"
    pids: list[int] = []

    def fail(process: Process) -> None:
        pids.append(process.pid)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        start_process(
            ["touch", str(made)], env={}, log=tmp_path / "log", die_with_us=None, record=fail
        )
    eventually(lambda: get_process_start_time(pids[0]) is None)
    assert not made.exists()


def test_a_process_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    launched: list[Process] = []

    def ask() -> None:
        launched.append(
            start_process(
                SLEEP,
                env={},
                log=tmp_path / "log",
                die_with_us=Signals.SIGKILL,
                record=lambda _: None,
            )
        )

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    try:
        assert launched[0].alive()
    finally:
        launched[0].signal(Signals.SIGKILL)


def test_off_linux_a_process_is_born_once_too(sleeper: subprocess.Popen[bytes]) -> None:
    born = get_start_time_by_psutil(sleeper.pid)
    assert born is not None
    assert get_start_time_by_psutil(sleeper.pid) == born
    assert get_start_time_by_psutil(os.getpid()) != born


def test_off_linux_a_zombie_does_not_live() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", ""]) as process:
        eventually(lambda: get_start_time_by_psutil(process.pid) is None)
    assert get_start_time_by_psutil(process.pid) is None
