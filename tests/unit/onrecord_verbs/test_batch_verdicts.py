from pathlib import Path

from contracts import ids
from contracts.study import Study, Theme
from onrecord.client import build_submission
from onrecord.submit.batches import SubmittedBatch, find_batch_failure, format_batch
from onrecord.submit.interview_files import InterviewFile
from onrecord.submit.preparation import PreparedSubmission
from read_model.queries import TranscriptProgress

STUDY = Study(study_id="pilot", name="Pilot", themes=(Theme(id="price", name="Price"),))


def batch(*progress: TranscriptProgress, finished: bool = True) -> SubmittedBatch:
    sent = [
        PreparedSubmission(
            InterviewFile(Path(f"{number}.txt"), f"Talk {number}"),
            build_submission(
                content="Ann: Hi.", title=f"Talk {number}", study=STUDY, source=f"{number}.txt"
            ),
            None,
        )
        for number in range(len(progress))
    ]
    return SubmittedBatch(sent, progress, finished)


def far(
    number: int, *, stored: int = 4, dead: int = 0, refused: bool = False
) -> TranscriptProgress:
    transcript = ids.derive_transcript_id("pilot", f"{number}.txt")
    return TranscriptProgress(transcript, 4, stored, dead, stored * 2, refused)


def page(one: SubmittedBatch) -> list[str]:
    return [line.plain for line in format_batch(one, 80)]


def test_a_batch_that_was_read_to_the_end_says_so() -> None:
    done = batch(far(0), far(1))
    assert find_batch_failure(done) is None
    assert page(done)[-1] == "2 interviews submitted and read"


def test_what_was_set_aside_is_summed_up_once() -> None:
    died = batch(far(0, stored=3, dead=1), far(1, stored=3, dead=1), far(2))
    failure = find_batch_failure(died)
    assert str(failure) == (
        "3 interviews submitted; 2 chunks were set aside: `onrecord dlq list` shows why"
    )
    assert failure is not None
    assert failure.details == ()
    lines = page(died)
    assert [line for line in lines if "and read" in line] == []
    assert sum("1 chunk set aside" in line for line in lines) == 2


def test_an_interview_that_nobody_could_read_is_told() -> None:
    assert str(find_batch_failure(batch(far(0, stored=0, refused=True)))).startswith(
        "1 interview submitted; 1 interview was set aside: "
    )


def test_a_wait_that_ran_out_tells_what_is_dead_and_what_goes_on() -> None:
    output = str(find_batch_failure(batch(far(0, stored=2, dead=1), far(1), finished=False)))
    assert "1 chunk was set aside" in output
    assert "1 interview was not read to the end when the wait was over" in output
