"""``onrecord parse --diff``: what changes in a stored transcript under today's reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onrecord import cli

TALK = "Interviewer: How was it?\n\nParticipant: Cold and wet.\n"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    file = tmp_path / "talk.txt"
    file.write_text(TALK, encoding="utf-8")
    return file


def parsed(talk: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    assert cli.run_command(["parse", str(talk), "--segments", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def stored(tmp_path: Path, document: Any) -> str:
    file = tmp_path / "old.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


def test_an_equal_reading_is_no_failure(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = stored(tmp_path, parsed(talk, capsys))
    assert cli.run_command(["parse", str(talk), "--diff", old]) == 0
    assert capsys.readouterr().out == ""


def test_a_stored_event_with_another_speaker_is_told_and_fails(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (reading,) = parsed(talk, capsys)
    turns = [turn | {"speaker": "Speaker", "role": "unknown"} for turn in reading["turns"]]
    old = stored(tmp_path, {"transcript_id": "x", "segments": turns})
    assert cli.run_command(["parse", str(talk), "--diff", old]) == 1
    printed = capsys.readouterr()
    assert "3 words of Speaker are now Participant's" in printed.out
    assert "is read otherwise today" in printed.err
    assert cli.run_command(["parse", str(talk), "--diff", old, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert {one["what"] for one in document["differences"]} == {"speaker"}


@pytest.mark.parametrize("document", [{}, [], {"segments": [{"text": "x"}]}, "x", [{"file": "a"}]])
def test_what_is_no_older_reading_is_bad_input(
    talk: Path, tmp_path: Path, document: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    old = stored(tmp_path, document)
    assert cli.run_command(["parse", str(talk), "--diff", old]) in {1, 2}
    assert "Traceback" not in capsys.readouterr().err


def test_one_file_is_compared_at_a_time(talk: Path, tmp_path: Path) -> None:
    old = stored(tmp_path, {"segments": []})
    assert cli.run_command(["parse", str(talk), str(talk), "--diff", old]) == 2
