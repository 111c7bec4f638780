"""``onrecord dlq rehearse``, ``dlq rehearsal`` and ``replay --dry-run``, against control's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onrecord import cli
from support.served_control import name_of


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.run_command(["dlq", *words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_rehearses_named_letters_and_says_why_one_is_not(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    code, page, err = run(capsys, "rehearse", name_of(0))
    assert code == 0
    assert err.startswith("rehearsal ")
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert lines[0] == "1 letter rehearsed (recorded): 1 not rehearsed"
    assert lines[1] == f"{name_of(0)} not rehearsed enrichment"
    assert "CONTROL_STAGE_URLS does not say where enrichment answers" in " ".join(lines[2:])
    rehearsal_id = err.split()[1].rstrip(":")
    code, again, _ = run(capsys, "rehearsal", rehearsal_id)
    assert (code, again) == (0, page)


def test_a_dry_run_is_a_rehearsal_and_replays_nothing(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    code, page, _ = run(capsys, "replay", "--all", "--code", "llm_timeout", "--dry-run", "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(page)
    assert found["predictions"] == {"not_rehearsed": 1}
    (letter,) = found["rehearsed_letters"]
    assert letter["letter_id"].startswith(name_of(0))
    _, listed, _ = run(capsys, "list", "--json")
    assert {one["state"] for one in json.loads(listed)} == {"open"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["rehearse"], 2, "name the letters"),
        (["rehearse", "ffff"], 2, "there is no letter ffff"),
        (["rehearse", "ffff", "--all"], 2, "not both"),
        (["rehearse", "--where", "coed=llm_timeout"], 2, "coed"),
        (["rehearse", "--where", "code=bug"], 2, "nothing to rehearse"),
        (["rehearse", "--all", "--live"], 2, "--budget"),
        (["rehearse", "--all", "--budget", "1"], 2, "goes with --live"),
        (["rehearsal", "7"], 2, "REHEARSAL"),
        (["rehearsal", "00000000-0000-4000-8000-000000000000"], 2, "there is no rehearsal"),
    ],
)
def test_what_cannot_be_rehearsed_is_said_in_one_line(
    control: None, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    found, _, err = run(capsys, *words)
    assert (found, len(err.splitlines()) <= 3) == (code, True), err
    assert said in " ".join(err.split())
