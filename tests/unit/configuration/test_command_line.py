"""The command lines of single libraries: help, wrong usage in one line, exit codes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from configuration import command_line
from database.__main__ import main as database
from messaging.__main__ import main as messaging
from simulator.__main__ import main as simulator

Main = Callable[[list[str]], int]


@pytest.mark.parametrize(
    ("main", "arguments", "words"),
    [
        (database, [], "python -m database: Missing command (`python -m database --help`"),
        (database, ["migrat"], "No such command 'migrat'"),
        (database, ["migrate", "now"], "now"),
        (messaging, [], "Missing command"),
        (messaging, ["topics"], "(`python -m messaging topics --help`"),
        (messaging, ["topics", "delete"], "No such command 'delete'"),
        (messaging, ["topics", "create", "--replication", "x"], "'--replication'"),
        (messaging, ["topics", "create", "--replication", "0"], "'--replication'"),
        (messaging, ["topics", "create", "--timeout", "-1"], "'--timeout'"),
        (messaging, ["topics", "create", "--jsn"], "--jsn"),
        (simulator, ["--seed"], "--seed"),
        (simulator, ["extra"], "extra"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    main: Main, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("main", "arguments", "words"),
    [
        (database, ["--help"], ["migrate", "pending", "POSTGRES_DSN=", "python -m database"]),
        (messaging, ["-h"], ["topics", "KAFKA_BOOTSTRAP_SERVERS="]),
        (messaging, ["topics", "create", "--help"], ["--replication", "--no-auto-create"]),
        (simulator, ["--help"], ["--latency", "--rules", "lognormal:"]),
    ],
)
def test_help_names_the_verbs_options_and_an_example(
    main: Main, arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    output = capsys.readouterr().out
    assert [word for word in words if word not in output] == []


def test_a_verb_that_is_interrupted_ends_as_by_the_signal() -> None:
    app = command_line.create_typer_app("Waits.")

    @app.command()
    def wait() -> None:
        raise KeyboardInterrupt

    assert command_line.run_typer_app(app, [], program="waits") == 130
