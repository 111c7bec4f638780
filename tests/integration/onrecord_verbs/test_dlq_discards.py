"""``onrecord dlq discard``, ``dlq restore`` and ``dlq snooze``, against control's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onrecord import cli
from support.served_control import name_of

TEST = ("--reason", "a test")


def run(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.run_command(["dlq", *command]) == code
    printed = capsys.readouterr()
    return printed.out, " ".join(printed.err.split())


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(capsys, "list", "--json", *options)[0])
    return found


def test_discards_what_matches_and_undoes_it(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    page, said = run(capsys, "discard", "--code", "undecodable", *TEST, "--yes")
    assert page == "2 dead letters discarded\n"
    assert [str(one["letter_id"])[:8] for one in listed(capsys)] == [name_of(0)]
    undo = said.split("`")[1].removeprefix("onrecord dlq ").split()
    assert undo[:2] == ["restore", "--discard"]
    assert run(capsys, "restore", name_of(1))[0].endswith("is open again\n")
    page, said = run(capsys, *undo)
    assert (page, said) == (
        "1 dead letter open again\n",
        "1 letter was not discarded any more, and stay as they are",
    )
    assert len(listed(capsys)) == 3


def test_a_limit_discards_and_replays_as_few(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    done = json.loads(run(capsys, "discard", "--all", "--limit", "1", *TEST, "--yes", "--json")[0])
    assert done["discarded"] == 1
    assert len(listed(capsys, "--state", "discarded")) == 1
    replay = ("replay", "--all", "--code", "undecodable", "--limit", "1", "--yes", "--json")
    assert json.loads(run(capsys, *replay)[0])["counts"]["replayed"] == 1
    assert len(listed(capsys)) == 1


def test_study_and_since_narrow_lists_replays_and_discards(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(listed(capsys, "--since", "2026-01-05T12:01Z")) == 2
    assert listed(capsys, "--study", "bikes") == []
    _, said = run(capsys, "discard", "--study", "bikes", *TEST, "--yes", code=1)
    assert said == "error: no open letter matches: there is nothing to discard"
    replay = ("replay", "--all", "--since", "1h", "--yes", "--json")
    assert json.loads(run(capsys, *replay)[0])["letters"] == 0


def test_snoozed_letters_are_left_out_and_said(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    page, _ = run(capsys, "snooze", "--code", "undecodable", "--until", "2h", "--yes")
    assert page.startswith("2 dead letters: snoozed until ")
    page, said = run(capsys, "list")
    assert (page.count("for reason"), said) == (1, "2 letters are snoozed: --snoozed shows them")
    assert "snoozed until" in run(capsys, "list", "--snoozed")[0]
    _, said = run(capsys, "causes")
    assert said == "1 cause has snoozed letters alone: --snoozed shows them"
    page, _ = run(capsys, "causes", "--snoozed")
    assert "2 of the open ones snoozed" in " ".join(page.split())  # it may be cut into lines
    _, said = run(capsys, "replay", "--all", "--code", "undecodable", "--yes")
    assert "left out: 2 letters that are snoozed" in said
    _, said = run(capsys, "discard", "--all", *TEST, "--yes")
    assert said.startswith("2 letters are snoozed, and stay open")
    page, _ = run(capsys, "snooze", name_of(1), "--wake")
    assert page.endswith(": not snoozed any more\n")
    assert [str(one["letter_id"])[:8] for one in listed(capsys)] == [name_of(1)]


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (["discard", *TEST], 2, "several by --where, or --all of them"),
        (["discard", "3fa9", "--all", *TEST], 2, "name one letter by its id, or several"),
        (["discard", "--where", "studdy=x", *TEST, "--yes"], 2, "did you mean study?"),
        (["discard", "--where", "study=x", *TEST], 2, "add --yes to discard them all"),
        (["discard", "--all", "--reason", " "], 2, "--reason: say why"),
        (["discard", "--since", "2 days", *TEST, "--yes"], 2, "30m, 2h or 3d"),
        (["restore"], 2, "a discard by --discard"),
        (["restore", "--discard", "3fa9"], 2, "the whole id of a discard"),
        (
            ["restore", "--discard", "77b0e0c2-5c1f-4f0e-9a53-0d8f4c6f2a10"],
            2,
            "there is no discard",
        ),
        (["restore", name_of(0)], 1, "is open, not discarded"),
        (["snooze", "3fa9"], 2, "say until when"),
        (["snooze", "3fa9", "--until", "2020-01-01"], 2, "is in the past"),
        (["snooze", "3fa9", "--until", "soon"], 2, "30m, 2h or 3d"),
        (["snooze", "--until", "2h"], 2, "several by --where"),
        (["replay", "3fa9", "--limit", "5"], 2, "go with --all"),
    ],
)
def test_bad_input_is_an_error_that_says_what_to_write(
    control: None, capsys: pytest.CaptureFixture[str], command: list[str], code: int, says: str
) -> None:
    assert says in run(capsys, *command, code=code)[1]
