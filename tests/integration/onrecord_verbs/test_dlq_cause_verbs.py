"""``onrecord dlq causes``, ``dlq cause`` and ``--where``, against control's API."""

from __future__ import annotations

import json

import pytest

from onrecord import cli
from support.served_control import name_of


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert cli.run_command(["dlq", "causes", "--json", *options]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["causes"]
    return found


def test_lists_causes_with_counts_and_what_to_do(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "causes"]) == 0
    page = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in page.splitlines()]
    undecodable, timeout = listed(capsys)
    assert lines[0] == "cause service code open 24 h trend"
    assert lines[1] == f"{undecodable['cause_id']} enrichment undecodable 2 0 quiet"
    assert lines[2] == "it failed for reason <n>"
    assert "a replay mends nothing" in " ".join(lines[3:5])
    assert lines[-3].startswith(f"{timeout['cause_id']} enrichment llm_timeout 1 0")
    assert max(map(len, page.splitlines())) <= 80


def test_shows_a_cause_and_notes_something_about_it(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    cause_id = str(listed(capsys, "--code", "llm_timeout")[0]["cause_id"])
    noted = ["--assign", "ada", "--remark", "the provider\x1b[31m is looking"]
    assert cli.run_command(["dlq", "cause", cause_id, *noted]) == 0
    page = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert f"Cause {cause_id}: enrichment, llm_timeout (SomeError)" in lines
    assert "letters 1 open" in lines
    assert "assigned to ada" in lines
    assert f"its letters onrecord dlq list --where cause={cause_id}" in lines
    assert f"an example onrecord dlq show {name_of(0)}" in lines
    assert "\x1b" not in page
    assert "meaning the model did not answer in time, several times" in lines
    assert "what to do OPENAI_TIMEOUT_S, the provider's status; then replay" in lines
    assert cli.run_command(["dlq", "cause", cause_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["assignee"] == "ada"


def test_mutes_a_cause_and_says_that_it_left_it_out(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    cause_id = str(listed(capsys, "--code", "llm_timeout")[0]["cause_id"])
    assert cli.run_command(["dlq", "cause", cause_id, "--mute", "2h"]) == 0
    assert "muted until" in capsys.readouterr().out
    assert cli.run_command(["dlq", "causes"]) == 0
    printed = capsys.readouterr()
    assert cause_id not in printed.out
    assert printed.err == "1 cause is muted: --muted shows them\n"
    assert len(listed(capsys, "--muted")) == 2
    assert cli.run_command(["dlq", "cause", cause_id, "--unmute"]) == 0
    assert len(listed(capsys)) == 2


def test_lists_and_replays_what_conditions_name(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    cause_id = str(listed(capsys, "--code", "undecodable")[0]["cause_id"])
    assert cli.run_command(["dlq", "list", "--where", "text=REASON 2", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert str(one["letter_id"])[:8] == name_of(2)
    assert cli.run_command(["dlq", "list", "--where", "since=1h", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    replay = ["dlq", "replay", "--all", "--yes", "--json", "--where", f"cause={cause_id}"]
    assert cli.run_command([*replay, "--where", "attempts>=3"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["replayed"] == 1
    assert cli.run_command(["dlq", "show", name_of(2), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "replayed"
    (left,) = listed(capsys, "--code", "undecodable")
    counted = dict(left["letters"])  # type: ignore[call-overload]
    assert {state: n for state, n in counted.items() if n} == {"open": 1, "replayed": 1}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["dlq", "causes", "--code", "llm_timeuot"], "llm_timeout"),
        (["dlq", "causes", "--state", "ajar"], "discarded"),
        (["dlq", "cause", "3fa9"], "16 hex digits"),
        (["dlq", "cause", "0123456789abcdef"], "there is no cause"),
        (["dlq", "cause", "0123456789abcdef", "--mute", "soon"], "30m, 2h or 3d"),
        (["dlq", "cause", "0123456789abcdef", "--mute", "2h", "--unmute"], "either --mute or"),
        (["dlq", "list", "--where", "studdy=x"], "did you mean study?"),
        (["dlq", "list", "--code", "bug", "--where", "code=pii"], "contradict"),
        (["dlq", "replay", "3fa9", "--where", "study=x"], "go with --all"),
    ],
)
def test_a_typo_is_an_error_that_says_what_to_write(
    control: None, capsys: pytest.CaptureFixture[str], command: list[str], says: str
) -> None:
    assert cli.run_command(command) == 2
    assert says in " ".join(capsys.readouterr().err.split())
