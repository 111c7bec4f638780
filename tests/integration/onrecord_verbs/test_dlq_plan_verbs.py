"""``onrecord dlq plan``, against control's API."""

from __future__ import annotations

import json

import pytest

from onrecord import cli


@pytest.fixture
def runs_plans() -> bool:
    return False


def test_makes_shows_starts_pauses_and_cancels_a_plan(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "plan", "list"]) == 0
    assert "no plans" in capsys.readouterr().err
    assert cli.run_command(["dlq", "plan", "create", "--where", "code=llm_timeout", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    name = made["plan_id"][:8]
    assert (made["state"], made["letters"]) == ("ready", 1)
    assert made["preview"]["parts"][0]["topic"] == "enrichment-retry-0"
    assert cli.run_command(["dlq", "plan", "show", name]) == 0
    page = capsys.readouterr().out
    assert f"Plan {made['plan_id']}: 1 letters, ready" in page
    assert "ready: healed 0, died again 0, 1 waiting" in page
    assert cli.run_command(["dlq", "plan", "start", name]) == 0
    assert capsys.readouterr().out.startswith("running: ")
    assert cli.run_command(["dlq", "plan", "pause", name]) == 0
    assert cli.run_command(["dlq", "plan", "start", name]) != 0
    assert "plan resume" in capsys.readouterr().err
    assert cli.run_command(["dlq", "plan", "resume", name]) == 0
    assert cli.run_command(["dlq", "plan", "report", name]) == 0
    assert "llm_timeout" in capsys.readouterr().out
    assert cli.run_command(["dlq", "plan", "cancel", name, "--reason", "a test"]) == 0
    assert capsys.readouterr().out == "cancelled: healed 0, died again 0, 1 waiting\n"
    assert cli.run_command(["dlq", "plan", "list"]) == 0
    assert name in capsys.readouterr().out


def test_a_plan_shows_what_holds_for_its_messages_alone(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["dlq", "plan", "create", "--where", "code=llm_timeout", "--deadline", "2m"]
    assert cli.run_command([*command, "--prompt-version", "notes-2", "--model", "small"]) == 0
    page = capsys.readouterr().out
    assert "with      model small, prompt version notes-2, deadline 120 s: for these" in page


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (["create", "--where", "study=nobody"], 2, "no open letter matches"),
        (["create", "--where", "studdy=x"], 2, "did you mean study"),
        (["create", "--start"], 2, "add --yes"),
        (["create", "--step-wait", "soon"], 2, "a duration such as"),
        (["create", "--prompt-version", "notes-99"], 2, "there is no 'notes-99'"),
        (["create", "--deadline", "1h"], 2, "from 5 s to 10 min"),
        (["create", "--deadline", "long"], 2, "a duration such as"),
        (["create", "--personal-data", "maks"], 2, "mask"),
        (["create", "--model", ""], 2, "has no value"),
        (["show", "abc"], 2, "at least its first 4"),
        (["show", "abcdef"], 2, "no plan's id begins"),
        (["show", "00000000-0000-0000-0000-000000000001"], 2, "there is no plan"),
    ],
)
def test_what_is_wrong_is_said(
    control: None,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    code: int,
    says: str,
) -> None:
    assert cli.run_command(["dlq", "plan", *command]) == code
    assert says in capsys.readouterr().err
