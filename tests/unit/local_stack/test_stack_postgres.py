"""The lock file of a PostgreSQL server that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.postgres import remove_stale_lock


def locked_by(pid: str, folder: Path) -> Path:
    lock = folder / "postmaster.pid"
    lock.write_text(f"{pid}\n{folder}\n", encoding="utf-8")
    return lock


def test_a_lock_whose_pid_is_another_programs_by_now_is_removed(tmp_path: Path) -> None:
    lock = locked_by(str(os.getpid()), tmp_path)
    remove_stale_lock(tmp_path)
    assert not lock.exists()


def test_a_lock_whose_pid_nobody_has_is_left_to_postgresql(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", ""]) as process:
        process.wait()
    lock = locked_by(str(process.pid), tmp_path)
    remove_stale_lock(tmp_path)
    assert lock.exists()


@pytest.mark.parametrize("pid", ["", "x", "-1"])
def test_a_lock_that_names_no_pid_is_left_to_postgresql(pid: str, tmp_path: Path) -> None:
    lock = locked_by(pid, tmp_path)
    remove_stale_lock(tmp_path)
    assert lock.exists()


def test_without_a_lock_there_is_nothing_to_forget(tmp_path: Path) -> None:
    remove_stale_lock(tmp_path)
    assert list(tmp_path.iterdir()) == []
