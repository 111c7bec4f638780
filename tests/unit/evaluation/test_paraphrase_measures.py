"""Drafts of the paraphrasing mode are checked as the guardrail does; what is shown is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.notes import Standing
from contracts.transcript import Segment
from evaluation.grounding.pair_verdicts import check_pairs
from evaluation.grounding.paraphrase_measures import measure_paraphrases
from evaluation.grounding.paraphrases import draft_paraphrases
from evaluation.inputs import read_interviews
from simulator.paraphrasing import FalseNoteKind, TrueNoteKind

FOLDER = Path(__file__).parents[3] / "libs" / "evaluation" / "interviews"


@pytest.fixture(scope="module")
def interviews() -> dict[str, list[Segment]]:
    return {name: [*segments] for name, segments in read_interviews(FOLDER).interviews.items()}


def test_the_interview_of_our_own_has_an_interviewer_and_two_others(
    interviews: dict[str, list[Segment]],
) -> None:
    speakers = {(one.speaker, one.role.value) for one in interviews["garden"]}
    assert speakers == {
        ("Interviewer", "interviewer"),
        ("Hanna", "unknown"),
        ("Tobias", "unknown"),
    }


def test_what_two_drafts_write_alike_is_measured_once(
    interviews: dict[str, list[Segment]],
) -> None:
    pairs = list(draft_paraphrases(interviews, range(6)))
    notes = [(one.draft.statement, one.draft.evidence) for one in pairs]
    assert len(set(notes)) == len(notes)
    assert {kind for one in pairs for kind in one.kinds} == {*TrueNoteKind, *FalseNoteKind}


def test_every_note_cites_what_the_guardrail_finds(interviews: dict[str, list[Segment]]) -> None:
    verdicts = check_pairs(draft_paraphrases(interviews, [1]))
    failed = {check for one in verdicts for check in one.failed_checks}
    assert not failed & {"quote_not_found", "unknown_segment", "no_evidence", "no_theme"}


def test_figures_are_those_of_the_verdicts(interviews: dict[str, list[Segment]]) -> None:
    shown_false, true_shown = measure_paraphrases({"ours": interviews}, [3])
    verdicts = check_pairs(draft_paraphrases(interviews, [3]))
    shown = [one for one in verdicts if one.standing in {Standing.VERBATIM, Standing.PROVEN}]
    false = [one for one in shown if not one.pair.is_true]
    tidied = [one for one in verdicts if one.pair.kinds == (TrueNoteKind.TIDIED,)]
    assert shown_false.name == "paraphrases-shown-false"
    assert shown_false.figure == pytest.approx(len(false) / len(shown))
    assert shown_false.sides["all"]["pairs"] == len(verdicts)
    assert true_shown.name == "paraphrases-true-shown"
    assert true_shown.figure == pytest.approx(sum(one in shown for one in tidied) / len(tidied))
    assert 0 < true_shown.figure < 1
