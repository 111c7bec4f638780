"""``onrecord dlq waiting``, against control's API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from contracts.waiting import WaitingMessage
from onrecord import cli
from onrecord.pages.waiting import format_waiting_messages

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_says_that_nothing_waits(control: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["dlq", "waiting"]) == 0
    assert capsys.readouterr().err == "nothing waits in the retry topics\n"
    assert cli.run_command(["dlq", "waiting", "--where", "attempts>=2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["matching"] == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--where", "cause=3fa9c1d25b7e0a44"], "cause is known of letters alone"),
        (["--service", "enrichmnet"], "enrichment"),
        (["--where", "studdy=x"], "did you mean study?"),
    ],
)
def test_bad_input_is_an_error_that_says_what_to_write(
    control: None, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert cli.run_command(["dlq", "waiting", *options]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_each_message_has_its_wait_and_why_without_control_characters() -> None:
    message = WaitingMessage(
        service="enrichment",
        topic="enrichment-retry-2",
        partition=0,
        offset=7,
        due_at=NOW + timedelta(seconds=50),
        error_code="llm_timeout",
        error_message="no\x1b[31m answer",
        attempts=2,
        source_topic="chunks-ready",
        source_partition=0,
        source_offset=1,
        study_id="bikes",
    )
    due = message.model_copy(update={"due_at": None, "error_code": ""})
    lines = [
        " ".join(line.plain.split())
        for line in format_waiting_messages([message, due], NOW, width=120)
    ]
    assert lines[1] == "enrichment llm_timeout 50 s 2 nothing that is known"
    assert lines[3] == "enrichment (not said) now 2 nothing that is known"
    assert "study bikes; enrichment-retry-2, partition 0, offset 7" in lines[2]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["release"], "--where and other options, or --all"),
        (["release", "--all"], "add --yes to release them all"),
        (["hold", "--all", "--until", "yesterday", "--yes"], "--until"),
        (["hold", "--all", "--until", "8d", "--yes"], "7 days"),
        (["give-up", "--all", "--yes"], "--reason"),
        (["give-up", "--all", "--reason", " ", "--yes"], "--reason"),
        (["release", "--service", "enrichmnet", "--yes"], "enrichment"),
        (["release", "--where", "cause=3fa9c1d25b7e0a44", "--yes"], "known of letters alone"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    control: None, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert cli.run_command(["waiting", *arguments]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_where_services_cannot_be_told_nothing_is_decided(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["waiting", "list", "--held"]) == 0
    assert capsys.readouterr().err == "nothing waits in the retry topics\n"
    assert cli.run_command(["waiting", "release", "--all", "--yes", "--json"]) == 1
    assert "waiting-decisions does not exist" in " ".join(capsys.readouterr().err.split())
