"""Each check refuses what its rule forbids, and names itself."""

from __future__ import annotations

import pytest

from contracts.notes import DraftEvidence, DraftNote, Note
from contracts.transcript import Role
from grounding import CHECKS, assess_note, assess_notes
from unit.grounding.drafts import chunk, draft, failed, segment

THERE = chunk(
    segment(2, "Do you find it expensive?", Role.INTERVIEWER),
    segment(3, "We pay forty dollars. It is fine."),
    segment(4, "Same here.", Role.UNKNOWN),
    context=(segment(1, "Let us talk about money."),),
)


def _cites(*numbers: int) -> tuple[DraftEvidence, ...]:
    return tuple(DraftEvidence(segment=number) for number in numbers)


def test_accepts_a_note_that_its_evidence_supports() -> None:
    verdict = assess_note(draft("They pay $40.", *_cites(3)), THERE)
    assert isinstance(verdict, Note)
    assert verdict.evidence[0].quote == "We pay forty dollars. It is fine."
    assert verdict.themes == ("price",)


def test_accepts_words_of_someone_whose_role_is_unknown() -> None:
    assert failed(assess_note(draft("Another one agrees.", *_cites(4)), THERE)) == []


def test_rejects_a_note_without_evidence() -> None:
    verdict = assess_note(DraftNote(statement="They pay $40.", themes=("price",)), THERE)
    assert failed(verdict) == ["no_evidence"]


@pytest.mark.parametrize("number", [0, -3, 5, 2**53 - 1], ids=["zero", "negative", "next", "huge"])
def test_rejects_a_segment_that_is_not_there(number: int) -> None:
    assert failed(assess_note(draft("They pay it.", *_cites(number)), THERE)) == ["unknown_segment"]


def test_says_that_context_may_be_read_but_not_cited() -> None:
    verdict = assess_note(draft("They talk about money.", *_cites(3, 1)), THERE)
    assert not isinstance(verdict, Note)
    assert failed(verdict) == ["unknown_segment"]
    assert "Segment 1 is context: it may be read but not cited." in verdict.failures[0].reason


def test_rejects_a_quote_from_the_wrong_segment_and_names_the_right_one() -> None:
    cited = DraftEvidence(segment=4, first_words="we pay", last_words="dollars")
    verdict = assess_note(draft("They pay it.", cited), THERE)
    assert not isinstance(verdict, Note)
    assert failed(verdict) == ["quote_not_found"]
    assert "They stand in segment 3." in verdict.failures[0].reason


def test_rejects_themes_and_questions_the_study_does_not_have() -> None:
    note = draft("They pay it.", *_cites(3)).model_copy(
        update={"themes": ("price", "weather"), "questions": ("q1", "q2")}
    )
    assert failed(assess_note(note, THERE)) == ["unknown_theme", "unknown_question"]


def test_rejects_a_note_without_a_theme() -> None:
    note = draft("They pay it.", *_cites(3)).model_copy(update={"themes": ()})
    assert failed(assess_note(note, THERE)) == ["no_theme"]


def test_rejects_an_interviewers_words_unless_they_are_cited_with_an_answer() -> None:
    assert failed(assess_note(draft("It is expensive.", *_cites(2)), THERE)) == [
        "interviewer_words"
    ]
    answered = assess_note(draft("It is fine.", *_cites(3, 2)), THERE)
    assert "interviewer_words" not in failed(answered)


def test_lists_all_reasons_at_once() -> None:
    note = draft("They don't pay forty-five dollars.", *_cites(3), theme="weather")
    assert failed(assess_note(note, THERE)) == [
        "unknown_theme",
        "number_may_follow",
        "negation_mismatch",
    ]


def test_checks_are_named_once_and_state_a_rule_in_one_sentence() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.rule.endswith(".") and check.rule.count(". ") == 0 for check in CHECKS)


def test_merges_duplicate_notes_and_keeps_their_themes() -> None:
    once = draft("They pay $40.", *_cites(3))
    again = draft("they  pay $40.", *_cites(3, 3), theme="trust")
    other = draft("They pay $40.", *_cites(4, 3))
    judgement = assess_notes([once, again, once, other], THERE)
    assert [note.themes for note in judgement.accepted] == [("price", "trust"), ("price",)]
    assert judgement.rejected == ()


def test_lists_a_rejected_note_once() -> None:
    wrong = draft("They pay $45.", *_cites(3))
    judgement = assess_notes([wrong, wrong, draft("They pay $46.", *_cites(3))], THERE)
    assert judgement.accepted == ()
    assert [one.draft.statement for one in judgement.rejected] == ["They pay $45.", "They pay $46."]
