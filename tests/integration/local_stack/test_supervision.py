from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from local_stack.errors import StackFailedError
from local_stack.progress import ProcessProgress, ProgressStep
from local_stack.state import StackFolder
from local_stack.supervisor import LocalStack
from support.stack import StackFile, processes_of
from support.waiting import eventually

ENDS_AT_ONCE = ["{python}", "-c", "print('line 1\\nno luck'); raise SystemExit(7)", "{port}"]


def pids(stack: LocalStack) -> dict[str, int | None]:
    return {one.name: one.pid for one in stack.status()}


def detached(home: Path, file: Path, **options: Any) -> LocalStack:
    return LocalStack(home, file=file, attached=False, **options)


def test_processes_start_after_what_they_need_and_stop_before_it(
    stack_home: Path, stack_file: StackFile
) -> None:
    steps: list[ProcessProgress] = []
    file = stack_file(first={}, second={"after": ["first"]})
    with LocalStack(stack_home, file=file, report=steps.append):
        pass
    output = [(step.name, step.step) for step in steps]
    assert output == [
        ("first", ProgressStep.STARTING),
        ("first", ProgressStep.READY),
        ("second", ProgressStep.STARTING),
        ("second", ProgressStep.READY),
        ("second", ProgressStep.STOPPING),
        ("second", ProgressStep.STOPPED),
        ("first", ProgressStep.STOPPING),
        ("first", ProgressStep.STOPPED),
    ]


def test_a_second_start_leaves_alone_what_runs(stack_home: Path, stack_file: StackFile) -> None:
    stack = detached(stack_home, stack_file(one={}, two={}))
    stack.start()
    try:
        before = pids(stack)
        detached(stack_home, stack_file(one={}, two={})).start()
        assert pids(stack) == before
    finally:
        stack.stop()


def test_a_second_start_starts_only_what_was_killed(
    stack_home: Path, stack_file: StackFile
) -> None:
    stack = detached(stack_home, stack_file(one={}, two={}))
    stack.start()
    try:
        before = pids(stack)
        stack.kill("two")
        assert [one.running for one in stack.status()] == [True, False]
        stack.start()
        after = pids(stack)
        assert after["one"] == before["one"]
        assert after["two"] not in {before["two"], None}
    finally:
        stack.stop()


def test_a_second_start_waits_until_what_ran_before_is_ready_again(
    stack_home: Path, stack_file: StackFile, tmp_path: Path
) -> None:
    busy = tmp_path / "busy"
    script = f"from pathlib import Path; Path({str(busy)!r}).unlink(missing_ok=True)"
    file = stack_file(
        one={},
        two={"after": ["one"], "env": {"WORKER_BUSY_WHILE": str(busy)}},
        mend={"command": [sys.executable, "-c", script], "ready": "exit", "after": ["one"]},
    )
    steps: list[ProcessProgress] = []
    stack = detached(stack_home, file, report=steps.append)
    try:
        stack.start()
        before = stack.pid("two")
        busy.touch()
        stack.kill("one")
        steps.clear()
        stack.start()
        assert all(one.ready for one in stack.status())
        assert stack.pid("two") == before
        assert [step.step for step in steps if step.name == "two"] == [
            ProgressStep.STARTING,
            ProgressStep.READY,
        ]
    finally:
        stack.stop()


def test_a_second_start_fails_when_what_ran_before_does_not_get_ready(
    stack_home: Path, stack_file: StackFile, tmp_path: Path
) -> None:
    busy = tmp_path / "busy"
    settings = {"env": {"WORKER_BUSY_WHILE": str(busy)}, "start_timeout_s": 3}
    stack = detached(stack_home, stack_file(one=settings))
    try:
        stack.start()
        busy.touch()
        with pytest.raises(StackFailedError, match=r"one was not ready in 3 s .*503"):
            stack.start()
        assert [one.running for one in stack.status()] == [True]
    finally:
        stack.stop()


def test_what_ran_before_and_ends_while_it_is_waited_for_is_started_again(
    stack_home: Path, stack_file: StackFile, tmp_path: Path
) -> None:
    busy = tmp_path / "busy"
    stack = detached(stack_home, stack_file(one={"env": {"WORKER_BUSY_WHILE": str(busy)}}))
    try:
        stack.start()
        before = stack.pid("one")
        busy.touch()

        def end_it(progress: ProcessProgress) -> None:
            if progress.step is ProgressStep.STARTING:
                busy.unlink()
                stack.kill("one")

        detached(stack_home, tmp_path / "stack.yaml", report=end_it).start()
        assert [one.ready for one in stack.status()] == [True]
        assert stack.pid("one") != before
    finally:
        stack.stop()


def test_what_runs_with_other_settings_is_started_again(
    stack_home: Path, stack_file: StackFile
) -> None:
    file = stack_file(one={}, two={})
    stack = detached(stack_home, file)
    stack.start()
    try:
        before = pids(stack)
        stack = detached(stack_home, file, env={"OTHER": "settings"})
        stack.start()
        assert not set(pids(stack).values()) & set(before.values())
    finally:
        stack.stop()


def test_a_process_with_a_recycled_pid_is_neither_killed_nor_taken_for_ours(
    stack_home: Path, stack_file: StackFile
) -> None:
    file = stack_file(one={})
    with LocalStack(stack_home / "stranger", file=file) as stranger:
        stack = detached(stack_home / "ours", file)
        stack.start()
        stack.kill("one")
        home = StackFolder(stack_home / "ours")
        state = home.load()
        state.processes["one"].pid = stranger.pid("one")
        home.save(state)
        assert [one.running for one in stack.status()] == [False]
        stack.stop()
        assert [one.ready for one in stranger.status()] == [True]


@pytest.mark.long
def test_a_port_taken_by_somebody_else_is_replaced(stack_home: Path, stack_file: StackFile) -> None:
    stack = detached(stack_home, stack_file(one={}))
    stack.start()
    port = stack.status()[0].port
    stack.stop()
    assert port is not None
    with socket.create_server(("127.0.0.1", port)):
        stack.start()
        try:
            status = stack.status()[0]
            assert status.ready
            assert status.port != port
        finally:
            stack.stop()


def test_ports_are_kept_for_later_starts(stack_home: Path, stack_file: StackFile) -> None:
    stack = detached(stack_home, stack_file(one={}))
    ports = []
    for _ in range(2):
        stack.start()
        ports.append(stack.status()[0].port)
        stack.stop()
    assert ports[0] == ports[1]


def test_a_failed_start_shows_the_log_and_stops_what_it_started(
    stack_home: Path, stack_file: StackFile
) -> None:
    file = stack_file(one={}, two={"after": ["one"], "command": ENDS_AT_ONCE, "attempts": 1})
    with pytest.raises(StackFailedError, match=r"two ended with exit code 7 .*two\.log") as failed:
        detached(stack_home, file).start()
    assert failed.value.details == ("line 1", "no luck")
    assert processes_of(stack_home) == {}


def test_a_failed_start_leaves_running_what_ran_before(
    stack_home: Path, stack_file: StackFile
) -> None:
    stack = detached(stack_home, stack_file(one={}))
    stack.start()
    try:
        file = stack_file(one={}, two={"command": ENDS_AT_ONCE, "attempts": 1})
        with pytest.raises(StackFailedError):
            detached(stack_home, file).start()
        assert [one.ready for one in stack.status()] == [True]
    finally:
        stack.stop()


def test_a_process_that_never_gets_ready_is_named_with_the_reason(
    stack_home: Path, stack_file: StackFile
) -> None:
    file = stack_file(
        one={
            "command": ["{python}", "-c", "import time; time.sleep(60)", "{port}"],
            "start_timeout_s": 0.5,
        }
    )
    steps: list[ProcessProgress] = []
    with pytest.raises(StackFailedError, match=r"one was not ready in 0\.5 s .*refused"):
        detached(stack_home, file, report=steps.append).start()
    assert [step.step for step in steps] == [
        ProgressStep.STARTING,
        ProgressStep.STOPPING,
        ProgressStep.GIVEN_UP,
    ]


def test_a_process_that_does_not_stop_is_killed_and_this_is_told(
    stack_home: Path, stack_file: StackFile
) -> None:
    steps: list[ProcessProgress] = []
    file = stack_file(one={"grace_s": 0.2, "env": {"WORKER_STUBBORN": "1"}})
    with LocalStack(stack_home, file=file, report=steps.append):
        pass
    assert [step.step for step in steps][-2:] == [ProgressStep.STOPPING, ProgressStep.KILLED]


def test_a_task_runs_once_until_something_it_builds_on_is_started_again(
    stack_home: Path, stack_file: StackFile, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    script = f"open({str(runs)!r}, 'a').write('x')"
    task = {"command": [sys.executable, "-c", script], "ready": "exit", "after": ["one"]}
    stack = detached(stack_home, stack_file(one={}, task=task))
    try:
        stack.start()
        stack.start()
        assert runs.read_text() == "x"
        stack.kill("one")
        stack.start()
        assert runs.read_text() == "xx"
    finally:
        stack.stop()


def test_an_attached_stack_does_not_take_over_a_detached_one(
    stack_home: Path, stack_file: StackFile
) -> None:
    file = stack_file(one={})
    stack = detached(stack_home, file)
    stack.start()
    try:
        with pytest.raises(StackFailedError, match="already runs"):
            LocalStack(stack_home, file=file).start()
        assert [one.ready for one in stack.status()] == [True]
    finally:
        stack.stop()


def test_stopping_twice_is_no_error_and_purging_deletes_the_data(
    stack_home: Path, stack_file: StackFile
) -> None:
    stack = detached(stack_home, stack_file(one={}))
    stack.start()
    stack.stop()
    stack.stop(purge=True)
    assert [entry.name for entry in stack_home.iterdir()] == ["stack.lock"]


def test_broker_and_database_recover_from_kill_9_with_their_data(
    stack_home: Path, databases_and_worker: Path
) -> None:
    with LocalStack(stack_home, file=databases_and_worker) as stack:
        for name in ("broker", "postgres"):
            stack.kill(name)
            stack.restart(name)
        assert all(one.ready for one in stack.status())
    eventually(lambda: processes_of(stack_home) == {})
