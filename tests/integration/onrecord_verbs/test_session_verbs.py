"""``onrecord session``, against control's API."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx2
import pytest

from onrecord import cli
from support.served_control import TOKEN


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it wrote to stdout and to stderr."""
    capsys.readouterr()
    code = cli.run_command(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def log_in() -> dict[str, Any]:
    """Open a session, as a page does in which somebody has pasted a token."""
    url = f"{os.environ['ONRECORD_CONTROL_URL']}/v1/session"
    answer = httpx2.post(url, json={"token": TOKEN}, trust_env=False)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_sessions_are_listed_and_ended(control: None, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = log_in()["session_id"], log_in()["session_id"]
    code, said, _ = run(capsys, "session", "list")
    assert (code, first[:8] in said, "127.0.0.1" in said) == (0, True, True)
    assert run(capsys, "session", "revoke", first[:8]) == (0, f"ended: {first}\n", "")
    code, said, _ = run(capsys, "session", "revoke", second, "--json")
    assert (code, json.loads(said)) == (0, {"session_id": second, "ended": True})
    listed = json.loads(run(capsys, "session", "list", "--json")[1])
    assert not {first, second} & {one["session_id"] for one in listed}
    _, said, _ = run(capsys, "session", "list", "--ended", "--json")
    ended = {one["session_id"] for one in json.loads(said) if one["ended_at"]}
    assert {first, second} <= ended


@pytest.mark.parametrize("session", ["abc", "zzzz", "00000000-0000-4000-8000-000000000000"])
def test_an_id_of_no_session_is_wrong_usage(
    control: None, capsys: pytest.CaptureFixture[str], session: str
) -> None:
    code, said, error = run(capsys, "session", "revoke", session)
    assert (code, said, "session" in error) == (2, "", True)
