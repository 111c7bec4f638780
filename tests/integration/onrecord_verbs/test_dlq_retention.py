"""``onrecord dlq retention``, against control's API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from contracts.letter_retention import CauseExpiry, DlqSize, LetterRetention, RetentionPolicy
from onrecord import cli
from onrecord.pages.letter_retention import format_letter_retention

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MIB = 1024 * 1024


def test_shows_the_policy_and_the_dlqs(control: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["dlq", "retention"]) == 0
    assert "open letters are kept for 180 days, closed ones for 30" in capsys.readouterr().out
    assert cli.run_command(["dlq", "retention", "--json"]) == 0
    found = LetterRetention.model_validate(json.loads(capsys.readouterr().out))
    assert (found.policy.open_days, found.expiring) == (180, 0)


@pytest.mark.parametrize("state", ["expired", "all"])
def test_expired_is_a_state_that_is_listed(
    control: None, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    assert cli.run_command(["dlq", "list", "--state", state]) == 0
    assert cli.run_command(["dlq", "causes", "--state", state]) == 0


def test_what_expires_first_comes_first_with_its_day_without_control_characters() -> None:
    found = LetterRetention(
        policy=RetentionPolicy(open_days=180, closed_days=30, warning_days=7),
        letters=1_203,
        expiring=3,
        gone=1,
        causes=(
            CauseExpiry(
                service="enrichment",
                cause_id="3fa9c1d25b7e0a44",
                error_code="llm_timeout",
                summary="no\x1b[31m answer",
                letters=1_203,
                expiring=3,
                gone=1,
                first_expires_at=NOW + timedelta(days=2),
                last_expires_at=NOW + timedelta(days=99),
            ),
        ),
        cause_count=2,
        dlqs=(
            DlqSize(
                topic="enrichment-dlq",
                partition=0,
                letters=1_203,
                bytes=900 * MIB,
                max_bytes=1_000 * MIB,
                share=0.9,
                oldest_failed_at=NOW - timedelta(days=178),
            ),
            DlqSize(topic="guardrail-dlq", partition=1, letters=0, bytes=0),
        ),
        missing_dlqs=("persistence-dlq",),
    )
    lines = [
        " ".join(line.plain.split()) for line in format_letter_retention(found, NOW, width=120)
    ]
    assert "3 open letters expire within 7 days" in lines
    assert "1 open letter is gone from the DLQ: expired in an hour, unless read again" in lines
    assert "3fa9c1d25b7e0a44 enrichment 1,203 3 2026-05-06 12:00:00 UTC, in 2 d" in lines
    assert "and 1 cause whose letters expire later" in lines
    assert "enrichment-dlq 1,203 900.0 1,000 90% 178 d" in lines
    assert "guardrail-dlq/1 0 0.0 - - -" in lines
    assert "persistence-dlq is not on the broker; its letters are left as they are" in lines
    assert not any("\x1b" in line for line in lines)
