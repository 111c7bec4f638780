"""``onrecord dlq rule``, against control's API."""

from __future__ import annotations

import json

import pytest

from onrecord import cli


def run(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.run_command(["dlq", "rule", *command]) == code
    printed = capsys.readouterr()
    return printed.out, " ".join(printed.err.split())


def test_a_rule_is_created_enabled_shown_disabled_and_deleted(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "list") == ("", "there are no rules")
    page, said = run(capsys, "create", "timeouts", "--code", "llm_timeout", "--rate", "7")
    assert page == (
        "timeouts: disabled; letters with code=llm_timeout, once none was set aside for 10 min, "
        "at 7/s, each message 2 times at most; 0 replayed, never fired\n"
    )
    assert said == "`onrecord dlq rule enable timeouts` enables it"
    assert run(capsys, "enable", "timeouts")[0].startswith("timeouts: enabled; ")
    assert run(capsys, "list")[0].startswith("timeouts: enabled; ")
    rule = json.loads(run(capsys, "show", "timeouts", "--json")[0])
    assert (rule["is_enabled"], rule["rate_per_s"], rule["quiet_s"]) == (True, 7, 600)
    assert run(capsys, "disable", "timeouts")[0].startswith("timeouts: disabled; ")
    assert run(capsys, "delete", "timeouts")[0] == "timeouts: deleted\n"
    assert json.loads(run(capsys, "list", "--json")[0]) == []


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (["create", "all"], 2, "say which letters"),
        (["create", "No Good", "--code", "llm_timeout"], 2, "small letters, digits and hyphens"),
        (["create", "a", "--code", "llm_timeuot"], 2, "llm_timeout"),
        (["create", "a", "--code", "llm_timeout", "--quiet-for", "soon"], 2, "30m, 2h or 3d"),
        (["show", "nothing"], 2, "there is no rule nothing"),
        (["enable", "nothing"], 2, "there is no rule nothing"),
        (["delete", "nothing"], 2, "there is no rule nothing"),
    ],
)
def test_bad_input_is_an_error_that_says_what_to_write(
    control: None, capsys: pytest.CaptureFixture[str], command: list[str], code: int, says: str
) -> None:
    assert says in run(capsys, *command, code=code)[1]
