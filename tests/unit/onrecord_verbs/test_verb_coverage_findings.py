from uuid import UUID

import pytest

from contracts.study import Question, Study, Theme
from onrecord.coverage import Finding, Interview, NoteCount, coverage
from onrecord.note_pages import coverage_page

STUDY = Study(
    study_id="pilot",
    name="Pilot",
    themes=(Theme(id="price", name="Price"),),
    questions=(Question(id="churn", text="Why do people leave?"),),
)
BEFORE = STUDY.model_copy(update={"questions": ()})


def interview(stored: int, dead: int = 0, waiting: int = 0, study: Study = STUDY) -> Interview:
    return Interview(UUID(int=1), "Interview", study, stored, dead, waiting)


@pytest.mark.parametrize(
    ("interviews", "finding"),
    [
        ([interview(3)], Finding.NOT_ADDRESSED),
        ([interview(3), interview(2)], Finding.NOT_ADDRESSED),
        ([interview(3), interview(2, dead=1)], Finding.UNKNOWN),
        ([interview(3, waiting=1)], Finding.UNKNOWN),
        ([interview(3), interview(2, study=BEFORE)], Finding.UNKNOWN),
    ],
)
def test_not_addressed_is_said_only_if_every_chunk_was_read_with_the_question(
    interviews: list[Interview], finding: Finding
) -> None:
    (question,) = coverage(STUDY, interviews, []).questions
    assert question.finding is finding


def test_one_note_answers_whatever_else_is_missing() -> None:
    counted = [NoteCount("question", "churn", 2, frozenset({UUID(int=1)}))]
    found = coverage(STUDY, [interview(1, dead=2, waiting=3)], counted)
    (question,) = found.questions
    assert question.finding is Finding.ANSWERED
    assert (question.notes, question.interviews) == (2, 1)
    assert (question.read, question.dead, question.waiting) == (1, 2, 3)
    assert found.themes[0].finding is Finding.UNKNOWN


def test_a_theme_and_a_question_of_one_id_are_not_confused() -> None:
    counted = [NoteCount("theme", "churn", 1, frozenset({UUID(int=1)}))]
    assert coverage(STUDY, [interview(1)], counted).questions[0].finding is Finding.NOT_ADDRESSED


def test_the_page_tells_each_finding_with_its_reason() -> None:
    found = coverage(STUDY, [interview(2), interview(1, dead=1, study=BEFORE)], [], 2)
    page = "\n".join(line.plain.rstrip() for line in coverage_page(found, 80))
    assert "  unknown        Why do people leave?\n" in page
    assert "                 2 chunks read before the study had it\n" in page
    assert "  unknown        Price\n                 1 chunk dead\n" in page
    assert "2 submissions of this or another study could not be read yet" in page
