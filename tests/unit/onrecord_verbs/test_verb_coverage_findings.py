from uuid import UUID

import pytest

from contracts.study import Question, Study, Theme
from onrecord.pages.notes import format_coverage
from read_model.coverage import (
    CoverageStatus,
    InterviewProgress,
    NoteCount,
    PendingSubmissionCount,
    compute_coverage,
)

STUDY = Study(
    study_id="pilot",
    name="Pilot",
    themes=(Theme(id="price", name="Price"),),
    questions=(Question(id="churn", text="Why do people leave?"),),
)
BEFORE = STUDY.model_copy(update={"questions": ()})


def interview(
    stored: int, dead: int = 0, waiting: int = 0, study: Study = STUDY
) -> InterviewProgress:
    return InterviewProgress(UUID(int=1), "Interview", study, stored, dead, waiting)


@pytest.mark.parametrize(
    ("interviews", "finding"),
    [
        ([interview(3)], CoverageStatus.NOT_ADDRESSED),
        ([interview(3), interview(2)], CoverageStatus.NOT_ADDRESSED),
        ([interview(3), interview(2, dead=1)], CoverageStatus.UNKNOWN),
        ([interview(3, waiting=1)], CoverageStatus.UNKNOWN),
        ([interview(3), interview(2, study=BEFORE)], CoverageStatus.UNKNOWN),
    ],
)
def test_not_addressed_is_said_only_if_every_chunk_was_read_with_the_question(
    interviews: list[InterviewProgress], finding: CoverageStatus
) -> None:
    (question,) = compute_coverage(STUDY, interviews, []).questions
    assert question.finding is finding


def test_one_note_answers_whatever_else_is_missing() -> None:
    counted = [NoteCount("question", "churn", 2, frozenset({UUID(int=1)}))]
    found = compute_coverage(STUDY, [interview(1, dead=2, waiting=3)], counted)
    (question,) = found.questions
    assert question.finding is CoverageStatus.ANSWERED
    assert (question.notes, question.interviews) == (2, 1)
    assert (question.read, question.dead, question.waiting) == (1, 2, 3)
    assert found.themes[0].finding is CoverageStatus.UNKNOWN


def test_a_theme_and_a_question_of_one_id_are_not_confused() -> None:
    counted = [NoteCount("theme", "churn", 1, frozenset({UUID(int=1)}))]
    assert (
        compute_coverage(STUDY, [interview(1)], counted).questions[0].finding
        is CoverageStatus.NOT_ADDRESSED
    )


@pytest.mark.parametrize("kind", ["question", "theme"])
def test_what_an_earlier_revision_answered_is_not_called_not_addressed(kind: str) -> None:
    earlier = [
        NoteCount("question", "churn", 2, frozenset({UUID(int=1)})),
        NoteCount("theme", "price", 1, frozenset({UUID(int=1), UUID(int=2)})),
    ]
    found = compute_coverage(STUDY, [interview(3)], [], earlier)
    (topic,) = found.questions if kind == "question" else found.themes
    assert topic.finding is CoverageStatus.ANSWERED_EARLIER
    (unread,) = compute_coverage(STUDY, [interview(3, waiting=1)], [], earlier).questions
    assert unread.finding is CoverageStatus.UNKNOWN
    noted = [NoteCount("question", "churn", 1, frozenset({UUID(int=1)}))]
    (answered,) = compute_coverage(STUDY, [interview(3)], noted, earlier).questions
    assert answered.finding is CoverageStatus.ANSWERED


def test_a_chunk_that_was_given_up_is_called_so() -> None:
    given_up = InterviewProgress(
        UUID(int=1), "Interview", STUDY, stored=1, dead=0, waiting=0, discarded=2
    )
    found = compute_coverage(STUDY, [given_up], [])
    (question,) = found.questions
    assert (question.finding, question.dead, question.discarded) == (CoverageStatus.UNKNOWN, 0, 2)
    page = "\n".join(line.plain.rstrip() for line in format_coverage(found, 80))
    assert "2 chunks discarded" in page
    assert "dead" not in page


def test_the_page_tells_each_finding_with_its_reason() -> None:
    read = [interview(2), interview(1, dead=1, study=BEFORE)]
    found = compute_coverage(
        STUDY, read, [], unread=PendingSubmissionCount(interviews=2, unreadable=1)
    )
    page = "\n".join(line.plain.rstrip() for line in format_coverage(found, 80))
    assert "  unknown        Why do people leave?\n" in page
    reason = "2 chunks of interviews whose study, as submitted, does not have it"
    assert reason in " ".join(page.split())
    assert "before" not in page, "it may have been submitted since"
    assert "1 record on the topic of submissions is no interview" in page
    assert "  unknown        Price\n                 1 chunk dead\n" in page
    assert "2 submissions of this or another study could not be read yet" in page


def test_the_page_says_that_pending_submissions_are_unknown() -> None:
    found = compute_coverage(STUDY, [interview(2)], [], unread=None)
    assert (found.unread_submissions, found.unreadable_submissions) == (None, None)
    page = "\n".join(line.plain.rstrip() for line in format_coverage(found, 80))
    assert "whether submissions are yet to be read, which may change this, is unknown" in (
        " ".join(page.split())
    )
    known = compute_coverage(STUDY, [interview(2)], [])
    assert "unknown" not in "".join(line.plain for line in format_coverage(known, 80))
