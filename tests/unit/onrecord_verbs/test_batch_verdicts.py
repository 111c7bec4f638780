from pathlib import Path

import pytest

from contracts import ids
from contracts.events import SettledOutcome, SettledReason, TranscriptSettled
from contracts.study import Study, Theme
from onrecord.client import build_submission
from onrecord.submit.batches import (
    SubmittedBatch,
    batch_to_json,
    find_batch_failure,
    format_batch,
)
from onrecord.submit.interview_files import InterviewFile
from onrecord.submit.preparation import PreparedSubmission
from onrecord.submit.waiting import BatchOutcomes

STUDY = Study(study_id="pilot", name="Pilot", themes=(Theme(id="price", name="Price"),))
TIMED_OUT = SettledReason(service="enrichment", code="llm_timeout", chunks=1)
MALFORMED = SettledReason(
    service="ingestion", code="malformed_transcript", message="line 7: no time"
)


def batch(*outcomes: TranscriptSettled, going_on: int = 0) -> SubmittedBatch:
    sent = [
        PreparedSubmission(
            InterviewFile(Path(f"{number}.txt"), f"Talk {number}"),
            build_submission(
                content="Ann: Hi.", title=f"Talk {number}", study=STUDY, source=f"{number}.txt"
            ),
            None,
        )
        for number in range(len(outcomes) + going_on)
    ]
    settled = {one.transcript_id: one for one in outcomes}
    return SubmittedBatch(sent, BatchOutcomes(settled, going_on))


def outcome(
    number: int,
    kind: SettledOutcome = SettledOutcome.COMPLETE,
    *reasons: SettledReason,
    dead: int = 0,
    superseded_by: int | None = None,
) -> TranscriptSettled:
    counted = kind in {SettledOutcome.COMPLETE, SettledOutcome.DEAD_IN_PART}
    stored = (4 - dead) * counted
    return TranscriptSettled(
        transcript_id=ids.derive_transcript_id("pilot", f"{number}.txt"),
        revision=1,
        content_sha256="a" * 64,
        number=1,
        outcome=kind,
        chunks=4 * counted,
        stored=stored,
        dead=dead,
        notes=stored * 2,
        reasons=reasons,
        superseded_by=superseded_by,
    )


def dead_in_part(number: int) -> TranscriptSettled:
    return outcome(number, SettledOutcome.DEAD_IN_PART, TIMED_OUT, dead=1)


def page(one: SubmittedBatch) -> list[str]:
    return [line.plain for line in format_batch(one, 80)]


def test_a_batch_that_was_read_to_the_end_says_so() -> None:
    done = batch(outcome(0), outcome(1))
    assert find_batch_failure(done) is None
    assert sum("4 of 4 chunks stored, 8 notes" in line for line in page(done)) == 2
    assert page(done)[-1] == "2 interviews submitted and read"


def test_what_was_set_aside_is_summed_up_once() -> None:
    died = batch(dead_in_part(0), dead_in_part(1), outcome(2))
    failure = find_batch_failure(died)
    assert str(failure) == (
        "3 interviews submitted; 2 chunks were set aside: `onrecord dlq list` shows why"
    )
    assert failure is not None
    assert failure.details == ()
    lines = page(died)
    assert [line for line in lines if "and read" in line] == []
    assert sum("1 chunk set aside (enrichment llm_timeout)" in line for line in lines) == 2


def test_an_interview_that_was_refused_is_told_with_code_and_line() -> None:
    refused = batch(outcome(0, SettledOutcome.REFUSED, MALFORMED))
    assert str(find_batch_failure(refused)).startswith(
        "1 interview submitted; 1 interview was set aside: "
    )
    output = " ".join(line.strip() for line in page(refused))
    assert "dead letter (ingestion malformed_transcript: line 7: no time)" in output
    (data,) = batch_to_json(refused)
    assert (data["refused"], data["done"], data["outcome"]) == (True, True, "refused")
    assert data["reasons"] == [MALFORMED.model_dump()]


def test_an_interview_of_which_a_newer_revision_is_stored_is_no_failure() -> None:
    older = batch(outcome(0), outcome(1, SettledOutcome.SUPERSEDED, superseded_by=3))
    assert find_batch_failure(older) is None
    assert any("superseded: revision 3 is stored" in line for line in page(older))
    assert page(older)[-1] == "2 interviews submitted; 1 superseded"
    assert batch_to_json(older)[1]["superseded_by"] == 3


def test_a_wait_that_ran_out_tells_what_is_dead_and_what_goes_on() -> None:
    ran_out = batch(dead_in_part(0), going_on=1)
    output = str(find_batch_failure(ran_out))
    assert "1 chunk was set aside" in output
    assert "1 interview was not read to the end when the wait was over" in output
    settled, open_ = batch_to_json(ran_out)
    assert (settled["stored"], settled["dead"], settled["done"]) == (3, 1, True)
    assert (open_["stored"], open_["done"], open_["outcome"]) == (None, False, None)


@pytest.mark.parametrize("waited", [False, True])
def test_only_a_wait_tells_outcomes(waited: bool) -> None:  # noqa: FBT001
    one = batch(outcome(0))
    shown = one if waited else SubmittedBatch(one.interviews)
    assert ("done" in batch_to_json(shown)[0]) is waited
