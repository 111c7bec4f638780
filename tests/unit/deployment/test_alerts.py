"""The alerts' rules hold what the code means, and the runbook has an entry for each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import UNMENDABLE, ErrorCode

ROOT = Path(__file__).parents[3]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text("utf-8"))
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]
}


def codes_of(alert: str) -> set[ErrorCode]:
    """The codes of letters that an alert looks at."""
    (operator, pattern) = re.findall(r'code(=~|!~|=|!=)"([^"]*)"', ALERTS[alert]["expr"])[0]
    assert operator in {"=~", "="}, "codes are named, so that a new one is not taken along"
    return {code for code in ErrorCode if re.fullmatch(pattern, code.value)}


def test_bad_messages_are_those_that_no_replay_mends() -> None:
    assert codes_of("ManyBadMessages") == UNMENDABLE


def test_unforeseen_failures_are_bugs() -> None:
    assert codes_of("UnforeseenFailures") == {ErrorCode.BUG}


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_leads_to_its_entry_in_the_runbook(alert: str) -> None:
    page = (ROOT / "docs/runbook.md").read_text("utf-8")
    assert f"\n## {alert}\n" in page
    assert ALERTS[alert]["annotations"]["runbook"] == f"docs/runbook.md#{alert.lower()}"
