"""A Java and a Go program hand interviews in and print what became of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from contracts.events import SettledOutcome, TranscriptSettled

EXAMPLES: Final = Path(__file__).parents[3] / "schemas" / "examples" / "TranscriptSubmitted"
PROGRAMS: Final = (("run_java", "Submit.java"), ("run_go", "submit.go"))


@pytest.fixture(params=PROGRAMS, ids=lambda one: one[1])
def outcome_of(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Has a program hand in an example as an interview of its own; what it prints of it."""
    fixture, program = request.param
    run = request.getfixturevalue(fixture)

    def hand_in(**changes: Any) -> TranscriptSettled:
        document = json.loads((EXAMPLES / "full.json").read_bytes())
        document |= {"transcript_id": str(uuid4())} | changes
        file = tmp_path / "interview.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        done = run(program, file)
        assert done.returncode == 0, done.stderr
        outcome = TranscriptSettled.model_validate_json(done.stdout)
        assert str(outcome.transcript_id) == document["transcript_id"]
        return outcome

    return hand_in


@pytest.mark.long
def test_a_program_prints_that_its_interview_is_complete(outcome_of: Any) -> None:
    outcome = outcome_of(revision=2)
    assert (outcome.outcome, outcome.revision) == (SettledOutcome.COMPLETE, 2)
    assert outcome.chunks == outcome.stored > 0


def test_a_program_prints_why_its_interview_is_refused(outcome_of: Any) -> None:
    outcome = outcome_of(revision=0)
    assert (outcome.outcome, outcome.revision) == (SettledOutcome.REFUSED, None)
    assert "revision" in outcome.reasons[0].message
