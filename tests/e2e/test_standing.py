"""A note's standing goes through the whole system, and readers see its statement by it."""

from __future__ import annotations

import asyncio
import json

import pytest

from contracts.study import StatementPolicy, Study, Theme
from onrecord import cli
from support.pipeline import Pipeline, submitted

WORDS = "I paid forty-one dollars for the repair of the front wheel."
TALK = f"Interviewer: What did you pay?\n\nParticipant: {WORDS}\n"


def study(policy: StatementPolicy) -> Study:
    price = Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive")
    return Study(study_id=f"standing-{policy}", name="Repairs", themes=(price,), statements=policy)


@pytest.mark.parametrize("policy", [StatementPolicy.PROVEN, StatementPolicy.QUOTES])
async def test_a_note_in_the_interview_s_own_words_is_verbatim_and_shown_as_the_study_wants(
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    policy: StatementPolicy,
) -> None:
    of = study(policy)
    await pipeline.publish([submitted(of, "own words", TALK)])
    await pipeline.settled()
    shown = WORDS if policy is StatementPolicy.PROVEN else None
    (row,) = await pipeline.rows("SELECT * FROM current_notes WHERE study_id = $1", of.study_id)
    assert (row["standing"], row["statement"]) == ("verbatim", shown)
    assert [one["kind"] for one in json.loads(row["vouchers"])] == ["rule"]

    for name, value in pipeline.env.items():
        monkeypatch.setenv(name, value)
    notes = ["notes", "--study", of.study_id, "--json"]
    assert await asyncio.to_thread(cli.run_command, notes) == 0
    (note,) = json.loads(capsys.readouterr().out)
    assert (note["statement"], note["model_reading"]) == (shown, None)
    assert note["evidence"][0]["quote"] == WORDS
