"""A judge's word goes through the whole system: a note that no rule proves is confirmed by it.

The simulator drafts and judges, under two names. It paraphrases, so that most notes are judged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from audit.facts import SubmissionState
from contracts.study import StatementPolicy, Study, Theme
from local_stack.supervisor import LocalStack
from onrecord import cli
from support.pipeline import Pipeline, submitted
from support.stack import QUICK_RETRIES, whole_stack

GARDEN: Final = Path(__file__).parents[2] / "libs" / "evaluation" / "interviews" / "garden.txt"
JUDGE: Final = {"GUARDRAIL_JUDGE": "doubtful", "GUARDRAIL_JUDGE_MODEL": "judging"}
STUDY: Final = Study(
    study_id="judged",
    name="Judged",
    themes=(Theme(id="all", name="All that is said"),),
    statements=StatementPolicy.CONFIRMED,
)
COUNTS: Final = """
SELECT count(*) FILTER (WHERE purpose = 'draft') AS drafts,
       count(*) FILTER (WHERE purpose = 'judge') AS judged
  FROM llm_calls WHERE study_id = $1
"""
NOTES: Final = """
SELECT note_id, statement, model_reading, vouchers FROM current_notes
 WHERE study_id = $1 AND standing = $2
"""


@pytest.fixture(scope="module")
def stack(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack]:
    file = tmp_path_factory.mktemp("simulator") / "model.yaml"
    file.write_text("paraphrasing: {notes: 10}\n", encoding="utf-8")
    env = {"ONRECORD_SIMULATOR_CONFIG": str(file), "ONRECORD_SIMULATOR_SEED": "14"}
    with whole_stack(pytestconfig.getoption("--stack"), QUICK_RETRIES | env | JUDGE) as running:
        yield running


async def test_notes_that_a_judge_confirms_are_shown_with_its_name_and_the_deciding_words(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = GARDEN.read_text(encoding="utf-8")
    await pipeline.publish([submitted(STUDY, "garden", talk)])
    balance = await pipeline.settled(within_s=150)
    assert balance.balances
    assert balance.chunks.states[SubmissionState.DEAD] == 0
    confirmed = await pipeline.rows(NOTES, STUDY.study_id, "confirmed")
    unproven = await pipeline.rows(NOTES, STUDY.study_id, "unproven")
    assert confirmed
    assert unproven
    assert {one["statement"] for one in unproven} == {None}
    for one in confirmed:
        assert one["statement"]
        (voucher,) = json.loads(one["vouchers"])
        assert (voucher["kind"], voucher["name"]) == ("judge", "judging")
        words = voucher["detail"].split("by the words “")[1].split("”")[0]
        assert words in talk
    (calls,) = await pipeline.rows(COUNTS, STUDY.study_id)
    assert 1 <= calls["judged"] <= calls["drafts"]

    for name, value in pipeline.env.items():
        monkeypatch.setenv(name, value)
    explain = ["explain", str(confirmed[0]["note_id"])]
    assert await asyncio.to_thread(cli.run_command, explain) == 0
    assert "judging answered that it does" in " ".join(capsys.readouterr().out.split())
