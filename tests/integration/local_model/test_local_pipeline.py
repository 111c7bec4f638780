"""The whole pipeline with a real model: what it stores is true, the rest has reasons."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from audit.facts import SubmissionState
from contracts.transcript import Role, Speaker
from local_stack.supervisor import LocalStack
from onrecord.demo.local_model import SHORT
from onrecord.submit.files import read_study_file
from support.pipeline import Pipeline, submitted
from support.waiting import until

SETTLED_WITHIN_S: Final = 600.0

EVIDENCE: Final = """
SELECT segment, start_char, length, quote, speaker, role,
       (SELECT text FROM segments AS said
         WHERE (said.transcript_id, said.revision, said.number)
             = (evidence.transcript_id, evidence.revision, evidence.segment)) AS text
  FROM evidence
"""


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_stores_only_what_was_said_and_tells_what_became_of_the_rest(
    stack: LocalStack,
) -> None:
    study = read_study_file(SHORT / "study.yaml")
    talk = (SHORT / "key-cutter.txt").read_text("utf-8")
    roles = (
        Speaker(label="Ivo Brandt", role=Role.INTERVIEWER),
        Speaker(label="Marit Solheim", role=Role.PARTICIPANT),
    )
    interview = submitted(study, "key-cutter", talk, speakers=roles)
    pipeline = Pipeline(stack)
    await pipeline.publish([interview])
    balance = await pipeline.settled(within_s=SETTLED_WITHIN_S)

    assert balance.balances
    ends = {state: count for state, count in balance.chunks.states.items() if count}
    assert ends.keys() <= {SubmissionState.STORED, SubmissionState.DEAD}
    assert sum(ends.values()) >= 2
    for one in await pipeline.rows(EVIDENCE):
        begin, end = one["start_char"], one["start_char"] + one["length"]
        assert one["text"][begin:end] == one["quote"]
        assert one["quote"] in talk
        assert (one["speaker"], one["role"]) == ("Marit Solheim", "participant")
    for one in await pipeline.rows("SELECT failures FROM rejected_notes"):
        assert json.loads(one["failures"])

    async def all_are_indexed() -> list[Any] | None:
        letters = await pipeline.rows("SELECT error_code, error_message FROM dead_letters")
        return [letters] if len(letters) == ends.get(SubmissionState.DEAD, 0) else None

    (letters,) = await until(all_are_indexed)
    # Nothing a model says is a bug of ours, and no letter is without its reason.
    assert all(one["error_code"] != "bug" and one["error_message"] for one in letters)
