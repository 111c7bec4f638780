"""``onrecord pipeline``, against control's API."""

from __future__ import annotations

import json

import pytest

from onrecord import cli


def test_shows_every_service_twice_looked_at(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["pipeline", "--for", "1"]) == 0
    shown = capsys.readouterr().out.splitlines()
    services = ["ingestion", "enrichment", "guardrail", "persistence", "control"]
    assert [line.split()[0] for line in shown[1:6]] == services
    assert cli.run_command(["pipeline", "--for", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["services"]
    assert [one["service"] for one in found] == services
    assert all(one["per_s"] == 0.0 for one in found)


def test_a_time_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["pipeline", "--for", "0"]) == 2
    assert "--for" in capsys.readouterr().err
