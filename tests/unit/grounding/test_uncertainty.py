"""Which notes go to a second opinion: few, and those the checks can be wrong about."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.notes import DraftEvidence
from contracts.transcript import Role
from evaluation.grounding.true_notes import build_chunk, iter_true_notes
from evaluation.splits import DataSplit, assign_split
from grounding import CheckedNote, check_note
from grounding.uncertainty import UncertaintyKind, classify_uncertainty
from transcripts import read_transcript
from unit.grounding.drafts import chunk, draft, segment

REV = Path(__file__).parents[3] / ".." / "shared" / "data" / "interviews" / "rev"
SAID = "We order beer there every Friday, and honestly the delivery has become cheaper."
COUNTED = "We order three beers there on Friday."


def checked_note(statement: str, text: str = SAID) -> CheckedNote:
    return check_note(draft(statement), chunk(segment(1, text)))


def checks(one: CheckedNote) -> list[str]:
    return [failure.check for failure in one.failures]


@pytest.mark.parametrize(
    "statement",
    [
        SAID,
        "They order beer there every Friday.",
        "S1 said: The delivery has become cheaper.",
        "The participant explained that the delivery became cheaper.",
        "Delivery becomes cheaper.",
    ],
)
def test_the_quotes_own_words_are_not_uncertain_whoever_is_named_as_speaker(
    statement: str,
) -> None:
    one = checked_note(statement)
    assert not one.failures
    assert classify_uncertainty(one) is None


@pytest.mark.parametrize(
    "statement",
    [
        "They order cocktails there every Friday.",
        "Delivery has become more affordable.",
    ],
)
def test_one_unsupported_word_makes_a_passing_note_uncertain(statement: str) -> None:
    one = checked_note(statement)
    assert not one.failures
    assert classify_uncertainty(one) is UncertaintyKind.MAYBE_FALSE


def test_a_paraphrase_that_is_refused_for_its_words_may_be_true() -> None:
    one = checked_note("Home shipping prices dropped, making delivery affordable.")
    assert checks(one) == ["content_not_in_evidence"]
    assert classify_uncertainty(one) is UncertaintyKind.MAYBE_TRUE


def test_a_plan_with_another_modal_may_be_true() -> None:
    one = checked_note(
        "They will take care of the garden.", "So we could take care of the garden, okay? Deal."
    )
    assert checks(one) == ["modality_differs"]
    assert classify_uncertainty(one) is UncertaintyKind.MAYBE_TRUE


def test_a_note_that_shares_no_word_with_its_quotes_is_rejected_for_good() -> None:
    one = checked_note("The hospital cancelled their appointments at short notice.")
    assert checks(one) == ["content_not_in_evidence", "nothing_in_common"]
    assert classify_uncertainty(one) is None


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("They do not order beer there every Friday.", "negation_mismatch"),
        ("They order beer at Oslo every Friday.", "name_not_in_evidence"),
        ("They order beer there every Monday.", "time_differs"),
    ],
)
def test_a_note_that_is_only_doubted_may_be_true(statement: str, check: str) -> None:
    one = checked_note(statement)
    assert check in checks(one)
    assert classify_uncertainty(one) is UncertaintyKind.MAYBE_TRUE


def test_failures_of_exact_checks_are_final() -> None:
    one = checked_note("They order 14 beers there on Friday.", COUNTED)
    assert "number_not_in_evidence" in checks(one)
    assert classify_uncertainty(one) is None


def test_one_failure_of_an_exact_check_is_final() -> None:
    one = checked_note("They order 14 beers there on Saturday.", COUNTED)
    assert {"time_differs", "number_not_in_evidence"} == {*checks(one)}
    assert classify_uncertainty(one) is None


def test_a_note_with_a_wrong_citation_is_never_uncertain() -> None:
    text = chunk(segment(1, SAID), segment(2, "Is beer cheap?", Role.INTERVIEWER))
    for cited in (
        DraftEvidence(segment=9),
        DraftEvidence(segment=2),
        DraftEvidence(segment=1, first_words="We never"),
    ):
        assert (
            classify_uncertainty(check_note(draft("Beer became affordable lately.", cited), text))
            is None
        )


@pytest.mark.skipif(not REV.is_dir(), reason="the real interviews are not here")
@pytest.mark.parametrize("split", DataSplit)
def test_sentences_of_real_interviews_are_hardly_ever_uncertain(split: DataSplit) -> None:
    doubts = []
    for file in (one for one in sorted(REV.glob("*.json")) if assign_split(one.stem) is split):
        interview = build_chunk(file.stem, read_transcript(file.read_text()).segments)
        doubts += [
            classify_uncertainty(check_note(one.draft, interview))
            for one in iter_true_notes(interview)
        ]
    assert len(doubts) > 300
    assert sum(one is not None for one in doubts) <= 0.02 * len(doubts)


def test_a_number_that_is_only_missing_leaves_a_judge_to_decide() -> None:
    one = checked_note("They order beer there every Friday, 50 weeks in a row.")
    assert checks(one) == ["number_may_follow"]
    assert classify_uncertainty(one) is UncertaintyKind.MAYBE_TRUE
