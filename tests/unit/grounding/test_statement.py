from __future__ import annotations

import pytest

from contracts.notes import DraftEvidence
from grounding import assess_note
from unit.grounding.drafts import chunk, draft, failed, segment

TALK = chunk(
    segment(1, "No. We pay sixty pounds a month. Dallas is far. Do we like it? Not much."),
    segment(2, "Mm-hmm."),
)


@pytest.mark.parametrize(
    "statement", ["no", "Dallas", "We pay", "…", "Do we like it?", "“Do we like it?”", "Not much"]
)
def test_scraps_and_questions_state_nothing(statement: str) -> None:
    assert "no_statement" in failed(assess_note(draft(statement, DraftEvidence(segment=1)), TALK))


@pytest.mark.parametrize("statement", ["We pay sixty pounds a month", "Dallas is far."])
def test_short_statements_pass(statement: str) -> None:
    assert failed(assess_note(draft(statement, DraftEvidence(segment=1)), TALK)) == []


def test_a_question_that_is_reported_states_that_it_was_asked() -> None:
    output = "The participant asked “Do we like it?”"
    assert failed(assess_note(draft(output, DraftEvidence(segment=1)), TALK)) == []


def test_the_number_in_a_label_counts_nothing() -> None:
    output = "Speaker 1: I get that from a lot of artists."
    assert failed(assess_note(draft(output, DraftEvidence(segment=2)), TALK))
