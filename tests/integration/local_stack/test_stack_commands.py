"""The verbs of the local stack, run as people run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_stack.spec import FILE_SETTING
from local_stack.state import StackFolder
from support.stack import StackFile, processes_of

Onrecord = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def onrecord(stack_home: Path, stack_file: StackFile) -> Iterator[Onrecord]:
    """Run the command on a stack of two workers; what it leaves is stopped."""
    file = stack_file(one={}, two={"after": ["one"]})
    env = os.environ | {"ONRECORD_HOME": str(stack_home), FILE_SETTING: str(file)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from onrecord.cli import main; main()", *words]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=60
        )

    yield run
    run("down")


def test_up_status_down(onrecord: Onrecord, stack_home: Path) -> None:
    assert onrecord("up").returncode == 0
    status = onrecord("status", "--json")
    assert status.returncode == 0
    assert [one["ready"] for one in json.loads(status.stdout)["processes"]] == [True, True]
    assert onrecord("down").returncode == 0
    assert onrecord("status").returncode == 3
    assert processes_of(stack_home) == {}


def test_up_shows_a_line_for_each_process_and_how_long_it_took(onrecord: Onrecord) -> None:
    shown = onrecord("up").stderr.splitlines()
    assert [line.split()[:3] for line in shown] == [["✓", "one", "ready"], ["✓", "two", "ready"]]
    assert all(" s " in line for line in shown)


def test_status_exits_1_while_something_is_missing(onrecord: Onrecord, stack_home: Path) -> None:
    onrecord("up")
    os.kill(StackFolder(stack_home).load().processes["two"].pid, signal.SIGKILL)
    status = onrecord("status", "--json")
    assert status.returncode == 1
    assert [one["reason"] for one in json.loads(status.stdout)["processes"]] == ["", "not running"]


def test_only_starts_a_part_and_status_is_content_with_it(onrecord: Onrecord) -> None:
    started = json.loads(onrecord("up", "--only", "one", "--json").stdout)
    assert [one["name"] for one in started["processes"]] == ["one"]
    assert onrecord("status").returncode == 0


def test_a_failed_start_exits_1_and_points_to_the_log(
    onrecord: Onrecord, stack_file: StackFile, stack_home: Path
) -> None:
    stack_file(one={}, two={"command": ["{python}", "-c", "raise SystemExit('no luck')", "{port}"]})
    failed = onrecord("up")
    assert failed.returncode == 1
    assert f"{stack_home}/logs/two.log" in failed.stderr
    assert "no luck" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert processes_of(stack_home) == {}


def test_down_purge_deletes_the_data(onrecord: Onrecord, stack_home: Path) -> None:
    onrecord("up")
    assert json.loads(onrecord("down", "--purge", "--json").stdout) == {
        "stopped": ["one", "two"],
        "purged": True,
    }
    assert not (stack_home / "data").exists()
