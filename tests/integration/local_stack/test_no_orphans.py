"""Whatever happens to the parent of an attached stack, and whenever, nothing is left running."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local_stack.supervisor import LocalStack
from support.choice_of_tests import keep_one_in
from support.stack import StackFile, processes_of
from support.waiting import eventually

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs /proc, and Linux tells children of their parent's death"
)

PARENT = Path(__file__).with_name("parent.py")
LONGEST_START_S = 2.5
"""Moments are drawn from here: some fall before the stack is up, some after."""


@contextmanager
def parent(home: Path, file: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(PARENT), str(home), str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def is_up(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "up\n"


def nothing_is_left(home: Path) -> bool:
    return processes_of(home) == {}


@pytest.mark.parametrize("seed", keep_one_in(3, range(6)))
def test_a_signal_at_any_moment_leaves_nothing(
    stack_home: Path, databases_and_worker: Path, seed: int
) -> None:
    chance = random.Random(seed)
    with parent(stack_home, databases_and_worker) as process:
        time.sleep(chance.uniform(0, LONGEST_START_S))  # the moment is what is being tested
        process.send_signal(chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0, 0.1))  # a second one, while it stops
            process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    eventually(lambda: nothing_is_left(stack_home))


@pytest.mark.parametrize("seed", keep_one_in(3, range(3)))
def test_kill_9_at_any_moment_leaves_nothing_and_the_next_start_recovers(
    stack_home: Path, databases_and_worker: Path, seed: int
) -> None:
    moment = random.Random(seed).uniform(0.2, LONGEST_START_S)
    with parent(stack_home, databases_and_worker) as process:
        time.sleep(moment)  # the moment is what is being tested
        process.kill()
        process.wait()
    eventually(lambda: nothing_is_left(stack_home))
    with LocalStack(stack_home, file=databases_and_worker) as stack:
        assert all(one.ready for one in stack.status())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_running_stops_in_order_and_exits_as_shells_expect(
    stack_home: Path, databases_and_worker: Path, number: signal.Signals
) -> None:
    with parent(stack_home, databases_and_worker, stderr=subprocess.DEVNULL) as process:
        assert is_up(process)
        process.send_signal(number)
        code = process.wait(timeout=30)
    # Python itself dies of SIGINT after an unhandled KeyboardInterrupt.
    assert code == (-number if number == signal.SIGINT else 128 + number)
    assert nothing_is_left(stack_home)
    log = (stack_home / "logs" / "postgres.log").read_text()
    assert "database system is shut down" in log


def test_a_second_ctrl_c_does_not_wait_for_the_stubborn(
    stack_home: Path, stack_file: StackFile
) -> None:
    file = stack_file(one={"grace_s": 120, "env": {"WORKER_STUBBORN": "1"}})
    with parent(stack_home, file, stderr=subprocess.DEVNULL) as process:
        assert is_up(process)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
    assert nothing_is_left(stack_home)


def test_ctrl_c_in_the_terminal_does_not_reach_the_processes_themselves(
    stack_home: Path, stack_file: StackFile
) -> None:
    with LocalStack(stack_home, file=stack_file(one={})) as stack:
        pid = stack.pid("one")
        session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[3]
    assert int(session) == pid
