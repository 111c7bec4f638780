from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import typer

from contracts.errors import BadMessageError, OutageError, RetryableError
from onrecord import cli
from onrecord.errors import FailedError, UnreachableError, UsageError


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_HOME", str(tmp_path / "home"))


def run_raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "build_app", lambda _: app)
    return cli.run_command([])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FailedError("it failed"), 1),
        (UsageError("bad input"), 2),
        (UnreachableError("nobody answers"), 3),
        (OutageError("no broker"), 3),
        (BadMessageError("empty transcript"), 2),
        (RetryableError("timed out"), 1),
        (typer.Exit(3), 3),
    ],
)
def test_the_class_of_an_error_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    assert run_raising(monkeypatch, error) == code


def test_an_error_is_one_line_on_stderr_with_its_details_below(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_raising(monkeypatch, FailedError("no [luck] today", details=["line 1", "line [2]"]))
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "error: no [luck] today\n  line 1\n  line [2]\n"


def test_ctrl_c_exits_as_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_raising(monkeypatch, KeyboardInterrupt()) == 130


@pytest.mark.parametrize("arguments", [["no-such-verb"], ["up", "--no-such-option"]])
def test_wrong_usage_exits_2_without_a_traceback(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("group", "code"), [("", 0), ("dlq", 2), ("contracts", 2)])
def test_without_a_verb_the_help_is_all_there_is(
    group: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(group.split()) == code
    output = capsys.readouterr()
    assert "Usage: onrecord" in output.out
    assert output.err == ""


def test_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["--version"]) == 0
    assert capsys.readouterr().out == f"onrecord {metadata.version('onrecord')}\n"


@pytest.mark.parametrize("verb", ["up", "down", "status"])
def test_every_verb_of_the_stack_helps_with_examples_and_json(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command([verb, "--help"]) == 0
    output = capsys.readouterr().out
    assert f"onrecord {verb}" in output
    assert "--json" in output


def test_status_without_a_stack_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["status"]) == 3
    assert "onrecord up" in capsys.readouterr().err


def test_status_without_a_stack_is_still_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["status", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["processes"] == []


def test_down_without_a_stack_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["down"]) == 0
    assert "nothing was running" in capsys.readouterr().err


def test_starting_an_unknown_process_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["up", "--only", "brokr"]) == 2
    assert "no process 'brokr'" in capsys.readouterr().err


def names_of(app: typer.Typer) -> set[str]:
    commands = typer.main.get_group(app).commands
    return set(commands)


def test_each_command_is_found_in_the_one_module_that_is_imported_for_it() -> None:
    for name in names_of(cli.build_app()):
        alone = names_of(cli.build_app([name, "--help"]))
        assert name in alone
        assert len(alone) <= 3, "a module's commands, not all"


def test_a_command_that_is_not_there_is_looked_for_among_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run_command(["nots"]) == 2
    assert "notes" in capsys.readouterr().err


def test_a_command_imports_no_library_that_only_others_need() -> None:
    script = (
        "import sys; from onrecord.cli import run_command; run_command(['costs', '--help']); "
        "print({'openai', 'aiokafka', 'faststream', 'grounding'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"
